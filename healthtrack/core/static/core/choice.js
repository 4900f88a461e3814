"use strict";

// Let somebody choose a row of another table by typing words of its name. The select goes on sending the key of the row.
{
  const PAUSE_MS = 150; // after the last letter
  const fold = (text) => text.trim().replace(/\s+/g, " ").toLowerCase();

  const show = (select) => {
    const {id, dataset} = select;
    const label = select.labels[0]?.textContent.trim() || select.getAttribute("aria-label") || "";
    const entry = makeElement("input", {type: "text"});
    const note = makeElement("p", {class: "help", "aria-live": "polite"});
    const getChosen = () => select.selectedOptions[0]?.textContent.trim() ?? "";
    let found = [];
    let timer;
    let request;

    // Below the entry, if it does not fit into it.
    const showWhole = () => {
      note.textContent = entry.scrollWidth > entry.clientWidth ? entry.value : "";
    };
    const choose = (text, place) => {
      const option = new Option(text, place === undefined ? "" : found[place].id, true, true);
      select.replaceChildren(...(option.value ? [new Option(), option] : [option]));
      entry.value = text;
      showWhole();
      close();
      select.dispatchEvent(new Event("change", {bubbles: true}));
    };
    const list = makeListbox(entry, id, label.replace(/:$/, ""), choose);
    const close = () => {
      clearTimeout(timer);
      request?.abort();
      list.close();
    };
    const suggest = async () => {
      request?.abort();
      request = new AbortController();
      const words = entry.value === getChosen() ? "" : entry.value;
      const query = new URLSearchParams({
        term: words, app_label: dataset.appLabel, model_name: dataset.modelName, field_name: dataset.fieldName,
      });
      try {
        const answer = await fetch(`${dataset["ajax-Url"]}?${query}`, {signal: request.signal, redirect: "error"});
        const {results, pagination} = await answer.json();
        found = results;
        list.show(found.map((row) => row.text));
        note.textContent = found.length ? "" : "No match. Try other words.";
        if (pagination.more) note.textContent = "There are more: type a word of the name.";
        if (words && found.length) list.move(1);
      } catch (error) {
        if (error.name !== "AbortError") note.textContent = "The choices cannot be loaded now. Try again.";
      }
    };
    // Text that no row was chosen for would be lost without a word, so it becomes the row with this name, or the former.
    const leave = () => {
      const place = found.findIndex((row) => fold(row.text) === fold(entry.value));
      if (!entry.value.trim()) {
        if (getChosen()) choose("");
      } else if (place >= 0 && entry.value !== getChosen()) {
        choose(found[place].text, place);
      }
      entry.value = getChosen();
      showWhole();
      close();
    };

    const keys = {
      ArrowDown: () => (list.isOpen() ? list.move(1) : suggest()),
      ArrowUp: () => list.move(-1),
      Enter: () => list.hasActive() && list.takeActive(),
      Escape: leave,
    };
    entry.addEventListener("keydown", (event) => {
      const isFor = event.key.startsWith("Arrow") || list.isOpen() || entry.value !== getChosen();
      if (keys[event.key] && isFor && !event.isComposing) {
        event.preventDefault();
        keys[event.key]();
      }
    });
    entry.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(suggest, PAUSE_MS);
    });
    entry.addEventListener("click", () => list.isOpen() || suggest());
    entry.addEventListener("blur", leave);

    for (const attribute of ["aria-describedby", "aria-invalid", "aria-label", "required"]) {
      if (select.hasAttribute(attribute)) entry.setAttribute(attribute, select.getAttribute(attribute));
    }
    entry.value = getChosen();
    select.required = false; // the entry is
    select.hidden = true;
    select.removeAttribute("id");
    entry.id = id; // the label and links to errors lead to it
    select.after(makeElement("div", {class: "choice"}, entry, list.element, note));
    showWhole();
    window.addEventListener("resize", showWhole);
  };

  const showAll = (within) => within.querySelectorAll("select.admin-autocomplete:not([hidden], [name*=__prefix__])").forEach(show);
  showAll(document);
  document.addEventListener("formset:added", (event) => showAll(event.target));
}
