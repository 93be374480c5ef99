/** How a display is laid out: as its board says or, in a preview, as its address does. */

import { mark } from "./dom.js";
import { parameter } from "./status.js";

/** The page that shows each kind of layout. */
const PAGES = {
  hall: "hall.html",
  zone: "hall.html",
  window: "window.html",
  notices: "display.html",
  leader: "display.html",
  staff: "display.html",
};
const USUAL = { shows: "", columns: 0, rows: 0, order: "", lang: "zh", turn: 0 };

let layout = USUAL;

function chosen(board) {
  const tried = parameter("layout");
  return { ...USUAL, ...(tried ? JSON.parse(tried) : board?.layout) };
}

/** The language written large, and the other. */
export function languages() {
  return layout.lang === "en" ? ["en", "zh"] : ["zh", "en"];
}

/** Go where the layout is shown, once that page can be had: a screen is never left without one. */
async function follow(page) {
  if (!page || location.pathname.endsWith(`/${page}`)) return;
  const there = await fetch(page, { cache: "no-store" }).catch(() => null);
  if (there?.ok) location.replace(`${page}${location.search}`);
}

export function isPortrait() {
  return document.documentElement.hasAttribute("data-portrait");
}

function turn() {
  const root = document.documentElement;
  const isTurned = layout.turn % 180 !== 0;
  mark(root, "data-turn", layout.turn ? String(layout.turn) : null);
  mark(root, "data-portrait", innerHeight > innerWidth !== isTurned);
}

/** Take the layout of a new board; what it is. */
export function lay(board) {
  layout = chosen(board);
  mark(document.documentElement, "lang", layout.lang === "en" ? "en" : "zh-CN");
  turn();
  void follow(PAGES[layout.shows]);
  return layout;
}

turn();
addEventListener("resize", turn);
