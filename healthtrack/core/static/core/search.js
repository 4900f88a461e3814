"use strict";

// Moves the focus to the search field of the header with "/" or Ctrl+K, unless somebody is typing.
{
  const field = document.getElementById("search");
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
}
