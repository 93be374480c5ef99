/* Offers to tell this phone when the turn is near, where its browser can be told. Written for old phones:
   where anything is missing, the offer stays hidden and the number remains. */

(function () {
  "use strict";

  function canBeTold() {
    return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  }

  function octets(text) {
    var padded = text.replace(/-/g, "+").replace(/_/g, "/") + "===".slice(0, (4 - (text.length % 4)) % 4);
    var raw = atob(padded);
    var made = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i += 1) made[i] = raw.charCodeAt(i);
    return made;
  }

  function offer() {
    var button = document.getElementById("push");
    if (!button || !canBeTold() || Notification.permission === "denied") return;
    button.hidden = false;
  }

  function keep(subscription) {
    return fetch(location.pathname + "/push", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(subscription),
    }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      location.reload();
    });
  }

  function subscribe(button) {
    button.disabled = true;
    Notification.requestPermission()
      .then(function (permission) {
        if (permission !== "granted") throw new Error(permission);
        return navigator.serviceWorker.register("/t/push.js", { scope: "/t/" });
      })
      .then(function () {
        return navigator.serviceWorker.ready;
      })
      .then(function (registration) {
        var key = octets(button.getAttribute("data-key"));
        return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      })
      .then(keep)
      .catch(function () {
        button.disabled = false;
        button.hidden = true;
        document.getElementById("push-not").hidden = false;
      });
  }

  document.addEventListener("click", function (event) {
    if (event.target.id === "push") subscribe(event.target);
  });
  document.addEventListener("page-shown", offer);
  offer();
})();
