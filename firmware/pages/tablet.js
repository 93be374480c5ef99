/* Keeps the rating page of a window's tablet up to date: asks every 3 s (unchanged costs a few bytes), and leaves
   the faces alone for a while after somebody touched them. What thanks goes back to it when nobody has touched it
   for as long as it says. */

(function () {
  "use strict";

  var EVERY_MS = 3000;
  var ANSWER_WITHIN_MS = 10000;
  var LEFT_ALONE_MS = 15000;

  var touchedAt = Date.now() - LEFT_ALONE_MS;
  var shown = main().innerHTML;

  function main() {
    return document.getElementById("main");
  }

  function show(text) {
    var page = new DOMParser().parseFromString(text, "text/html");
    var after = page.getElementById("main");
    if (!after || after.innerHTML === shown || Date.now() - touchedAt < LEFT_ALONE_MS) return;
    shown = after.innerHTML;
    main().parentNode.replaceChild(document.importNode(after, true), main());
    document.title = page.title;
  }

  function back() {
    var after = Number(main().getAttribute("data-back-after"));
    if (Date.now() - touchedAt > after * 1000) location.replace(main().getAttribute("data-back"));
  }

  function again() {
    setTimeout(ask, EVERY_MS);
  }

  function ask() {
    var request = new XMLHttpRequest();
    request.open("GET", location.pathname);
    request.timeout = ANSWER_WITHIN_MS;
    request.onload = function () {
      if (request.status === 200) show(request.responseText);
    };
    request.onloadend = again;
    request.send();
  }

  ["pointerdown", "keydown"].forEach(function (what) {
    document.addEventListener(what, function () {
      touchedAt = Date.now();
    });
  });
  addEventListener("pageshow", function (event) {
    if (event.persisted) location.reload();
  });
  if (main().hasAttribute("data-back")) {
    touchedAt = Date.now();
    setInterval(back, 1000);
  } else {
    again();
  }
})();
