/** The screens of the kiosk. Each is made once when it is entered and then only brought up to date, so that
nothing moves under a finger: { root, update(board), title(board), subtitle(board), read(board) }. */

import { el, icon, lengthStep, mark, put } from "./dom.js";
import { find } from "./search.js";
import { isCheckIn } from "./take.js";
import { allShut, name, remedy, say, shutReason, waitText } from "./texts.js";

const ROWS = ["QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"];
const FOUND_LIMIT = 40;
const EXAMPLES = 8;
const DESK = /导办台|guide desk/; // a reason that says already where to go

const isPhone = () => matchMedia("(max-width: 700px)").matches;

/** 大厅正在叫号 on the kiosk's own head. */
export function callingRow(call, lang) {
  const window = say(lang, "window.of", { n: call.window });
  return el("li", {}, el("b", {}, call.number), icon("forward"), el("span", {}, window));
}

export function button(classes, shape, text, press, attributes = {}) {
  return el("button", { type: "button", class: classes, onclick: press, ...attributes }, shape ? icon(shape) : null, el("span", {}, text));
}

function fact(shape, label) {
  const value = el("b", {});
  const root = el("li", {}, icon(shape), el("span", { class: "label" }, label), value);
  return { root, value, read: () => (root.hidden ? "" : `${label}: ${value.textContent}`) };
}

/** What stands in a node, to be read aloud: with a pause where a line or a part of it ends. */
function aloud(node) {
  return (node?.innerText ?? "").split(/\n+/).join(", ");
}

/** A wait, and in small letters what stands in brackets behind it. */
function putWait(node, text) {
  if (node.textContent === text) return;
  const [wait, note] = text.split(/(?=（| \()/);
  node.replaceChildren(wait, ...(note ? [el("small", {}, note)] : []));
}

// --- home: cards by matter

function cardOf(line, lang, act) {
  const title = name(lang, line);
  const second = lang === "zh" ? line.en : line.zh;
  const fields = { wait: el("b", {}), people: el("span", {}), windows: el("span", {}), shut: el("p", { class: "shut" }) };
  const root = el(
    "button",
    { type: "button", class: "card", "data-queue": line.code, "data-length": lengthStep(title), onclick: () => act.choose(line.code) },
    el("span", { class: "card-name" }, title),
    el("span", { class: "card-second", lang: lang === "zh" ? "en" : "zh-CN" }, second === title ? "" : second),
    el("span", { class: "card-facts" }, fields.wait, fields.people, fields.windows),
    fields.shut,
  );
  const update = (now) => {
    const shut = shutReason(now, lang, act.now());
    mark(root, "data-shut", Boolean(shut));
    mark(root, "data-quiet", now.windows === 0);
    putWait(fields.wait, waitText(lang, now));
    put(fields.people, say(lang, "card.waiting", { n: now.waiting }));
    put(fields.windows, now.windows ? say(lang, "card.windows", { n: now.windows }) : "");
    put(fields.shut, shut);
  };
  return { code: line.code, root, update };
}

/** How many cards fit: columns and rows of the space the style gives to them. */
function capacity(grid, count) {
  if (isPhone()) return Math.max(1, count);
  const style = getComputedStyle(grid);
  const columns = style.gridTemplateColumns.split(" ").length;
  const gap = parseFloat(style.rowGap) || 0;
  const least = parseFloat(style.getPropertyValue("--card-height")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const rows = Math.max(1, Math.floor((grid.clientHeight + gap + 1) / (least + gap)));
  return columns * rows;
}

function pager(state, act, pages) {
  const { lang, page } = state;
  return [
    button("plain", "back", say(lang, "previous"), () => act.turn(page - 1), { disabled: page === 0 }),
    el("span", { class: "page" }, say(lang, "page", { n: page + 1, of: pages })),
    button("plain", "forward", say(lang, "following"), () => act.turn(page + 1), { disabled: page >= pages - 1 }),
  ];
}

export function homeView(state, act) {
  const { lang } = state;
  const grid = el("div", { class: "cards" });
  const pages = el("div", { class: "pager", hidden: true });
  const nothing = el("div", { class: "calm", hidden: true }, icon("clock"), el("p", {}), el("p", {}));
  const search = button("search-open", "search", say(lang, "search"), () => act.go("search"));
  search.append(el("small", {}, say(lang, "search.hint")));
  let drawn = "";
  let cards = [];
  let open = null; // the queues that give out tickets come first; nothing is moved while somebody is there
  const inOrder = (lines) => {
    if (!open?.size || act.secondsLeft() === 0) open = new Set(lines.filter((line) => !shutReason(line, lang, act.now())).map((line) => line.code));
    return [...lines].sort((one, other) => open.has(other.code) - open.has(one.code));
  };
  const lay = (lines) => {
    mark(pages, "hidden", true);
    if (lines.length > capacity(grid, lines.length)) {
      pages.replaceChildren(...pager(state, act, 2)); // the space that remains is measured with it
      mark(pages, "hidden", false);
    }
    const fits = capacity(grid, lines.length);
    const count = Math.max(1, Math.ceil(lines.length / fits));
    state.page = Math.min(state.page, count - 1);
    cards = lines.slice(state.page * fits, state.page * fits + fits).map((line) => cardOf(line, lang, act));
    grid.replaceChildren(...cards.map((card) => card.root));
    pages.replaceChildren(...(count > 1 ? pager(state, act, count) : []));
  };
  const update = (board) => {
    const lines = inOrder(board?.queues ?? []);
    mark(nothing, "hidden", lines.length > 0);
    mark(grid, "hidden", lines.length === 0);
    put(nothing.children[1], say(lang, board ? "home.none" : "connecting"));
    put(nothing.children[2], board ? say(lang, "home.none.do") : "");
    const wanted = JSON.stringify([state.page, lines.map((line) => [line.code, line.zh, line.en])]);
    if (wanted !== drawn) lay(lines);
    drawn = wanted;
    for (const card of cards) card.update(lines.find((line) => line.code === card.code));
  };
  return {
    root: el("div", { class: "home" }, search, grid, nothing, pages),
    update,
    title: (board) => say(lang, allShut(board, lang, act.now()) ? "closed.queue" : "home.ask"),
    subtitle: (board) => (board && name(lang, board, "notice_")) || say(lang, allShut(board, lang, act.now()) ? "home.none.do" : "home.hint"),
    read: (board) => (board?.queues ?? []).map((line) => `${name(lang, line)}: ${shutReason(line, lang, act.now()) || `${say(lang, "card.waiting", { n: line.waiting })}, ${waitText(lang, line)}`}`),
  };
}

// --- search

function keyboard(lang, type, box) {
  const key = (letter) => button("key", null, letter, () => type(box.value + letter.toLowerCase()), { "data-key": letter });
  const rows = ROWS.map((row) => el("div", { class: "keys" }, ...[...row].map(key)));
  rows.at(-1).append(
    button("key wide", "erase", say(lang, "search.delete"), () => type([...box.value].slice(0, -1).join(""))),
    button("key wide", null, say(lang, "search.clear"), () => type("")),
  );
  return el("div", { class: "keyboard" }, ...rows);
}

function foundRow(one, lang, act) {
  const line = act.line(one.queue);
  const title = name(lang, one);
  const shut = line ? shutReason(line, lang, act.now()) : "";
  const wait = el("span", { class: "found-wait", "data-shut": Boolean(shut) }, shut || (line ? waitText(lang, line) : ""));
  const where = one.item && line ? el("small", {}, name(lang, line)) : null;
  const press = () => act.choose(one.queue, one.item);
  return el("button", { type: "button", class: "found", onclick: press }, el("span", { class: "found-name" }, title, where), wait);
}

export function searchView(state, act) {
  const { lang } = state;
  const hint = say(lang, "search.hint");
  const mode = isPhone() ? "search" : "none";
  const box = el("input", { type: "search", class: "search-box", autocomplete: "off", inputmode: mode, maxlength: "40", "aria-label": say(lang, "search"), placeholder: hint });
  box.value = state.text;
  const results = el("div", { class: "results" });
  const count = el("p", { class: "count", role: "status" });
  const type = (text) => {
    box.value = text;
    act.type(text);
  };
  box.addEventListener("input", () => act.type(box.value));
  let shown = null;
  const update = () => {
    const { found, total } = find(act.entries(), state.text, FOUND_LIMIT);
    const empty = say(lang, state.text.trim() ? "search.none" : "search.start");
    put(count, total ? say(lang, "search.results", { n: total }) : empty);
    const now = JSON.stringify(found.map((one) => [one.zh, one.queue]));
    if (now === shown) return;
    shown = now;
    results.replaceChildren(...found.map((one) => foundRow(one, lang, act)));
    results.scrollTop = 0;
  };
  const back = button("plain", "back", say(lang, "back"), () => act.home());
  queueMicrotask(() => box.focus({ preventScroll: true }));
  return {
    root: el("div", { class: "search" }, el("div", { class: "search-head" }, back, box), count, results, keyboard(lang, type, box)),
    update,
    title: () => say(lang, "search"),
    subtitle: () => hint,
    read: () => [count.textContent, ...[...results.children].slice(0, 5).map(aloud)],
  };
}

// --- one matter

export function matterView(state, act) {
  const { lang, queue, item } = state;
  const ahead = fact("people", say(lang, "matter.ahead"));
  const wait = fact("clock", say(lang, "matter.wait"));
  const windows = fact("desk", say(lang, "matter.windows"));
  const where = fact("place", say(lang, "matter.where"));
  const what = el("p", { class: "what", hidden: true });
  const shut = el("p", { class: "notice", role: "status", hidden: true });
  const takeButton = button("primary", "ticket", say(lang, "take"), act.take, { "data-take": true });
  const back = button("plain", "back", say(lang, "back"), () => act.home());
  const matter = act.matters(queue).find((one) => one.code === item);
  const chosen = matter?.name ?? "";
  const examples = act.matters(queue).slice(0, EXAMPLES);
  const here = examples.length && !item ? el("section", { class: "examples" }, el("h2", {}, say(lang, "matter.here")), el("p", { lang: "zh-CN" }, examples.map((matter) => matter.name).join("\u00a0· "))) : null;
  const guide = matter?.bring?.length ? el("section", { class: "examples guide" }, ...guideParts(matter, lang)) : null;
  const update = () => {
    const line = act.line(queue);
    if (!line) return;
    const reason = shutReason(line, lang, act.now());
    put(ahead.value, say(lang, "people", { n: line.waiting }));
    putWait(wait.value, waitText(lang, line));
    put(windows.value, say(lang, "windows", { n: line.windows }));
    const zone = name(lang, line, "zone_");
    put(where.value, zone);
    mark(where.root, "hidden", !zone);
    const text = name(lang, line, "what_");
    put(what, text);
    mark(what, "hidden", !text);
    const words = state.taking === "retrying" ? say(lang, "taking.retry") : reason;
    put(shut, words);
    mark(shut, "hidden", !words);
    put(takeButton.lastChild, say(lang, state.taking ? "taking" : "take"));
    takeButton.disabled = Boolean(state.taking) || Boolean(reason);
    mark(takeButton, "data-pending", Boolean(state.taking));
    back.disabled = Boolean(state.taking);
  };
  const lineName = () => (act.line(queue) ? name(lang, act.line(queue)) : queue);
  return {
    root: el("div", { class: "matter" }, what, el("ul", { class: "facts" }, ahead.root, wait.root, windows.root, where.root), here, guide, shut, el("div", { class: "actions" }, takeButton, back)),
    update,
    title: () => chosen || lineName(),
    subtitle: () => (chosen ? lineName() : ""),
    read: () => [what.textContent, ...[ahead, wait, windows, where].map((one) => one.read()), aloud(guide ?? here), shut.textContent],
  };
}

/** What to bring, how long it takes and what it costs. */
function guideParts(matter, lang) {
  const days = matter.days ?? null;
  const limit = days === null ? "" : say(lang, days === 0 ? "guide.at_once" : "guide.days", { n: days });
  const brief = [limit, matter.fee].filter(Boolean).join(" · ");
  return [
    el("h2", {}, say(lang, "guide.bring")),
    el("ol", { lang: "zh-CN" }, ...matter.bring.map((one) => el("li", {}, one))),
    ...(brief ? [el("p", { class: "brief" }, brief)] : []),
    ...(matter.is_sample ? [el("p", { class: "sample" }, say(lang, "guide.sample"))] : []),
  ];
}

// --- checking in for an appointment

/** Eight digits of a code or the last four of a phone number: typed, or read from a phone by a scanner, which
types like a keyboard and ends with Enter. */
export function checkInView(state, act) {
  const { lang } = state;
  const box = el("input", { class: "digits", type: "text", inputmode: "none", autocomplete: "off", maxlength: "8", "aria-label": say(lang, "checkin.hint") });
  box.value = state.text;
  const note = el("p", { class: "notice", role: "status", hidden: true });
  const card = el("p", { class: "card-here", hidden: true }, icon("card"), el("span", {}, say(lang, "checkin.card")));
  const type = (text) => {
    box.value = text.replace(/\D/g, "").slice(0, 8);
    act.type(box.value);
  };
  const send = () => act.checkIn(/^(\d{4}|\d{8})$/.test(box.value) ? box.value : "");
  box.addEventListener("input", () => type(box.value));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") send();
  });
  const digit = (n) => button("key", null, String(n), () => type(box.value + n), { "data-key": String(n) });
  const go = button("primary", "check", say(lang, "checkin"), send, { "data-take": true });
  const back = button("plain", "back", say(lang, "back"), () => act.home());
  const pad = el(
    "div",
    { class: "pad" },
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(digit),
    button("key", null, say(lang, "search.clear"), () => type("")),
    digit(0),
    button("key", "erase", say(lang, "search.delete"), () => type(box.value.slice(0, -1))),
  );
  queueMicrotask(() => box.focus({ preventScroll: true }));
  return {
    root: el("div", { class: "checkin" }, card, box, pad, note, el("div", { class: "actions" }, go, back)),
    update: () => {
      const words = state.taking === "retrying" ? say(lang, "taking.retry") : "";
      put(note, words);
      mark(note, "hidden", !words);
      mark(card, "hidden", !state.hasReader);
      go.disabled = Boolean(state.taking) || !/^(\d{4}|\d{8})$/.test(box.value);
      mark(go, "data-pending", Boolean(state.taking));
      back.disabled = Boolean(state.taking);
    },
    title: () => say(lang, "checkin"),
    subtitle: () => say(lang, "checkin.hint"),
    read: () => [state.hasReader && say(lang, "checkin.card"), [...box.value].join(" ")],
  };
}

// --- after taking

function slipPart(ticket, lang) {
  if (ticket.printed === true) return el("p", { class: "slip", "data-good": true }, el("i", { class: "paper", "aria-hidden": "true" }), say(lang, "slip.out"));
  const words = say(lang, ticket.printed === false ? "slip.none" : "slip.screen");
  return el("p", { class: "slip" }, icon("attention"), words);
}

function codePart(ticket, lang) {
  if (isPhone() && ticket.url) return el("a", { class: "link primary", href: ticket.url }, say(lang, "follow"));
  if (!ticket.qr) return null;
  return el("figure", { class: "qr" }, el("img", { src: ticket.qr, alt: "" }), el("figcaption", {}, say(lang, "qr")));
}

/** A sentence of which lines end only behind a comma or before a bracket. */
function whole(text, lang) {
  const parts = text.split(lang === "zh" ? /(?<=，)|(?=（)/ : /(?<=,) | (?=\()/);
  return parts.flatMap((part, n) => [n && lang !== "zh" ? " " : "", el("span", {}, part)]);
}

/** How many are ahead; a machine without its controller cannot know. */
function aheadText(ticket, lang) {
  if (ticket.ahead === null || ticket.ahead === undefined) return say(lang, "taken.unknown");
  return ticket.ahead ? say(lang, "taken.ahead", { n: ticket.ahead }) : say(lang, "taken.first");
}

export function takenView(state, act) {
  const { lang, ticket } = state;
  const line = act.line(ticket.queue);
  const zone = line ? name(lang, line, "zone_") : "";
  const isBooked = isCheckIn(state.tap);
  const ahead = isBooked ? say(lang, "checkin.done") : aheadText(ticket, lang);
  const expected = { ...ticket, windows: line?.windows ?? 1, waiting: ticket.ahead };
  const wait = ticket.ahead && !isBooked ? waitText(lang, expected) : "";
  const where = zone ? say(lang, "taken.where", { zone }) : say(lang, "taken.where.any");
  const listen = say(lang, act.isQuiet() ? "quiet" : "taken.listen");
  const done = button("plain", "home", say(lang, "home"), () => act.home());
  const seconds = el("small", { class: "seconds", "aria-hidden": "true" });
  done.append(seconds);
  return {
    root: el(
      "div",
      { class: "taken" },
      el("p", { class: "number", "data-number": ticket.number, "data-long": ticket.number.length > 4 }, ticket.number),
      el("p", { class: "big" }, ...whole([ahead, wait].filter(Boolean).join(lang === "zh" ? "，" : ", "), lang)),
      el("p", { class: "where" }, icon("place"), el("span", {}, where)),
      el("div", { class: "proof" }, slipPart(ticket, lang), codePart(ticket, lang)),
      el("p", { class: "listen" }, listen),
      el("div", { class: "actions" }, done),
    ),
    update: () => put(seconds, say(lang, "home.in", { n: act.secondsLeft() })),
    title: () => say(lang, "taken"),
    subtitle: () => (line ? name(lang, line) : ""),
    read: () => [say(lang, "taken.number"), ticket.number, ahead, wait, where, listen],
  };
}

// --- what went wrong, and help

function sentences(shape, texts, actions, title) {
  const root = el("div", { class: "calm" }, icon(shape), ...texts.map((text) => el("p", {}, text)), el("div", { class: "actions" }, ...actions));
  return { root, update: () => {}, title: () => title, subtitle: () => "", read: () => texts };
}

export function refusedView(state, act) {
  const { lang, refused } = state;
  const why = name(lang, refused ?? {});
  const texts = DESK.test(why) ? [why] : [why, remedy(lang, refused?.code)].filter(Boolean);
  if (!isCheckIn(state.tap)) return sentences("attention", texts, [button("primary", "home", say(lang, "home"), () => act.home())], say(lang, "refused"));
  const again = button("primary", "calendar", say(lang, "again"), () => act.go("checkin", { text: "" }));
  const home = button("plain", "home", say(lang, "home"), () => act.home());
  return sentences("attention", texts, [again, home], say(lang, "checkin.refused"));
}

export function lostView(state, act) {
  const { lang } = state;
  const again = button("primary", "ticket", say(lang, "again"), act.again);
  const home = button("plain", "home", say(lang, "home"), () => act.home());
  return sentences("attention", [say(lang, "lost.do")], [again, home], say(lang, "lost"));
}

export function helpView(state, act) {
  const { lang } = state;
  const home = button("primary", "home", say(lang, "home"), () => act.home());
  return sentences("help", [say(lang, "help.text"), say(lang, "help.text2")], [home], say(lang, "help.title"));
}
