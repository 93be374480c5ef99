/* Help about the page under its own key, ? - which without scripts is opened like any other. */

const help = document.querySelector("[data-help]");
const typed = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (!help || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?" && !event.target.closest(typed)) {
    event.preventDefault();
    help.open = !help.open;
    help.querySelector("summary").focus();
  } else if (event.key === "Escape" && help.open) {
    help.open = false;
    help.querySelector("summary").focus();
  }
});
