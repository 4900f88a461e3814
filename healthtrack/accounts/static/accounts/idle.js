"use strict";

// Warns before the session times out. Activity in any window of the browser counts.
{
  const dialog = document.getElementById("idle");
  const [stay, leave] = dialog.querySelectorAll("form");
  const left = dialog.querySelector("[data-left]");
  const limit = Number(dialog.dataset.seconds);
  const warning = Number(dialog.dataset.warning);
  const SHARED = "healthtrack-active";
  let active = Date.now();

  const share = () => {
    active = Date.now();
    try {
      localStorage.setItem(SHARED, active);
    } catch {
      // Without it, each window warns for itself.
    }
  };

  const update = () => {
    const rest = Math.ceil(limit - (Date.now() - active) / 1000);
    if (rest <= 0) {
      clearInterval(timer);
      leave.submit();
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
    }
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    stay.requestSubmit();
  });
  stay.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(stay.action, { method: "POST", body: new FormData(stay), redirect: "manual" });
    if (answer.status === 204) {
      share();
      dialog.close();
    } else {
      location.reload();
    }
  });
  share();
  const timer = setInterval(update, 1000);
}
