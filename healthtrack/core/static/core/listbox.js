"use strict";

// A list of options below an entry: the arrow keys move through it, Enter or a click chooses. For tags.js and choice.js.
const makeElement = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...children);
  return element;
};

// `choose` receives the text of an option and its place. The entry gets the keys of the list from its own handler.
const makeListbox = (entry, id, label, choose) => {
  const element = makeElement("ul", {id: `${id}_options`, role: "listbox", "aria-label": label, hidden: ""});
  let active = -1;
  Object.entries({
    role: "combobox", autocomplete: "off",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": element.id,
  }).forEach(([name, value]) => entry.setAttribute(name, value));

  const close = () => {
    active = -1;
    element.hidden = true;
    element.replaceChildren();
    entry.setAttribute("aria-expanded", "false");
    entry.removeAttribute("aria-activedescendant");
  };
  const show = (texts) => {
    close();
    element.append(...texts.map((text, place) => makeElement(
      "li", {id: `${entry.id}_option_${place}`, role: "option", "aria-selected": "false"}, text,
    )));
    element.hidden = !texts.length;
    entry.setAttribute("aria-expanded", String(!element.hidden));
  };
  const activate = (place) => {
    element.children[active]?.setAttribute("aria-selected", "false");
    active = (place + element.children.length) % element.children.length;
    const option = element.children[active];
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({block: "nearest"});
    entry.setAttribute("aria-activedescendant", option.id);
  };
  const move = (step) => {
    if (!element.hidden) activate(active < 0 && step < 0 ? -1 : active + step);
  };
  const take = (option) => choose(option.textContent, [...element.children].indexOf(option));

  element.addEventListener("mousedown", (event) => event.preventDefault()); // the entry keeps the focus
  element.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  return {
    element, close, show, move,
    isOpen: () => !element.hidden,
    hasActive: () => active >= 0,
    takeActive: () => take(element.children[active]),
  };
};
