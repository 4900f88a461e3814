"use strict";

// Shows only the sections of the help that contain all words; without this script, the browser's own search does.
{
  const field = document.getElementById("help-words");
  const nothing = document.querySelector(".help-page .nothing");
  const sections = [...document.querySelectorAll(".help-page section")];
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = sections.map((section) => fold(`${section.textContent} ${section.dataset.words}`));

  const show = () => {
    const words = fold(field.value).split(/\s+/);
    sections.forEach((section, place) => {
      section.hidden = !words.every((word) => texts[place].includes(word));
      document.querySelector(`.contents [href="#${section.id}"]`).parentElement.hidden = section.hidden;
    });
    nothing.hidden = sections.some((section) => !section.hidden);
  };

  field.hidden = false;
  field.addEventListener("input", show);
}
