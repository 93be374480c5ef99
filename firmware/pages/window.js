/** The screen above a window: whose turn it is, who serves, or why nobody does. `window.html?board=w3` */

import { lengthStep, mark, put } from "./dom.js";
import { clockText, Feed, HALL_ZONE } from "./feed.js";
import { showQuiet } from "./frame.js";
import { languages, lay } from "./layout.js";
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
  const both = (key, facts) => languages().map((lang) => say(lang, key, facts)).join("\u00a0· ");
  if (seen === "paused" && face.until) return both("paused.until", { time: clockText(new Date(face.until), "zh", zone) });
  if (seen === "idle" && face.waiting > 0) return both("waiting.here", { n: face.waiting });
  if (seen === "idle") return both("idle.note");
  return seen === "closed" ? both("closed.note") : "";
}

function showStaff(face, seen) {
  const isKnown = Boolean(face.staff_number) && seen !== "closed";
  mark(byId("staff"), "hidden", !isKnown);
  if (!isKnown) return;
  put(byId("staff-number"), say(languages()[0], "staff", { number: face.staff_number }));
  put(byId("staff-name"), face.staff_name);
}

function show(board) {
  const face = board.window;
  if (!face) {
    lay(board);
    return;
  }
  const seen = look(face);
  lay(board);
  showQuiet(board);
  const [first, second] = languages();
  const names = [first, second].map((lang) => face[lang] || say(lang, "window.of", { n: face.number }));
  mark(byId("face"), "data-look", seen);
  put(byId("plate"), String(face.number));
  put(byId("name"), names[0]);
  put(byId("name-en"), names[1]);
  mark(byId("head"), "data-length", lengthStep(names[0], 14, 28));
  const hasNumber = seen === "called" || seen === "serving";
  mark(byId("number"), "hidden", !hasNumber);
  mark(byId("number"), "data-long", face.ticket.length >= LONG_NUMBER);
  put(byId("number"), face.ticket);
  put(byId("word"), say(first, `state.${seen}`));
  put(byId("word-en"), say(second, `state.${seen}`));
  const words = note(face, seen, board.time_zone || HALL_ZONE);
  put(byId("note"), words);
  mark(byId("note"), "hidden", words === "");
  showStaff(face, seen);
  put(byId("queues"), face[`queues_${first}`] || face.queues_zh);
  document.title = `${face.number} ${names[0]} ${face.ticket}`;
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
keepTime(feed, () => languages()[0]);
feed.follow();
