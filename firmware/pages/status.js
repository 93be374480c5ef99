/** The line of honesty on every page: the hall's time, and how old the information is when it is old. */

import { mark, put } from "./dom.js";
import { clockText, dayText, HALL_ZONE } from "./feed.js";
import { say } from "./texts.js";

const TICK_MS = 1000;

/** The sentence about age, or "" while the information is fresh. */
export function ageText(feed, lang) {
  const zone = feed.board?.time_zone || HALL_ZONE;
  if (feed.isUnknown) return say(lang, "board.unknown", { name: feed.name });
  if (feed.heardAt === null) return say(lang, "connecting");
  if (!feed.isStale()) return "";
  const moment = feed.hallTime(feed.heardAt) ?? new Date(feed.heardAt);
  const now = feed.hallTime() ?? new Date();
  const facts = { time: clockText(moment, lang, zone), date: dayText(moment, lang, zone) };
  return say(lang, facts.date === dayText(now, lang, zone) ? "stale" : "stale.day", facts);
}

/** Keep `[data-time]`, `[data-date]` and `[data-age]` of the page right, and call `tick` every second. */
export function keepTime(feed, langOf, tick = () => {}) {
  const update = () => {
    const [lang, now] = [langOf(), feed.hallTime()];
    const zone = feed.board?.time_zone || HALL_ZONE;
    for (const node of document.querySelectorAll("[data-time]")) put(node, now ? clockText(now, lang, zone) : "");
    for (const node of document.querySelectorAll("[data-date]")) put(node, now ? dayText(now, lang, zone) : "");
    const age = ageText(feed, lang);
    for (const node of document.querySelectorAll("[data-age]")) {
      put(node, age);
      mark(node, "hidden", age === "");
    }
    mark(document.documentElement, "data-stale", age !== "");
    tick();
  };
  update();
  feed.onHeard = update;
  setInterval(update, TICK_MS);
  return update;
}

/** A query parameter of this page, or `otherwise`. */
export function parameter(name, otherwise = "") {
  return new URLSearchParams(location.search).get(name) ?? otherwise;
}

/** ?theme=dark|contrast of a screen that hangs in a dark place. */
export function applyTheme() {
  const theme = parameter("theme");
  if (theme) document.documentElement.dataset.theme = theme;
}
