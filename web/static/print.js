/* The key that prints a page; without scripts the browser's own menu does. */
for (const key of document.querySelectorAll("[data-print]")) {
  key.hidden = false;
  key.addEventListener("click", () => window.print());
}
