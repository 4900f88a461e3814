"use strict";

// Shows one step of the tour at a time, and outlines the part of the page that it is about.
{
  const steps = [...document.querySelectorAll(".tour-steps li")];
  const back = document.querySelector("[data-back]");
  const next = document.querySelector("[data-next]");
  let current = 0;

  const show = (step) => {
    current = step;
    steps.forEach((item, place) => {
      item.hidden = place !== step;
    });
    for (const shown of document.querySelectorAll(".tour-shown")) {
      shown.classList.remove("tour-shown");
    }
    const parts = steps[step].dataset.shows;
    for (const part of parts ? document.querySelectorAll(parts) : []) {
      part.classList.add("tour-shown");
    }
    back.hidden = step === 0;
    next.hidden = step === steps.length - 1;
  };

  const move = (distance) => {
    show(current + distance);
    const heading = steps[current].querySelector("h2");
    heading.tabIndex = -1;
    heading.focus();
  };

  back.addEventListener("click", () => move(-1));
  next.addEventListener("click", () => move(1));
  show(0);
}
