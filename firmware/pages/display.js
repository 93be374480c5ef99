/** A display whose layout was chosen from the web: notices, the leader on duty, or who sits where.
`display.html?board=d-lobby`; a layout that another page shows is followed there. */

import { el, mark, put } from "./dom.js";
import { Feed } from "./feed.js";
import { frame, notices, showFoot, showHead, showQuiet, showTitle } from "./frame.js";
import { isPortrait, languages, lay } from "./layout.js";
import { applyTheme, keepTime, parameter } from "./status.js";
import { say } from "./texts.js";

const TURN_MS = 10_000; // how long one page of cards stays
/** Columns and rows that are read from afar, lying and portrait. */
const FITS = { notices: [[1, 3], [1, 5]], leader: [[1, 1], [1, 1]], staff: [[3, 4], [1, 8]] };

const byId = (id) => document.getElementById(id);

let layout = { shows: "" };

frame();

// --- the cards of each kind

function noticeCards(board) {
  const said = notices(board);
  const texts = said.length ? said : languages().map((lang) => say(lang, "notice"));
  return texts.map((text) => el("li", { class: "card notice-card" }, text));
}

function leaderCards(board) {
  const [first, second] = languages();
  const named = board[`leader_${first}`] || board.leader_zh;
  if (!named) return [el("li", { class: "card leader-card" }, el("p", { class: "none" }, say(first, "leader.none")))];
  const other = board[`leader_${second}`] || "";
  const phone = board.leader_phone ? el("p", { class: "phone" }, say(first, "leader.phone", { phone: board.leader_phone })) : null;
  return [
    el(
      "li",
      { class: "card leader-card" },
      el("p", { class: "who" }, named),
      other && other !== named ? el("p", { class: "en" }, other) : null,
      phone,
    ),
  ];
}

/** Paused and lost windows are the same to who waits before them. */
function stateOf(face) {
  if (face.state === "offline") return "paused";
  return face.state === "open" || face.state === "busy" ? "serving" : face.state;
}

function staffCard(face) {
  const [first, second] = languages();
  const state = stateOf(face);
  const here = state === "closed" ? "" : [face.staff_number && say(first, "staff", { number: face.staff_number }), face.staff_name].filter(Boolean).join(" ");
  const queues = face[`queues_${first}`] || face[`queues_${second}`];
  return el(
    "li",
    { class: "card staff-card", "data-state": state },
    el("b", { class: "plate" }, String(face.number)),
    el("p", { class: "queues" }, queues || face[first] || face.zh),
    el("p", { class: "who" }, here || say(first, "staff.none")),
    el("p", { class: "word" }, say(first, `staff.${state}`), " ", el("span", { class: "en" }, say(second, `staff.${state}`))),
  );
}

const CARDS = { notices: noticeCards, leader: leaderCards, staff: (board) => board.windows.map(staffCard) };

// --- all of it

let shown = "";

function showCards(board) {
  const cards = (CARDS[layout.shows] ?? (() => []))(board);
  const usual = FITS[layout.shows]?.[Number(isPortrait())] ?? [1, 1];
  const [columns, rows] = [layout.columns || usual[0], layout.rows || usual[1]];
  const pages = Math.max(1, Math.ceil(cards.length / (columns * rows)));
  const page = Math.floor(performance.now() / TURN_MS) % pages;
  const here = cards.slice(page * columns * rows, (page + 1) * columns * rows);
  const now = [page, columns, rows, ...here.map((card) => card.outerHTML)].join();
  if (now === shown) return;
  shown = now;
  byId("cards").style.setProperty("--columns", String(columns));
  const least = layout.shows === "staff" ? Math.min(rows, usual[1] - 1) : 1; // few windows are no larger than many
  byId("cards").style.setProperty("--rows", String(Math.max(least, Math.min(rows, Math.ceil(cards.length / columns)))));
  byId("cards").replaceChildren(...here);
  mark(byId("dots"), "hidden", pages === 1);
  byId("dots").replaceChildren(...Array.from({ length: pages }, (_, at) => el("i", { "data-on": at === page })));
}

function show(board) {
  layout = lay(board);
  mark(byId("body"), "data-shows", layout.shows);
  showHead(board);
  if (CARDS[layout.shows]) showTitle("what", `shows.${layout.shows}`);
  else put(byId("what"), say(languages()[0], "display.choose"));
  showQuiet(board);
  showFoot(board);
  showCards(board);
}

applyTheme();
const feed = new Feed(parameter("board", "d-1"), show);
keepTime(feed, () => languages()[0], () => {
  if (!feed.board) return;
  showCards(feed.board);
  showFoot(feed.board);
});
feed.follow();
