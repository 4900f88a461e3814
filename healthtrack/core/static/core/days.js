"use strict";

// Write each date of a form beside its field in the format that the person chose: the field itself follows the language
// of the browser, which may put the day and the month the other way round.
{
  const describe = (day, format) => {
    const year = String(day.getUTCFullYear()).padStart(4, "0");
    const get = (options) => day.toLocaleDateString("en-US", {timeZone: "UTC", ...options});
    const parts = {
      d: get({day: "2-digit"}), j: get({day: "numeric"}),
      m: get({month: "2-digit"}), M: get({month: "short"}), Y: year,
    };
    return format.replace(/[a-z]/gi, (letter) => parts[letter] ?? letter);
  };

  const show = (input) => {
    const written = document.createElement("span");
    const update = () => {
      written.textContent = input.valueAsDate ? describe(input.valueAsDate, input.dataset.format) : "";
    };
    written.className = "written-day";
    input.after(written);
    input.addEventListener("input", update);
    update();
  };

  const showAll = (within) => within.querySelectorAll("input[type=date][data-format]:not([name*=__prefix__])").forEach(show);
  showAll(document);
  document.addEventListener("formset:added", (event) => showAll(event.target));
}
