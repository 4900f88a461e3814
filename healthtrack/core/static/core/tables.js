"use strict";

// Open a row by a click anywhere in it. Without this script, rows open by their links.
for (const table of document.querySelectorAll("table[data-open-rows]")) {
  for (const row of table.tBodies[0].rows) {
    row.classList.toggle("opens", row.querySelector("th a") !== null);
  }
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tr.opens");
    const isOther = event.target.closest("a, button, input, label, select, summary, td.action-checkbox") !== null;
    if (row && !isOther && String(getSelection()) === "") {
      row.querySelector("th a").dispatchEvent(new MouseEvent("click", event));
    }
  });
}

// Keep the head of a table in sight. A box that scrolls sideways would hold a sticky head inside, so the box of a table
// that fits does not scroll, and the head of any other table is moved.
for (const box of document.querySelectorAll(".results, .table-box")) {
  const head = box.querySelector("thead");
  const place = () => {
    const room = head.parentElement.offsetHeight - head.offsetHeight;
    const passed = -head.parentElement.getBoundingClientRect().top;
    const moved = box.classList.contains("fits") ? 0 : Math.max(0, Math.min(passed, room));
    head.style.transform = moved > 0 ? `translateY(${moved}px)` : "";
  };
  const measure = () => {
    box.classList.remove("fits");
    box.classList.toggle("fits", box.scrollWidth <= box.clientWidth);
    place();
  };
  if (head) {
    // A box that does not scroll may keep its parent wide when the window becomes narrow, so it does not notice that.
    new ResizeObserver(measure).observe(box);
    window.addEventListener("resize", measure);
    document.addEventListener("scroll", place, { passive: true });
  }
}
