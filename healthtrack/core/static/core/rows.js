"use strict";

// Adds and removes rows of a form as Django's script does, but without jQuery, which weighs as much as the other scripts.
{
  const makeLink = (text, name, act) => {
    const link = document.createElement("a");
    link.href = "#";
    link.role = "button";
    link.className = name;
    link.textContent = text;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      act();
    });
    return link;
  };

  const number = (row, prefix, place) => {
    const old = new RegExp(`${prefix}-(\\d+|__prefix__)`);
    row.id = `${prefix}-${place}`;
    for (const element of row.querySelectorAll("*")) {
      for (const attribute of ["id", "name", "for", "aria-controls"]) {
        if (element.hasAttribute(attribute)) {
          element.setAttribute(attribute, element.getAttribute(attribute).replace(old, `${prefix}-${place}`));
        }
      }
    }
  };

  const offerRows = (group, { prefix, addText, deleteText }) => {
    const empty = document.getElementById(`${prefix}-empty`);
    const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
    const most = document.getElementById(`id_${prefix}-MAX_NUM_FORMS`);
    if (!empty) {
      return; // this person may not add rows
    }

    const count = () => {
      const rows = group.querySelectorAll("tbody > .form-row:not(.empty-form)");
      rows.forEach((row, place) => number(row, prefix, place));
      total.value = rows.length;
      last.hidden = rows.length >= Number(most.value || Infinity);
    };
    const add = () => {
      const row = empty.cloneNode(true);
      row.classList.remove("empty-form");
      row.lastElementChild.append(makeLink(deleteText, "inline-deletelink", () => {
        row.remove();
        count();
      }));
      empty.before(row);
      count();
      row.dispatchEvent(new CustomEvent("formset:added", { bubbles: true, detail: { formsetName: prefix } }));
      row.querySelector("input:not([type=hidden]), select:not([hidden]), textarea")?.focus();
    };
    const last = document.createElement("tr");
    last.className = "add-row";
    last.insertCell().colSpan = empty.cells.length;
    last.cells[0].append(makeLink(addText, "addlink", add));
    empty.after(last);
  };

  for (const group of document.querySelectorAll("[data-inline-formset]")) {
    offerRows(group, JSON.parse(group.dataset.inlineFormset).options);
  }
}
