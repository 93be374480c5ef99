/** The summary screen of a zone or hall: whose turn it is, and how long the queues are. `hall.html?board=z-east` */

import { el, icon, lengthStep, mark, put } from "./dom.js";
import { Feed } from "./feed.js";
import { frame, showFoot, showHead, showQuiet, showTitle } from "./frame.js";
import { languages, lay } from "./layout.js";
import { HOLD_MS, QUIET_HOLD_MS, Stage } from "./stage.js";
import { applyTheme, keepTime, parameter } from "./status.js";
import { allShut, say, shutReason, waitText } from "./texts.js";

const QUEUES_AT_ONCE = 3; // that can be read from afar
const LONG_NUMBER = 5; // letters; such numbers are set smaller
const TURN_MS = 8000; // how long one page of queues stays
const NEXT_NUMBERS = 3;

const byId = (id) => document.getElementById(id);
const stage = new Stage();

frame();

// --- calls

function callRow(row) {
  const { call } = row;
  const [first, second] = languages();
  return el(
    "li",
    { class: "call", "data-id": `${row.id} ${layout.lang}` },
    el("span", { class: "number", "data-long": call.number.length >= LONG_NUMBER }, call.number),
    el(
      "span",
      { class: "to" },
      icon("forward"),
      el("b", { class: "window" }, String(call.window)),
      el("span", { class: "unit" }, el("span", {}, say(first, "window.no")), el("span", { class: "en" }, say(second, "window.no"))),
    ),
  );
}

function showCalls() {
  const { large, rows } = stage.picture(performance.now());
  const list = byId("calls");
  mark(list, "hidden", rows.length === 0);
  mark(byId("calm"), "hidden", rows.length > 0);
  mark(list, "data-large", String(large));
  const there = new Map([...list.children].map((node) => [node.dataset.id, node]));
  const nodes = rows.map((row) => {
    const node = there.get(`${row.id} ${layout.lang}`) ?? callRow(row);
    mark(node, "data-fresh", row.isFresh);
    mark(node, "data-large", row.isLarge);
    return node;
  });
  if (nodes.length !== list.children.length || nodes.some((node, at) => node !== list.children[at])) {
    list.replaceChildren(...nodes);
  }
}

function showCalm(board) {
  const [first, second] = languages();
  const words = (lang) => allShut(board, lang) || say(lang, board ? "no.calls" : "connecting");
  put(byId("calm-zh"), words(first));
  put(byId("calm-en"), words(second));
}

// --- queues

/** What a card says in both languages, the second one small. words: in a language. */
function both(kind, words) {
  const [first, second] = languages().map(words);
  return el("span", { class: kind }, first, second !== first ? el("span", { class: "en" }, second) : null);
}

/** What is next in the queue: three numbers, or why there are none. */
function nextOf(line) {
  const numbers = line.next.slice(0, layout.columns > 1 ? NEXT_NUMBERS - 1 : NEXT_NUMBERS).map((number) => el("span", {}, number));
  if (numbers.length) return [both("label", (lang) => say(lang, "next")), ...numbers];
  const shut = (lang) => shutReason(line, lang) || (line.windows === 0 ? say(lang, "no.window") : "");
  if (shut(languages()[0])) return [both("shut", shut)];
  return [both("label", (lang) => say(lang, "none.next"))];
}

/** The wait of who takes a ticket now; nothing when the hall cannot know it, or nobody waits. In the second
language "about" has to do for a rough one: there is one line for both. */
function waitOf(line) {
  const isKnown = line.waiting > 0 && line.windows > 0 && !["", "none"].includes(line.wait ?? "");
  const words = (lang) => waitText(lang, lang === languages()[0] ? line : { ...line, is_rough: false });
  return isKnown ? el("p", { class: "expected" }, both("both", words)) : null;
}

function queueRow(line) {
  const [first, second] = languages();
  const [large, small] = [line[first] || line.zh, line[second]];
  return el(
    "li",
    { class: "queue", "data-length": lengthStep(large, 9, 14) },
    el("p", { class: "name" }, large, small && small !== large ? el("span", { class: "en" }, small) : null),
    el("p", { class: "waiting" }, both("label", (lang) => say(lang, "waiting")), el("b", {}, String(line.waiting))),
    el("p", { class: "next" }, ...nextOf(line)),
    waitOf(line),
  );
}

let queuesShown = "";

/** columns, rows: how many queues stand at once, if somebody chose. */
function showQueues(board, { columns, rows, order, lang }) {
  const lines = order === "waiting" ? [...board.queues].sort((a, b) => b.waiting - a.waiting) : board.queues;
  const most = (columns || 1) * (rows || QUEUES_AT_ONCE);
  const pages = Math.max(1, Math.ceil(lines.length / most));
  const size = Math.ceil(lines.length / pages);
  const page = Math.floor(performance.now() / TURN_MS) % pages;
  const now = JSON.stringify([page, columns, rows, lang, lines]);
  if (now === queuesShown) return;
  queuesShown = now;
  const high = Math.max(3, Math.ceil(size / (columns || 1)));
  byId("queues").style.setProperty("--columns", String(columns || 1));
  byId("queues").style.setProperty("--rows", String(high));
  mark(byId("queues"), "data-dense", high > 4 || columns > 1);
  const shown = lines.slice(page * size, page * size + size).map(queueRow);
  const none = el("li", { class: "none" }, say(languages()[0], "no.queues"));
  byId("queues").replaceChildren(...(shown.length ? shown : [none]));
  mark(byId("dots"), "hidden", pages === 1);
  const dots = Array.from({ length: pages }, (_, at) => el("i", { "data-on": at === page }));
  byId("dots").replaceChildren(...dots);
}

// --- all of it

function show(board) {
  layout = lay(board);
  showHead(board);
  showTitle("calls-title", "now.calling");
  showTitle("queues-title", "queues");
  showQuiet(board);
  showFoot(board);
  showCalm(board);
  stage.holdMs = board.is_quiet ? QUIET_HOLD_MS : HOLD_MS;
  stage.take(board.calls, performance.now());
  showCalls();
  showQueues(board, layout);
}

function tick() {
  showCalls();
  if (feed.board) {
    showQueues(feed.board, layout);
    showFoot(feed.board);
  }
}

applyTheme();
let layout = lay(null);
const feed = new Feed(parameter("board", "z-hall"), show);
keepTime(feed, () => languages()[0], tick);
feed.follow();
