/* Keeps a phone page up to date: asks every 15.5 to 17 s for what may have changed on it (unchanged costs a few
   bytes), says when the answer is old, and makes itself felt when the number is called. Written for old phones. */

(function () {
  "use strict";

  var LEAST_MS = 15500; // what changed is shown within 20 s, on a slow line too
  var SPREAD_MS = 1500; // so that the phones of a full hall do not all ask at once
  var OVER_MS = 50000; // once nothing more can happen to the ticket
  var OVER = ["completed", "cancelled", "abandoned", "expired"];
  var STALE_AFTER_MS = 60000;
  var ANSWER_WITHIN_MS = 15000;
  var CALL_PATTERN_MS = [400, 200, 400, 200, 800];

  var age = document.getElementById("age");
  var heardAt = new Date();
  var shown = main().innerHTML;
  var timer = null;

  function main() {
    return document.getElementById("main");
  }

  function isBusy() {
    return Boolean(document.querySelector("details[open], button:disabled"));
  }

  function twoDigits(number) {
    return (number < 10 ? "0" : "") + number;
  }

  function tellAge() {
    var isStale = new Date() - heardAt > STALE_AFTER_MS;
    var time = twoDigits(heardAt.getHours()) + ":" + twoDigits(heardAt.getMinutes());
    age.textContent = age.getAttribute("data-words").replace("{time}", time);
    age.hidden = !isStale;
  }

  /* Called, or called again: the phone shakes, where the browser allows it. */
  function feel(before, after) {
    var isCall = after.getAttribute("data-look") === "called";
    var isNew =
      before.getAttribute("data-look") !== "called" ||
      before.getAttribute("data-calls") !== after.getAttribute("data-calls");
    if (isCall && isNew && navigator.vibrate) navigator.vibrate(CALL_PATTERN_MS);
  }

  /* Show the new page; an open question is left alone unless the ticket itself has moved on. */
  function show(text) {
    var page = new DOMParser().parseFromString(text, "text/html");
    var after = page.getElementById("main");
    var before = main();
    if (!after || after.innerHTML === shown) return;
    if (isBusy() && after.getAttribute("data-look") === before.getAttribute("data-look")) return;
    shown = after.innerHTML;
    feel(before, after);
    before.parentNode.replaceChild(document.importNode(after, true), before);
    document.title = page.title;
    document.dispatchEvent(new CustomEvent("page-shown"));
  }

  function again() {
    clearTimeout(timer);
    var isOver = OVER.indexOf(main().getAttribute("data-look")) >= 0;
    timer = setTimeout(ask, (isOver ? OVER_MS : LEAST_MS) + Math.random() * SPREAD_MS);
    tellAge();
  }

  function ask() {
    var request = new XMLHttpRequest();
    request.open("GET", location.pathname + "?part=1");
    request.timeout = ANSWER_WITHIN_MS;
    request.onload = function () {
      if (request.status === 200 || request.status === 404) {
        heardAt = new Date();
        show(request.responseText);
      }
    };
    request.onloadend = again;
    request.send();
  }

  document.addEventListener("submit", function (event) {
    var buttons = event.target.querySelectorAll("button");
    setTimeout(function () {
      for (var i = 0; i < buttons.length; i += 1) buttons[i].disabled = true;
    }, 0);
  });
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) ask();
  });
  addEventListener("pageshow", function (event) {
    if (event.persisted) location.reload();
  });
  again();
  setInterval(tellAge, 5000);
})();
