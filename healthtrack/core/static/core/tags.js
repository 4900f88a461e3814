"use strict";

// Show each tag of a text with commas by itself, with a button that removes it, and suggest tags while somebody types.
// The input goes on sending the text. What is typed and not yet a tag is part of it, so that a save loses nothing.
{
  const MAX_SHOWN = 8;
  const trimmed = (text) => text.trim().replace(/\s+/g, " ");
  const split = (text) => text.split(",").map(trimmed).filter(Boolean);
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  const show = (input) => {
    const {id, list} = input;
    const label = trimmed(input.labels[0]?.textContent ?? "").replace(/:$/, "");
    const known = [...list.options].map((option) => option.value);
    const tags = split(input.value);
    const chosen = makeElement("ul", {class: "chosen-tags", "aria-label": label});
    const entry = makeElement("input", {type: "text"});
    const heard = makeElement("p", {class: "visually-hidden", "aria-live": "polite"});

    const isIn = (texts, text) => texts.some((other) => fold(other) === fold(text));
    const store = () => {
      input.value = [...tags, ...split(entry.value).filter((text) => !isIn(tags, text))].join(", ");
    };
    const draw = () => chosen.replaceChildren(...tags.map((tag, place) => {
      const button = makeElement("button", {type: "button", "aria-label": `Remove ${tag}`}, "×");
      button.addEventListener("click", () => remove(place));
      return makeElement("li", {class: "badge"}, tag, button);
    }));
    const add = (texts) => {
      for (const text of texts) {
        const has = isIn(tags, text);
        heard.textContent = has ? `${text} is already there` : `${text} added`;
        if (!has) tags.push(text);
      }
      entry.value = "";
      choices.close();
      draw();
      store();
    };
    const choices = makeListbox(entry, id, label, (text) => add([text]));
    const box = makeElement("div", {class: "tag-box"}, chosen, entry, choices.element, heard);
    const remove = (place) => {
      const [tag] = tags.splice(place, 1);
      heard.textContent = `${tag} removed`;
      draw();
      store();
      entry.focus();
    };
    const suggest = () => {
      const typed = fold(trimmed(entry.value));
      const free = known.filter((tag) => !isIn(tags, tag));
      const begins = free.filter((tag) => fold(tag).startsWith(typed));
      const contains = free.filter((tag) => !begins.includes(tag) && fold(tag).includes(typed));
      choices.show([...begins, ...contains].slice(0, MAX_SHOWN));
    };
    const move = (step) => {
      if (!choices.isOpen()) suggest();
      choices.move(step);
    };
    const keys = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => (choices.hasActive() ? choices.takeActive() : add(split(entry.value))),
      Escape: choices.close,
      // The last tag becomes text again.
      Backspace: () => {
        const tag = tags.pop();
        add([]);
        entry.value = tag;
        store();
      },
    };
    const isFor = {
      Enter: () => choices.hasActive() || trimmed(entry.value),
      Escape: choices.isOpen,
      Backspace: () => !entry.value && tags.length,
    };
    entry.addEventListener("keydown", (event) => {
      if (event.key === "Tab" && trimmed(entry.value)) {
        add(split(entry.value));
      } else if (keys[event.key] && !event.isComposing && (isFor[event.key]?.() ?? true)) {
        event.preventDefault();
        keys[event.key]();
      }
    });
    entry.addEventListener("input", () => {
      if (entry.value.includes(",")) {
        add(split(entry.value));
      } else {
        store();
        suggest();
      }
    });
    // A new tag may move what is below it, so a click elsewhere adds none: it would miss its target.
    entry.addEventListener("blur", choices.close);
    box.addEventListener("click", (event) => {
      if (event.target === box || event.target === chosen) entry.focus();
      if (event.target === entry && !choices.isOpen()) suggest();
    });

    for (const name of ["aria-describedby", "aria-invalid", "autofocus"]) {
      if (input.hasAttribute(name)) entry.setAttribute(name, input.getAttribute(name));
    }
    input.type = "hidden";
    input.removeAttribute("id");
    entry.id = id; // the label and links to errors lead to it
    input.after(box);
    draw();
  };

  document.querySelectorAll("input.tags[list]").forEach(show);
}
