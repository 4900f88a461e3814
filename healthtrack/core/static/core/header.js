"use strict";

// The search field of the header. "/" and Ctrl+K lead to it; results appear while somebody types, and the arrow keys move
// through them. They are requested by POST, so that no address contains what somebody searched for. On phones the pages of
// a section may not fit: the current one is scrolled to.
{
  const tab = document.querySelector(".section-navigation [aria-current]");
  const field = document.getElementById("search");
  const results = document.getElementById("search-results");
  const form = field.form;
  const PAUSE_MS = 250; // after the last letter
  tab?.parentElement.parentElement.scrollTo({ left: tab.offsetLeft - tab.parentElement.offsetWidth });
  let timer;
  let request;

  const close = () => {
    clearTimeout(timer);
    request?.abort();
    results.hidden = true;
  };

  const suggest = async () => {
    request?.abort();
    request = new AbortController();
    try {
      const options = { method: "POST", body: new FormData(form), redirect: "error", signal: request.signal };
      const answer = await fetch(form.dataset.suggestions, options);
      const found = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html").body;
      results.replaceChildren(...found.children);
      results.hidden = !results.children.length;
    } catch {
      // Replaced by a later search, or the server cannot be reached: the button of the form still works.
    }
  };

  const move = (step) => {
    const links = [...results.querySelectorAll("a, button")];
    const next = links.indexOf(document.activeElement) + step;
    (next < 0 ? field : links[Math.min(next, links.length - 1)]).focus();
  };

  const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
    const isCommand = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (isSlash || isCommand) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE_MS);
  });
  form.addEventListener("submit", close);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !results.hidden) {
      event.preventDefault();
      close();
      field.focus();
    } else if (!results.hidden && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) {
      close();
    }
  });
}
