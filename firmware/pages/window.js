/** The screen above a window: whose turn it is, who serves, or why nobody does. `window.html?board=w3` */

import { lengthStep, mark, put } from "./dom.js";
import { clockText, Feed, HALL_ZONE } from "./feed.js";
import { applyTheme, keepTime, parameter } from "./status.js";
import { say } from "./texts.js";

const LONG_NUMBER = 6; // letters; such numbers are set smaller

const byId = (id) => document.getElementById(id);

/** How the window looks: called | serving | paused | closed | idle. */
export function look(face) {
  if (face.state === "paused" || face.state === "offline") return "paused";
  if (face.ticket) return face.is_called ? "called" : "serving";
  return face.state === "closed" ? "closed" : "idle";
}

function note(face, seen, zone) {
  if (seen === "paused" && face.until) {
    const time = clockText(new Date(face.until), "zh", zone);
    return `${say("zh", "paused.until", { time })} · ${say("en", "paused.until", { time })}`;
  }
  if (seen === "idle" && face.waiting > 0) return say("zh", "waiting.here", { n: face.waiting });
  if (seen === "idle") return say("zh", "idle.note");
  return seen === "closed" ? say("zh", "closed.note") : "";
}

function showStaff(face, seen) {
  const isKnown = Boolean(face.staff_number) && seen !== "closed";
  mark(byId("staff"), "hidden", !isKnown);
  if (!isKnown) return;
  put(byId("staff-number"), say("zh", "staff", { number: face.staff_number }));
  put(byId("staff-name"), face.staff_name);
}

function show(board) {
  const face = board.window;
  if (!face) return;
  const seen = look(face);
  const zh = face.zh || say("zh", "window.of", { n: face.number });
  mark(byId("face"), "data-look", seen);
  put(byId("plate"), String(face.number));
  put(byId("name"), zh);
  put(byId("name-en"), face.en || say("en", "window.of", { n: face.number }));
  mark(byId("head"), "data-length", lengthStep(zh, 14, 28));
  const hasNumber = seen === "called" || seen === "serving";
  mark(byId("number"), "hidden", !hasNumber);
  mark(byId("number"), "data-long", face.ticket.length >= LONG_NUMBER);
  put(byId("number"), face.ticket);
  put(byId("word"), say("zh", `state.${seen}`));
  put(byId("word-en"), say("en", `state.${seen}`));
  const words = note(face, seen, board.time_zone || HALL_ZONE);
  put(byId("note"), words);
  mark(byId("note"), "hidden", words === "");
  showStaff(face, seen);
  put(byId("queues"), face.queues_zh);
  document.title = `${face.number} ${zh} ${face.ticket}`;
  restartFlash(`${face.ticket} ${face.calls} ${face.is_called}`);
}

let flashed = "";

/** A repeated call flashes again. */
function restartFlash(call) {
  if (call === flashed) return;
  flashed = call;
  for (const running of document.getAnimations()) {
    running.cancel();
    running.play();
  }
}

applyTheme();
const feed = new Feed(parameter("board", "w1"), show);
keepTime(feed, () => "zh");
feed.follow();
