/** The summary screen of a zone or hall: whose turn it is, and how long the queues are. `hall.html?board=z-east` */

import { el, icon, lengthStep, mark, put } from "./dom.js";
import { Feed } from "./feed.js";
import { Stage } from "./stage.js";
import { applyTheme, keepTime, parameter } from "./status.js";
import { allShut, name, say, shutReason, waitText } from "./texts.js";

const QUEUES_AT_ONCE = 3; // that can be read from afar
const LONG_NUMBER = 5; // letters; such numbers are set smaller
const TURN_MS = 8000; // how long one page of queues stays
const NEXT_NUMBERS = 3;
const NOTICE_MARK = " ● "; // between announcements
const NOTICE_FITS = 70; // letters on the foot, half of them Chinese

const byId = (id) => document.getElementById(id);
const stage = new Stage();

// --- calls

function callRow(row) {
  const { call } = row;
  return el(
    "li",
    { class: "call", "data-id": row.id },
    el("span", { class: "number", "data-long": call.number.length >= LONG_NUMBER }, call.number),
    el(
      "span",
      { class: "to" },
      icon("forward"),
      el("b", { class: "window" }, String(call.window)),
      el("span", { class: "unit" }, el("span", {}, "号窗口"), el("span", { class: "en" }, "Window")),
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
    const node = there.get(row.id) ?? callRow(row);
    mark(node, "data-fresh", row.isFresh);
    mark(node, "data-large", row.isLarge);
    return node;
  });
  if (nodes.length !== list.children.length || nodes.some((node, at) => node !== list.children[at])) {
    list.replaceChildren(...nodes);
  }
}

function showCalm(board) {
  for (const lang of ["zh", "en"]) put(byId(`calm-${lang}`), allShut(board, lang) || say(lang, board ? "no.calls" : "connecting"));
}

// --- queues

/** What is next in the queue: three numbers, or why there are none. */
function nextOf(line) {
  const numbers = line.next.slice(0, NEXT_NUMBERS).map((number) => el("span", {}, number));
  if (numbers.length) return [el("span", { class: "label" }, say("zh", "next")), ...numbers];
  const shut = shutReason(line, "zh") || (line.windows === 0 ? say("zh", "no.window") : "");
  if (shut) return [el("span", { class: "shut" }, shut)];
  return [el("span", { class: "label" }, say("zh", "none.next"))];
}

/** The wait of who takes a ticket now; nothing when the hall cannot know it, or nobody waits. */
function waitOf(line) {
  const isKnown = line.waiting > 0 && line.windows > 0 && !["", "none"].includes(line.wait ?? "");
  return isKnown ? el("p", { class: "expected" }, waitText("zh", line)) : null;
}

function queueRow(line) {
  const en = line.en && line.en !== line.zh ? el("span", { class: "en" }, line.en) : null;
  return el(
    "li",
    { class: "queue", "data-length": lengthStep(line.zh, 9, 14) },
    el("p", { class: "name" }, line.zh, en),
    el("p", { class: "waiting" }, say("zh", "waiting"), el("b", {}, String(line.waiting))),
    el("p", { class: "next" }, ...nextOf(line)),
    waitOf(line),
  );
}

let queuesShown = "";

function showQueues(lines) {
  const pages = Math.max(1, Math.ceil(lines.length / QUEUES_AT_ONCE));
  const size = Math.ceil(lines.length / pages);
  const page = Math.floor(performance.now() / TURN_MS) % pages;
  const now = JSON.stringify([page, lines]);
  if (now === queuesShown) return;
  queuesShown = now;
  mark(byId("queues"), "data-rows", String(Math.max(3, size)));
  const rows = lines.slice(page * size, page * size + size).map(queueRow);
  byId("queues").replaceChildren(...(rows.length ? rows : [el("li", { class: "none" }, say("zh", "no.queues"))]));
  mark(byId("dots"), "hidden", pages === 1);
  const dots = Array.from({ length: pages }, (_, at) => el("i", { "data-on": at === page }));
  byId("dots").replaceChildren(...dots);
}

// --- all of it

/** The hall, and the part of it that this screen is for. */
function title(board, lang) {
  const names = [name(lang, board, "hall_"), name(lang, board)].filter(Boolean);
  return [...new Set(names)].join(" · ") || say(lang, "hall");
}

function show(board) {
  put(byId("name"), title(board, "zh"));
  put(byId("name-en"), title(board, "en"));
  mark(byId("name").parentElement, "data-length", lengthStep(title(board, "zh"), 20, 30));
  showNotice(board);
  showCalm(board);
  stage.take(board.calls, performance.now());
  showCalls();
  showQueues(board.queues);
}

/** What is announced, one after another where it does not fit on the foot's two lines; else what is always true. */
function showNotice(board) {
  const said = [board.notice_zh, board.notice_en].flatMap((text) => (text ?? "").split(NOTICE_MARK)).filter(Boolean);
  const all = (said.length ? said : [say("zh", "notice"), say("en", "notice")]).join(" · ");
  const turn = Math.floor(performance.now() / TURN_MS) % Math.max(1, said.length);
  put(byId("notice"), all.length <= NOTICE_FITS || said.length < 2 ? all : said[turn]);
}

function tick() {
  showCalls();
  if (feed.board) {
    showQueues(feed.board.queues);
    showNotice(feed.board);
  }
}

applyTheme();
const feed = new Feed(parameter("board", "z-hall"), show);
keepTime(feed, () => "zh", tick);
feed.follow();
