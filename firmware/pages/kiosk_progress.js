/** Where a ticket stands: its number is typed at the kiosk, or the slip's code held to a scanner, which types its
address like a keyboard and ends with Enter. What is said of it comes from the server, ready in both languages. */

import { el, icon, mark, put } from "./dom.js";
import { button } from "./kiosk_views.js";
import { say } from "./texts.js";

const ANSWER_WITHIN_MS = 6000; // a unit waits 3 s for its controller
const MOST_LETTERS = 12; // that are typed
const SLIP = /\/t\/([\w-]{8,64})\/?$/; // how the address on a slip ends
const ALL_SIGNS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ-"]; // a dispenser's own numbers may have any: A-2B-007
const LOOKS = { near: "clock", waiting: "clock", called: "desk", serving: "desk", held: "pause", completed: "check" };

/** The answer to { number } or { token }: as firmware/protocol/progress.py has it; null when there is none. */
export async function progressOf(asked, board) {
  try {
    const answer = await fetch(`../api/progress?${new URLSearchParams({ ...asked, board })}`, {
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** What numbers begin with here. A board that does not say it has the queues' codes. */
function prefixes(board) {
  const starts = (board?.queues ?? []).map((line) => line.prefix ?? line.code).filter(Boolean);
  return [...new Set(starts.sort())];
}

export function progressView(state, act) {
  const { lang } = state;
  const box = el("input", { class: "digits", type: "text", inputmode: "none", autocomplete: "off", autocapitalize: "characters", maxlength: "200", "aria-label": say(lang, "progress.number") });
  box.value = state.text;
  const note = el("p", { class: "notice", role: "status", hidden: true });
  const letters = el("div", { class: "letters" });
  const type = (text) => {
    box.value = text;
    act.type(text);
  };
  const add = (more) => box.value.length < MOST_LETTERS && type(box.value + more);
  const send = () => {
    const slip = SLIP.exec(box.value);
    if (slip) act.askProgress({ token: slip[1] });
    else if (/\d/.test(box.value) && box.value.length <= MOST_LETTERS) act.askProgress({ number: box.value });
  };
  box.addEventListener("input", () => type(box.value));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") send();
  });
  const key = (letter) => button("key", null, letter, () => add(letter), { "data-key": letter });
  const go = button("primary", "search", say(lang, "progress.go"), send, { "data-take": true });
  const back = button("plain", "back", say(lang, "back"), () => act.home());
  const pad = el(
    "div",
    { class: "pad" },
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => key(String(n))),
    button("key", null, say(lang, "search.clear"), () => type("")),
    key("0"),
    button("key", "erase", say(lang, "search.delete"), () => type(box.value.slice(0, -1))),
  );
  let drawn = null;
  let isAll = false; // of the letters
  const showAll = () => {
    isAll = true;
    letters.replaceChildren(...ALL_SIGNS.map(key));
    letters.firstChild.focus({ preventScroll: true });
  };
  const all = button("key", null, "A–Z", showAll, { "aria-label": `A–Z: ${say(lang, "progress.letters")}`, "data-all": true });
  queueMicrotask(() => box.focus({ preventScroll: true }));
  return {
    root: el("div", { class: "checkin ask-progress" }, box, letters, pad, note, el("div", { class: "actions" }, go, back)),
    update: (board) => {
      const now = prefixes(board);
      if (!isAll && now.join() !== drawn) letters.replaceChildren(...now.map(key), all);
      drawn = now.join();
      put(note, state.isLost ? `${say(lang, "progress.lost")}${lang === "zh" ? "。" : ". "}${say(lang, "progress.lost.do")}` : "");
      mark(note, "hidden", !state.isLost);
      put(go.lastChild, say(lang, state.isAsking ? "progress.asking" : "progress.go"));
      go.disabled = state.isAsking || !/\d/.test(box.value);
      mark(go, "data-pending", state.isAsking);
    },
    title: () => say(lang, "progress.ask"),
    subtitle: () => say(lang, "progress.hint"),
    read: () => [box.value, note.textContent],
  };
}

export function standsView(state, act) {
  const { lang, progress } = state;
  const told = progress[lang];
  const window = progress.look === "called" ? say(lang, "window.of", { n: progress.window }) : "";
  const slip = progress.can_come_back ? say(lang, "progress.slip") : "";
  const lines = [told.wait, told.where, told.tip, slip].filter(Boolean);
  const done = button("plain", "home", say(lang, "home"), () => act.home());
  const another = button("primary", "search", say(lang, "progress.another"), () => act.go("progress", { text: "" }));
  const isKnown = progress.look !== "unknown";
  const plate = el("p", { class: "number", "data-number": progress.number, "data-long": progress.number.length > 4 }, progress.number);
  return {
    root: el(
      "div",
      { class: "stands", "data-look": progress.look },
      isKnown && progress.number ? plate : icon("search"),
      el(
        "div",
        { class: "says", role: "status" },
        el("p", { class: "headline" }, isKnown && icon(LOOKS[progress.look] ?? "attention"), el("span", {}, told.headline)),
        window && el("p", { class: "go-to" }, window),
        ...[told.wait, told.where].filter(Boolean).map((line) => el("p", { class: "fact" }, line)),
        ...[told.tip, slip].filter(Boolean).map((line) => el("p", { class: "tip" }, line)),
      ),
      el("div", { class: "actions" }, another, done),
    ),
    update: () => {},
    title: () => (isKnown && progress.number ? say(lang, "progress.of", { number: progress.number }) : say(lang, "progress.unknown")),
    subtitle: () => "",
    read: () => [told.headline, window, ...lines],
  };
}
