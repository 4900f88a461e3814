"use strict";

// Ask before somebody leaves edit forms with changes that are not saved: Django's of a row, and those that say so.
{
  const forms = [...document.querySelectorAll("#content-main > form[method=post], form[data-unsaved]")];
  const read = () => forms.filter((form) => form.isConnected)
    .map((form) => new URLSearchParams(new FormData(form)).toString()).join("\n");
  let opened = null;
  let isLeaving = false;

  if (forms.length) {
    // A form that the server refused has unsaved changes from the start.
    const isRefused = forms.some((form) => form.querySelector(".errornote, .errorlist"));
    // The scripts of Django's admin complete the form when the page has loaded.
    window.addEventListener("load", () => setTimeout(() => {
      opened = read();
    }));
    document.addEventListener("submit", (event) => {
      isLeaving = forms.includes(event.target) || event.target.closest("#idle") !== null;
    });
    window.addEventListener("beforeunload", (event) => {
      if (!isLeaving && opened !== null && (isRefused || read() !== opened)) {
        event.preventDefault();
      }
    });
  }
}
