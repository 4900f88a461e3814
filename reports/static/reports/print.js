"use strict";

// Shows the buttons that print the page: without scripts they would not work.
for (const button of document.querySelectorAll("[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
