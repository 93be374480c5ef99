/** The head and foot of every summary screen: whose it is, what is announced, who leads, whether it is quiet.
They are put around the page's own main part. */

import { el, lengthStep, mark, put } from "./dom.js";
import { languages } from "./layout.js";
import { name, say } from "./texts.js";

const TURN_MS = 8000; // how long one announcement stays
const NOTICE_MARK = " ● "; // between announcements
const NOTICE_FITS = 70; // letters on the foot, half of them Chinese

const byId = (id) => document.getElementById(id);

/** Put them there; the page's first step. */
export function frame() {
  const names = [el("span", { id: "name" }, say("zh", "hall")), el("span", { class: "en", id: "name-en" }, say("en", "hall"))];
  const clock = [el("span", { class: "date", "data-date": true }), el("span", { class: "time", "data-time": true })];
  document.querySelector("main").before(
    el("header", { class: "hall-head" }, el("h1", {}, ...names), ...clock),
    el("p", { class: "quiet", id: "quiet", role: "status", hidden: true }),
  );
  document.querySelector("main").after(
    el(
      "footer",
      { class: "hall-foot" },
      el("p", { class: "notice", id: "notice" }),
      el("p", { class: "leader", id: "leader", hidden: true }),
      el("p", { class: "age", "data-age": true, hidden: true }),
    ),
  );
}

/** The announcements of a board, in the language written large first. */
export function notices(board) {
  return languages().flatMap((lang) => (board[`notice_${lang}`] ?? "").split(NOTICE_MARK)).filter(Boolean);
}

/** The hall, and the part of it that this screen is for. */
function title(board, lang) {
  const names = [name(lang, board, "hall_"), name(lang, board)].filter(Boolean);
  return [...new Set(names)].join("\u00a0· ") || say(lang, "hall");
}

export function showHead(board) {
  const [first, second] = languages();
  put(byId("name"), title(board, first));
  put(byId("name-en"), title(board, second));
  mark(byId("name").parentElement, "data-length", lengthStep(title(board, first), 20, 30));
}

/** Write the heading `id` in both languages. */
export function showTitle(id, key) {
  const [first, second] = languages();
  put(byId(id), say(first, key));
  put(byId(`${id}-2`), say(second, key));
}

/** What is announced, one after another where it does not fit on the foot's two lines; else what is always true. */
export function showFoot(board) {
  const said = notices(board);
  const all = (said.length ? said : languages().map((lang) => say(lang, "notice"))).join(" · ");
  const turn = Math.floor(performance.now() / TURN_MS) % Math.max(1, said.length);
  put(byId("notice"), all.length <= NOTICE_FITS || said.length < 2 ? all : said[turn]);
  const [first] = languages();
  const leader = board[`leader_${first}`] || board.leader_zh;
  put(byId("leader"), leader ? say(first, "leader.is", { name: leader }) : "");
  mark(byId("leader"), "hidden", !leader);
}

/** That calls are not spoken now, where that is so. */
export function showQuiet(board) {
  put(byId("quiet"), languages().map((lang) => say(lang, "quiet")).join(" · "));
  mark(byId("quiet"), "hidden", !board.is_quiet);
  mark(document.documentElement, "data-quiet", Boolean(board.is_quiet));
}
