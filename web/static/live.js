/* Pages that follow the hall: what a person opened stays open, and the light says whether the page is up to date. */
(() => {
  "use strict";

  /* A part of the page that is drawn anew keeps the <details> that somebody opened. */
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && (node.tagName === "DETAILS" || node.tagName === "DIALOG"));
  Idiomorph.defaults.ignoreActiveValue = true;

  /* What is as it was is not gone through: of three hundred windows most are. */
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node, fresh) => !node.isEqualNode(fresh);

  const light = document.getElementById("live");

  function show(isLost) {
    document.body.classList.toggle("is-lost", isLost);
    document.body.classList.toggle("is-live", !isLost);
    if (light) {
      light.querySelector(".live-text").textContent = isLost ? light.dataset.lost : light.dataset.live;
    }
    document.dispatchEvent(new CustomEvent("link", { detail: { isLost } }));
  }

  document.body.addEventListener("htmx:sseOpen", () => show(false));
  document.body.addEventListener("htmx:sseError", () => show(true));
  document.body.addEventListener("htmx:sendError", () => show(true));
  document.body.addEventListener("htmx:afterOnLoad", () => show(false));

  /* Signed out meanwhile, here or elsewhere: the page asks to sign in instead of growing old. */
  document.body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) {
      location.reload();
    }
  });
})();
