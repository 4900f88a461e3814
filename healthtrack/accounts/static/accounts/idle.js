"use strict";

// Warns before the session times out. Activity in any window of the browser counts, and so does typing. Signing out in
// one window clears all.
{
  const dialog = document.getElementById("idle");
  const [stay, leave] = dialog.querySelectorAll("form");
  const left = dialog.querySelector("[data-left]");
  const limit = Number(dialog.dataset.seconds);
  const warning = Number(dialog.dataset.warning);
  const SHARED = "healthtrack-active";
  const ENDED = "healthtrack-ended";
  const TYPING_SECONDS = Math.min(60, limit / 10); // the server hears of typing at most this often
  let active = Date.now();
  let isTyping = false;

  const keepSession = async () => {
    const answer = await fetch(stay.action, { method: "POST", body: new FormData(stay), redirect: "manual" });
    if (answer.status === 204) {
      share();
    }
    return answer.status === 204;
  };

  const notifyOthers = (key) => {
    try {
      localStorage.setItem(key, Date.now());
    } catch {
      // Without it, each window warns and signs out for itself.
    }
  };

  const share = () => {
    active = Date.now();
    notifyOthers(SHARED);
  };

  // Clears the page at once, even if the server does not answer, and loads it again when the session has ended.
  const leavePage = () => {
    document.body.replaceChildren();
    setTimeout(() => location.reload(), 1000);
  };

  const update = () => {
    if (isTyping && Date.now() - active > TYPING_SECONDS * 1000) {
      isTyping = false;
      keepSession().catch(() => {
        isTyping = true; // the server cannot be reached now: try again
      });
    }
    const rest = Math.ceil(limit - (Date.now() - active) / 1000);
    if (rest <= 0) {
      clearInterval(timer);
      leave.requestSubmit();
    } else if (rest <= warning) {
      left.textContent = rest;
      if (!dialog.open) {
        dialog.showModal();
      }
    } else if (dialog.open) {
      dialog.close();
    }
  };

  window.addEventListener("storage", (event) => {
    if (event.key === SHARED) {
      active = Number(event.newValue);
    } else if (event.key === ENDED) {
      clearInterval(timer);
      leavePage();
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-ends-session]")) {
      notifyOthers(ENDED);
    }
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    stay.requestSubmit();
  });
  stay.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await keepSession()) {
      dialog.close();
    } else {
      location.reload();
    }
  });
  document.addEventListener("input", () => {
    isTyping = true;
  });
  share();
  const timer = setInterval(update, 1000);
}
