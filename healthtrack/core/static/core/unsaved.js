"use strict";

// Ask before somebody leaves the form of a row with changes that are not saved.
{
  const form = document.querySelector("#content-main > form[method=post]");
  const read = () => new URLSearchParams(new FormData(form)).toString();
  let opened = "";
  let isLeaving = false;

  if (form) {
    // A form that the server refused has unsaved changes from the start.
    const isRefused = form.querySelector(".errornote") !== null;
    // The scripts of Django's admin complete the form when the page has loaded.
    window.addEventListener("load", () => setTimeout(() => {
      opened = read();
    }));
    document.addEventListener("submit", (event) => {
      isLeaving = event.target === form || event.target.closest("#idle") !== null;
    });
    window.addEventListener("beforeunload", (event) => {
      if (!isLeaving && opened && form.isConnected && (isRefused || read() !== opened)) {
        event.preventDefault();
      }
    });
  }
}
