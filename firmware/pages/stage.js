/** Which calls a summary screen shows, and how large. Pure: time is an argument, in ms.

A call is new when its number, window or count of calls was not there before. New calls are large and stay
for at least HOLD_MS, however many others come; the newest call of all is large until the next one. */

export const HOLD_MS = 8000;

/** What makes a call the same call: a repeated call is a new one. */
export function callId(call) {
  return `${call.number}/${call.window}/${call.calls}`;
}

/** Layouts by how many calls are large: the first that holds them. small: how many others fit beside. */
export const LAYOUTS = [
  { large: 1, small: 3 },
  { large: 2, small: 1 },
  { large: 3, small: 0 },
  { large: 5, small: 0 },
  { large: 10, small: 0 },
];

const newestFirst = (a, b) => Date.parse(b.call.at) - Date.parse(a.call.at);

export class Stage {
  constructor() {
    this.shown = new Map(); // callId -> { call, since }
    this.isFirst = true;
  }

  /** Take the calls of a new board. Those of the very first board are not news. */
  take(calls, now) {
    const listed = new Set(calls.map(callId));
    for (const [id, { since }] of this.shown) {
      if (!listed.has(id) && now - since >= HOLD_MS) this.shown.delete(id);
    }
    for (const call of calls) {
      const since = this.shown.get(callId(call))?.since ?? (this.isFirst ? now - HOLD_MS : now);
      this.shown.set(callId(call), { call, since });
    }
    this.isFirst = false;
    this.dropRepeated();
  }

  /** Of a number called again only the newest call is shown. */
  dropRepeated() {
    const newest = new Map();
    for (const one of [...this.shown.values()].sort(newestFirst)) {
      if (newest.has(one.call.number)) this.shown.delete(callId(one.call));
      else newest.set(one.call.number, one);
    }
  }

  /** What to show: { large: of the layout, rows: [{ id, call, isFresh, isLarge }] newest first }. */
  picture(now) {
    const all = [...this.shown.entries()].map(([id, one]) => ({ id, ...one })).sort(newestFirst);
    const rows = all.map(({ id, call, since }, index) => {
      const isFresh = now - since < HOLD_MS;
      return { id, call, isFresh, isLarge: isFresh || index === 0 };
    });
    const large = rows.filter((row) => row.isLarge);
    const layout = LAYOUTS.find((one) => one.large >= large.length) ?? LAYOUTS.at(-1);
    const small = rows.filter((row) => !row.isLarge).slice(0, layout.small);
    return { large: layout.large, rows: [...large.slice(0, layout.large), ...small] };
  }
}
