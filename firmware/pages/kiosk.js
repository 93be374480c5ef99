/** The kiosk: choose a matter, see what it is, take a ticket. `kiosk.html?board=k-main`

One screen asks one question. This module holds what is being shown and what leads from one screen to the
next; kiosk_views.js draws the screens. */

import { el, icon, mark, put } from "./dom.js";
import { Feed } from "./feed.js";
import { progressOf, progressView, standsView } from "./kiosk_progress.js";
import { callingRow, checkInView, helpView, homeView, lostView, matterView, refusedView, searchView, takenView } from "./kiosk_views.js";
import { index } from "./search.js";
import { canSpeak, isSpeaking, onVoices, speak, stop } from "./speech.js";
import { applyTheme, keepTime, parameter } from "./status.js";
import { interrupted, isCheckIn, newKey, take } from "./take.js";
import { name, say } from "./texts.js";

const IDLE_MS = 60_000; // a screen nobody touches goes back to the start
const TAKEN_IDLE_MS = 25_000; // the number stays this long; any touch begins anew
const CALLS_SHOWN = 3;
const CARD_WITHIN_MS = 5000;
const MATTERS_MS = 600_000;
const MATTERS_AGAIN_MS = 60_000;

const byId = (id) => document.getElementById(id);
const root = document.documentElement;

/** What the citizen in front of the kiosk sees now. */
const state = {
  view: "home", // home | search | matter | taken | refused | lost | help | checkin | progress | stands
  lang: parameter("lang") === "en" ? "en" : "zh",
  page: 0, // of the home cards
  text: "", // in the search box
  queue: null, // code of the chosen queue
  item: null, // chosen matter, when it was found by search
  taking: "", // "" | "pending" | "retrying"
  ticket: null,
  refused: null,
  progress: null, // where the ticket stands that was asked about
  isAsking: false, // where a ticket stands
  isLost: false, // nobody answered that
  tap: null, // { queue, key, item } of the last tap on 取号
  hasReader: null, // whether a card can be laid down to check in; null: not known
  card: null, // number of the last card laid on the reader
  touchedAt: performance.now(),
};

let matters = [];
let entries = [];
let looking = false; // for a card
let view = null; // { root, update(board), read() } of the screen shown

const VIEWS = {
  home: homeView,
  search: searchView,
  matter: matterView,
  taken: takenView,
  refused: refusedView,
  lost: lostView,
  help: helpView,
  checkin: checkInView,
  progress: progressView,
  stands: standsView,
};

/** What the screens may do. */
const act = {
  go(name, changes = {}) {
    stop();
    Object.assign(state, changes, { view: name });
    draw();
    byId("title").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  },
  home() {
    act.go("home", { queue: null, item: null, text: "", ticket: null, refused: null, progress: null, isLost: false, tap: null, taking: "" });
  },
  choose(queue, item = null) {
    act.go("matter", { queue, item });
  },
  turn(page) {
    state.page = page;
    draw();
  },
  type(text) {
    state.text = text;
    view.update(feed.board);
  },
  take() {
    if (state.taking) return;
    ask({ queue: state.queue, item: state.item, key: newKey() });
  },
  checkIn(code) {
    if (state.taking || !code) return;
    ask({ code, key: newKey() });
  },
  async askProgress(asked) {
    if (state.isAsking) return;
    Object.assign(state, { isAsking: true, isLost: false });
    view.update(feed.board);
    const progress = await progressOf(asked, feed.name);
    state.isAsking = false;
    touch();
    if (state.view !== "progress") return; // they went on to something else
    if (progress) act.go("stands", { progress });
    else act.go("progress", { isLost: true });
  },
  again() {
    if (state.tap) ask(state.tap);
  },
  entries: () => entries,
  now: () => feed.hallTime(),
  isQuiet: () => Boolean(feed.board?.is_quiet),
  line: (code) => feed.board?.queues.find((line) => line.code === code) ?? null,
  matters: (code) => matters.filter((matter) => matter.queue === code),
  secondsLeft: () => Math.max(0, Math.ceil((idleAfter() - (performance.now() - state.touchedAt)) / 1000)),
};

/** Send one tap and show what came of it. */
async function ask(tap) {
  Object.assign(state, { tap, queue: tap.queue ?? null, item: tap.item ?? null, taking: "pending" });
  const asking = isCheckIn(tap) ? "checkin" : "matter";
  if (state.view !== asking) act.go(asking, { text: tap.code ?? "" });
  view.update(feed.board);
  const answer = await take(tap, () => {
    state.taking = "retrying";
    view.update(feed.board);
  });
  state.taking = "";
  touch();
  if (answer.ticket) act.go("taken", { ticket: answer.ticket });
  else if (answer.refused) act.go("refused", { refused: answer.refused });
  else act.go("lost");
}

// --- drawing

function draw() {
  const board = feed.board;
  view = VIEWS[state.view](state, act);
  mark(byId("view"), "data-view", state.view);
  mark(root, "data-view", state.view);
  byId("view").replaceChildren(view.root);
  view.update(board);
  drawHero(board);
  drawTools();
  root.lang = state.lang === "en" ? "en" : "zh-CN";
}

function drawHero(board) {
  put(byId("hall"), board ? name(state.lang, board, "hall_") || name(state.lang, board) || say(state.lang, "hall") : say(state.lang, "hall"));
  put(byId("title"), view.title(board));
  put(byId("subtitle"), view.subtitle(board));
  mark(byId("subtitle"), "hidden", !byId("subtitle").textContent);
  const calls = (board?.calls ?? []).slice(0, CALLS_SHOWN);
  mark(byId("calling"), "hidden", calls.length === 0);
  put(byId("calling-title"), say(state.lang, "now.calling"));
  byId("calling-list").replaceChildren(...calls.map((call) => callingRow(call, state.lang)));
}

function tool(key, shape, isOn, press, text = key) {
  const word = el("span", {}, say(state.lang, text));
  const button = el("button", { type: "button", class: "tool", "data-tool": key, onclick: press }, icon(shape), word);
  if (isOn !== null) button.setAttribute("aria-pressed", String(isOn));
  return button;
}

function toggle(attribute, value = "") {
  if (root.hasAttribute(attribute)) root.removeAttribute(attribute);
  else root.setAttribute(attribute, value);
  draw();
}

function toggleContrast() {
  if (root.dataset.theme === "contrast") resetTheme();
  else root.dataset.theme = "contrast";
  draw();
}

function resetTheme() {
  delete root.dataset.theme;
  applyTheme();
}

function readAloud() {
  if (isSpeaking()) stop();
  else speak([byId("title").textContent, byId("subtitle").textContent, ...view.read(feed.board)], state.lang, drawTools);
  drawTools();
}

function drawTools() {
  const focused = document.activeElement?.dataset?.tool;
  const has = (attribute) => root.hasAttribute(attribute);
  const isRead = isSpeaking();
  const read = tool("read", "read", null, readAloud, isRead ? "read.stop" : "read"); // its word says what it does now
  mark(read, "data-on", isRead);
  byId("tools").setAttribute("aria-label", say(state.lang, "tools"));
  byId("tools").replaceChildren(
    tool("language", "language", null, () => act.go(state.view, { lang: state.lang === "en" ? "zh" : "en" })),
    tool("large", "large", has("data-large"), () => toggle("data-large")),
    tool("contrast", "contrast", root.dataset.theme === "contrast", toggleContrast),
    tool("low", "low", has("data-low"), () => toggle("data-low")),
    ...(canSpeak(state.lang) ? [read] : []),
    tool("checkin", "calendar", null, () => act.go("checkin", { text: "" })),
    tool("progress", "clock", null, () => act.go("progress", { text: "", isLost: false })),
    tool("help", "help", null, () => act.go("help")),
  );
  if (focused) byId("tools").querySelector(`[data-tool="${focused}"]`)?.focus();
}

// --- the next citizen

function touch() {
  state.touchedAt = performance.now();
}

function idleAfter() {
  return state.view === "taken" ? TAKEN_IDLE_MS : IDLE_MS;
}

/** While somebody checks in: whether they have laid a card on the reader. One that lay there before counts not. */
async function lookForCard() {
  if (state.view !== "checkin") Object.assign(state, { card: null, hasReader: null });
  if (state.view !== "checkin" || state.taking || state.hasReader === false || looking) return;
  looking = true;
  try {
    const answer = await fetch("../api/card", { signal: AbortSignal.timeout(CARD_WITHIN_MS) });
    if (answer.status >= 500) return; // the unit is starting again; it is asked once more
    const told = answer.ok ? await answer.json() : { reader: false };
    state.hasReader = told.reader;
    const isNew = state.card !== null && told.card > state.card;
    state.card = told.card ?? 0;
    if (isNew && state.view === "checkin" && !state.taking) ask({ card: told.card, key: newKey() });
  } catch {
    // As above.
  } finally {
    looking = false;
  }
}

/** Back to the start when nobody is there: never while something is read aloud or a ticket is on its way. */
function tick() {
  if (isSpeaking() || state.taking) touch();
  const isFresh = state.view === "home" && state.page === 0 && !root.matches("[data-large], [data-low], [data-changed]");
  if (!isFresh && performance.now() - state.touchedAt > idleAfter()) welcomeNext();
  view.update(feed.board);
  lookForCard();
}

/** Forget everything the last citizen chose. */
function welcomeNext() {
  for (const attribute of ["data-large", "data-low", "data-changed"]) root.removeAttribute(attribute);
  resetTheme();
  state.lang = parameter("lang") === "en" ? "en" : "zh";
  state.page = 0;
  act.home();
}

function show(board) {
  entries = index(board.queues, matters);
  drawHero(board);
  view.update(board);
}

/** The matters that are done here today, for the search; a kiosk without them searches its queues. Asked again
now and then: guides change, and matters end. */
async function loadMatters() {
  let again = MATTERS_MS;
  try {
    const answer = await fetch("../api/matters", { signal: AbortSignal.timeout(20_000) });
    const found = answer.ok ? (await answer.json()).matters : matters;
    if (JSON.stringify(found) !== JSON.stringify(matters)) {
      matters = found;
      if (feed.board) show(feed.board);
    }
  } catch {
    again = MATTERS_AGAIN_MS;
  }
  setTimeout(loadMatters, again);
}

applyTheme();
for (const event of ["pointerdown", "keydown"]) {
  document.addEventListener(event, () => {
    touch();
    mark(root, "data-changed", true);
  }, { capture: true });
}
document.addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("resize", draw);
onVoices(drawTools);
const feed = new Feed(parameter("board", "k-main"), show);
draw();
keepTime(feed, () => state.lang, tick);
feed.follow();
loadMatters();
const unfinished = interrupted();
if (unfinished) ask(unfinished);
