/** Which calls a summary screen shows, and how large. Pure: time is an argument, in ms.

A call is new when its number, window or count of calls was not there before. New calls are large and stay
for at least `holdMs`; those for which there is no room wait their turn, the oldest first. The newest call
shown is large until the next one. What had to make room does not come back. */

export const HOLD_MS = 8000;
export const QUIET_HOLD_MS = 20000; // where only the screen calls

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
const MOST = LAYOUTS.at(-1).large;

const newestFirst = (a, b) =>
  Date.parse(b.call.at) - Date.parse(a.call.at) || (b.call.ticket ?? 0) - (a.call.ticket ?? 0);

export class Stage {
  constructor() {
    this.known = new Map(); // callId -> { call, since: null while it waits, isListed, isGone }
    this.isFirst = true;
    this.holdMs = HOLD_MS;
  }

  /** Take the calls of a new board. Those of the very first board are not news. */
  take(calls, now) {
    const listed = new Set(calls.map(callId));
    for (const [id, one] of this.known) one.isListed = listed.has(id);
    for (const call of calls) {
      const since = this.isFirst ? now - this.holdMs : null;
      const known = this.known.get(callId(call)) ?? { since, isGone: false };
      this.known.set(callId(call), { ...known, call, isListed: true });
    }
    this.isFirst = false;
    this.dropRepeated();
  }

  /** Of a number called again only the newest call is shown. */
  dropRepeated() {
    const newest = new Map();
    for (const one of [...this.known.values()].sort(newestFirst)) {
      if (newest.has(one.call.number)) this.known.delete(callId(one.call));
      else newest.set(one.call.number, one);
    }
  }

  isFresh(one, now) {
    return one.since !== null && now - one.since < this.holdMs;
  }

  /** Let those who wait come on as far as there is room, and forget what is over. */
  admit(now) {
    for (const [id, one] of this.known) {
      if (!one.isListed && !this.isFresh(one, now)) this.known.delete(id);
    }
    const all = [...this.known.values()].sort(newestFirst);
    const room = MOST - all.filter((one) => this.isFresh(one, now)).length;
    const waiting = all.filter((one) => one.since === null).reverse();
    for (const one of waiting.slice(0, room)) one.since = now;
  }

  /** What to show: { large: of the layout, rows: [{ id, call, isFresh, isLarge }] newest first }. */
  picture(now) {
    this.admit(now);
    const all = [...this.known.values()].filter((one) => one.since !== null && !one.isGone).sort(newestFirst);
    const fresh = all.filter((one) => this.isFresh(one, now));
    const large = fresh.length ? fresh : all.slice(0, 1);
    const layout = LAYOUTS.find((one) => one.large >= large.length) ?? LAYOUTS.at(-1);
    const small = all.filter((one) => !large.includes(one)).slice(0, layout.small);
    const shown = [...large, ...small];
    for (const one of all) one.isGone = !shown.includes(one);
    const rows = shown.map((one) => ({
      id: callId(one.call),
      call: one.call,
      isFresh: fresh.includes(one),
      isLarge: large.includes(one),
    }));
    return { large: layout.large, rows };
  }
}
