"use strict";

// Shows the buttons that print the page: without scripts there is nothing that they could do.
for (const button of document.querySelectorAll("[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
