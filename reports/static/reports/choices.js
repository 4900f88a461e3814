"use strict";

// Lets people search a long list of choices: it shows those whose label contains what they type. Chosen ones stay.
for (const search of document.querySelectorAll("[data-searches]")) {
  const choices = [...search.parentElement.querySelectorAll("label")];
  search.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const choice of choices) {
      const isChosen = choice.querySelector("input").checked;
      choice.hidden = !isChosen && !choice.textContent.toLowerCase().includes(wanted);
    }
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
    }
  });
}
