"use strict";

// Sends an edit form only when the server can save it. Otherwise, as during a failover of the database, the form stays on the
// screen with everything that was typed, and offers to try again.
{
  const EDIT_FORMS = "#content-main > form[method=post], form[data-unsaved]";
  const PATIENCE_MS = 10000;
  const TEXT = "Nothing was saved, because the database cannot be reached right now. Your entries are still here.";
  const probe = document.querySelector("#idle form");
  let checked = null; // the form that is being sent
  let isWaiting = false;

  const isReachable = async () => {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const answer = await fetch(probe.action, { method: "POST", body: new FormData(probe), redirect: "manual", signal });
      return answer.status < 500;
    } catch {
      return false;
    }
  };

  const showNotice = (form, button) => {
    const notice = document.createElement("div");
    notice.className = "errornote not-saved";
    notice.setAttribute("role", "alert");
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button";
    again.textContent = "Try again";
    again.addEventListener("click", () => form.requestSubmit(button));
    notice.append(TEXT, " ", again);
    form.prepend(notice);
    notice.scrollIntoView({ block: "center" });
    again.focus();
  };

  const send = async (form, button) => {
    isWaiting = true;
    const reachable = await isReachable();
    isWaiting = false;
    form.querySelector(".not-saved")?.remove();
    if (reachable) {
      checked = form;
      form.requestSubmit(button);
      checked = null;
    } else {
      showNotice(form, button);
    }
  };

  // Before all other listeners: for them, the form is sent only when it can be.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form === checked || !form.matches(EDIT_FORMS)) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!isWaiting) {
      send(form, event.submitter);
    }
  }, true);
}
