"use strict";

// Show each tag of a text with commas by itself, with a button that removes it, and suggest tags while somebody types.
// The input goes on sending the text. What is typed and not yet a tag is part of it, so that a save loses nothing.
{
  const MAX_SHOWN = 8;
  const trimmed = (text) => text.trim().replace(/\s+/g, " ");
  const split = (text) => text.split(",").map(trimmed).filter(Boolean);
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  };

  const show = (input) => {
    const {id, list} = input;
    const label = trimmed(input.labels[0]?.textContent ?? "").replace(/:$/, "");
    const known = [...list.options].map((option) => option.value);
    const tags = split(input.value);
    const chosen = make("ul", {class: "chosen-tags", "aria-label": label});
    const options = make("ul", {id: `${id}_options`, role: "listbox", "aria-label": label, hidden: ""});
    const entry = make("input", {
      type: "text", role: "combobox", autocomplete: "off",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": options.id,
    });
    const heard = make("p", {class: "visually-hidden", "aria-live": "polite"});
    const box = make("div", {class: "tag-box"}, chosen, entry, options, heard);
    let active = -1;

    const isIn = (texts, text) => texts.some((other) => fold(other) === fold(text));
    const store = () => {
      input.value = [...tags, ...split(entry.value).filter((text) => !isIn(tags, text))].join(", ");
    };
    const close = () => {
      active = -1;
      options.hidden = true;
      options.replaceChildren();
      entry.setAttribute("aria-expanded", "false");
      entry.removeAttribute("aria-activedescendant");
    };
    const draw = () => chosen.replaceChildren(...tags.map((tag, place) => {
      const button = make("button", {type: "button", "aria-label": `Remove ${tag}`}, "×");
      button.addEventListener("click", () => remove(place));
      return make("li", {class: "badge"}, tag, button);
    }));
    const add = (texts) => {
      for (const text of texts) {
        const has = isIn(tags, text);
        heard.textContent = has ? `${text} is already there` : `${text} added`;
        if (!has) tags.push(text);
      }
      entry.value = "";
      close();
      draw();
      store();
    };
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
      const found = [...begins, ...contains].slice(0, MAX_SHOWN);
      close();
      options.append(...found.map((tag, place) => make(
        "li", {id: `${options.id}_${place}`, role: "option", "aria-selected": "false"}, tag,
      )));
      options.hidden = !found.length;
      entry.setAttribute("aria-expanded", String(!options.hidden));
    };
    const activate = (place) => {
      options.children[active]?.setAttribute("aria-selected", "false");
      active = (place + options.children.length) % options.children.length;
      const option = options.children[active];
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({block: "nearest"});
      entry.setAttribute("aria-activedescendant", option.id);
    };

    const move = (step) => {
      if (options.hidden) suggest();
      if (!options.hidden) activate(active < 0 && step < 0 ? -1 : active + step);
    };
    const keys = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => add(active < 0 ? split(entry.value) : [options.children[active].textContent]),
      Escape: close,
      // The last tag becomes text again.
      Backspace: () => {
        const tag = tags.pop();
        add([]);
        entry.value = tag;
        store();
      },
    };
    const isFor = {
      Enter: () => active >= 0 || trimmed(entry.value),
      Escape: () => !options.hidden,
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
    entry.addEventListener("blur", close);
    options.addEventListener("mousedown", (event) => event.preventDefault()); // the entry keeps the focus
    options.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) add([option.textContent]);
    });
    box.addEventListener("click", (event) => {
      if (event.target === box || event.target === chosen) entry.focus();
      if (event.target === entry && options.hidden) suggest();
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
