/* Shows a notice that was sent to this phone; a touch on it opens the page of the ticket. */

self.addEventListener("push", function (event) {
  "use strict";
  var said = { text: "", page: "/" };
  try {
    said = event.data.json();
  } catch {
    return;
  }
  var parts = /^【([^】]*)】(.*)$/.exec(said.text) || /^([^:]{1,60}): (.*)$/.exec(said.text);
  event.waitUntil(
    self.registration.showNotification(parts ? parts[1] : said.text, {
      body: parts ? parts[2] : "",
      tag: said.page,
      requireInteraction: true,
      vibrate: [300, 150, 300],
      data: said.page,
    }),
  );
});

self.addEventListener("notificationclick", function (event) {
  "use strict";
  event.notification.close();
  var page = new URL(event.notification.data, self.location.origin).href;
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then(function (open) {
      for (var i = 0; i < open.length; i += 1) {
        if (open[i].url.split("?")[0] === page) return open[i].focus();
      }
      return self.clients.openWindow(page);
    }),
  );
});
