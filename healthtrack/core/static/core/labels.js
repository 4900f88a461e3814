"use strict";

// Add labels for screen readers where the scripts of Django's admin leave them out.
{
  const nameChoices = (within) => {
    for (const select of within.querySelectorAll("select.admin-autocomplete")) {
      const box = select.parentElement.querySelector(".select2 [role=combobox]");
      const chosen = box?.querySelector("[role=textbox]");
      const name = select.labels[0]?.textContent.trim() || select.getAttribute("aria-label");
      if (chosen && name) {
        box.id = `${chosen.id}-box`;
        box.setAttribute("aria-label", name);
        box.setAttribute("aria-labelledby", `${box.id} ${chosen.id}`);
        chosen.setAttribute("aria-labelledby", box.id);
      }
    }
  };

  const nameIcons = () => {
    for (const icon of document.querySelectorAll(".search-label-icon")) {
      icon.setAttribute("role", "img");
    }
  };

  // Those scripts run a moment after the page is ready.
  window.addEventListener("load", () => setTimeout(() => {
    nameChoices(document);
    nameIcons();
  }));
  document.addEventListener("fields:ready", () => nameChoices(document));
  document.addEventListener("formset:added", (event) => setTimeout(nameChoices, 0, event.target));
}
