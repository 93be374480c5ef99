/* The keys of the window console: shortcuts, one click that acts once, and a click that outlives a cut link.

   Every key is a form or a link that works without this script. A form is sent with the idempotency key it
   was drawn with; when no answer comes the very same request is repeated until one does. */

const RETRY_MS = 1000;
const TIMEOUT_MS = 8000;
const DOUBLE_MS = 450; // a second click on the same key within this time is the same click

const region = document.getElementById("console");
const dialog = document.getElementById("asks");
const lost = document.querySelector(".link-lost");
const texts = region.dataset;

let sending = null; // {form action, body, isDropped}
let last = ""; // the action whose doubled click is still to be expected
let failure = null; // {action, text}: kept through redraws until the next key

/* --- sending */

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-act]");
  if (!form) {
    return;
  }
  event.preventDefault();
  const action = form.dataset.act;
  if (sending || (last === action && region.classList.contains("is-resting"))) {
    return;
  }
  send(form, action);
});

async function send(form, action) {
  sending = { action, isDropped: false };
  failure = null;
  const body = new URLSearchParams(new FormData(form));
  if (dialog.open) {
    dialog.close();
  }
  mark("is-sending", texts.sending);
  const answer = await untilAnswered(form.action, body);
  mark(null);
  sending = null;
  document.body.dispatchEvent(new CustomEvent("htmx:afterOnLoad"));
  rest(action);
  if (answer) {
    await show(answer, action);
  } else {
    redraw();
  }
}

function rest(action) {
  last = action;
  region.classList.add("is-resting");
  setTimeout(() => region.classList.remove("is-resting"), DOUBLE_MS);
}

async function untilAnswered(address, body) {
  for (;;) {
    try {
      const answer = await fetch(address, {
        method: "POST",
        body,
        headers: { "HX-Request": "true", Accept: "text/html" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (![502, 503, 504].includes(answer.status)) {
        return answer;
      }
    } catch {
      /* No answer: whether it was done is unknown, and the same key makes asking again harmless. */
    }
    if (sending.isDropped) {
      return null;
    }
    mark("is-unsent", texts.unsent);
    document.body.dispatchEvent(new CustomEvent("htmx:sendError")); // live.js tells that the link is cut
    await new Promise((resume) => setTimeout(resume, RETRY_MS));
    if (sending.isDropped) {
      return null;
    }
  }
}

async function show(answer, action) {
  const where = answer.headers.get("HX-Redirect");
  if (where) {
    location.assign(where);
  } else if (answer.status === 401) {
    location.reload();
  } else if (answer.ok || answer.status === 409) {
    draw(await answer.text());
    if (answer.status === 409) {
      const slot = slotOf(action);
      failure = { action, text: slot ? slot.textContent : texts.failed };
    }
  } else {
    failure = { action, text: texts.failed };
    redraw();
  }
  tell();
}

function draw(html) {
  Idiomorph.morph(region, html, { morphStyle: "innerHTML" });
  htmx.process(region);
}

function redraw() {
  htmx.trigger(region, "refresh");
}

/* --- what a key shows while it is on its way */

function keyOf(action) {
  const form = region.querySelector(`form[data-act="${action}"]`);
  return (form && form.querySelector("button")) || region.querySelector(`#key-${action}`);
}

function slotOf(action) {
  return region.querySelector(`[data-error="${action}"]`);
}

function mark(look, text) {
  const key = sending && keyOf(sending.action);
  if (!key) {
    return;
  }
  key.classList.remove("is-sending", "is-unsent");
  const name = key.querySelector(".key-name") || key;
  if (!look) {
    if (key.dataset.name) {
      name.textContent = key.dataset.name;
      delete key.dataset.name;
    }
    lost.hidden = !document.body.classList.contains("is-lost");
    return;
  }
  key.classList.add(look);
  key.dataset.name ??= name.textContent.trim();
  name.textContent = text;
  if (look === "is-unsent") {
    lost.hidden = false;
  }
}

function tell() {
  if (failure) {
    const slot = slotOf(failure.action) || slotOf("next") || slotOf("start");
    if (slot) {
      slot.textContent = failure.text;
    }
  }
}

document.body.addEventListener("htmx:afterSettle", tell);
document.addEventListener("link", (event) => {
  lost.hidden = !event.detail.isLost && !(sending && region.querySelector(".is-unsent"));
});

/* A redraw must not take away the mark of a key that is still on its way. */
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (sending && event.detail.target === region) {
    event.detail.shouldSwap = false;
  }
});

/* --- what a key asks first */

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("a[data-form]");
  const closer = event.target.closest("a[data-close]");
  if (closer && dialog.open) {
    event.preventDefault();
    dialog.close();
  } else if (opener && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    await ask(opener);
  }
});

async function ask(opener) {
  try {
    const answer = await fetch(opener.href, {
      headers: { "HX-Request": "true" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) {
      location.assign(opener.href);
      return;
    }
    dialog.innerHTML = await answer.text();
    if (dialog.open) {
      dialog.close();
    }
    dialog.showModal();
    const first = dialog.querySelector("[autofocus], select, input:not([type=hidden])");
    (first || dialog.querySelector("button, a")).focus();
  } catch {
    lost.hidden = false;
  }
}

dialog.addEventListener("close", () => document.getElementById("main").focus());
if (dialog.hasAttribute("open")) {
  dialog.close();
  dialog.showModal();
}

/* --- shortcuts */

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) {
    return;
  }
  if (event.key === "Escape") {
    escape();
    return;
  }
  const isTyping = event.target.closest("input, select, textarea, dialog");
  const isOnControl = event.key === " " && event.target.closest("button, a, summary, label");
  if (isTyping || isOnControl || dialog.open) {
    return;
  }
  const wanted = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const key = document.querySelector(`[data-shortcut="${CSS.escape(wanted)}"]:not(:disabled)`);
  if (key) {
    event.preventDefault();
    if (key.matches("input")) {
      key.focus();
      key.select();
    } else {
      key.click();
    }
  }
});

function escape() {
  if (sending && region.querySelector(".is-unsent")) {
    sending.isDropped = true;
  }
  const search = document.getElementById("search");
  if (document.activeElement === search) {
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("main").focus();
  }
}

/* After a click with the mouse the space bar means "next" again, not the key just clicked. */
document.addEventListener("pointerup", (event) => {
  const key = event.target.closest(".key, .big-key, .button");
  if (key && !dialog.contains(key)) {
    setTimeout(() => key.blur(), 0);
  }
});
