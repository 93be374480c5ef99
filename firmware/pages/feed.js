/** Follows one board of the hall, and knows how old what it knows is.

Asks `../api/board/<name>?after=<cursor>`, which answers when something changed or after 25 s. The last good
board is kept over a reload, so that a screen is never blank. Headers of the answer, all optional:
ETag: the cursor of the next question (else the board's ver). Age: seconds since the answering server last
heard from the controller. Hall-Time and Hall-Speed: the hall's clock; without them the board's `ts`. */

export const STALE_AFTER_MS = 60_000;
const ANSWER_WITHIN_MS = 35_000; // a long poll is answered within 25 s
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
const GAP_MS = 300; // between questions, so that a server that does not wait is not flooded

/** A delay of `ms` give or take a quarter, so that screens do not all come back at once. */
export function jittered(ms) {
  return ms * (0.75 + Math.random() / 2);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Feed {
  /** onBoard(board) is called with every new board, first with the kept one, if any. */
  constructor(name, onBoard) {
    this.name = name;
    this.board = null;
    this.isUnknown = false; // the server has no board of this name
    this.heardAt = null; // wall clock, ms: the controller was last heard from
    this.clock = null; // { hall, wall, speed }: the hall's time at a moment of the wall clock
    this.cursor = "";
    this.onBoard = onBoard;
    this.onHeard = () => {}; // after every good answer
    this.key = `board:${location.pathname.replace(/[^/]*$/, "")}${name}`;
  }

  /** Show the kept board, then follow for ever. */
  async follow() {
    this.restore();
    let retry = FIRST_RETRY_MS;
    for (;;) {
      try {
        await this.ask();
        retry = FIRST_RETRY_MS;
        await pause(jittered(GAP_MS));
      } catch {
        await pause(jittered(retry));
        retry = Math.min(retry * 2, LAST_RETRY_MS);
      }
    }
  }

  /** One question. Throws when there is no good answer. */
  async ask() {
    const query = this.cursor === "" ? "" : `?after=${encodeURIComponent(this.cursor)}`;
    const answer = await fetch(`../api/board/${encodeURIComponent(this.name)}${query}`, {
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    this.isUnknown = answer.status === 404;
    if (answer.status !== 200 && answer.status !== 204) throw new Error(`answer ${answer.status}`);
    const board = answer.status === 200 ? await answer.json() : null;
    this.hear(answer.headers, board);
    if (board) this.take(board, answer.headers);
    this.onHeard();
    this.keep();
  }

  hear(headers, board) {
    const now = Date.now();
    this.heardAt = now - 1000 * (Number(headers.get("Age")) || 0);
    const hall = Date.parse(headers.get("Hall-Time") ?? board?.ts ?? "");
    if (Number.isNaN(hall)) return;
    this.clock = { hall, wall: now, speed: Number(headers.get("Hall-Speed")) || 1 };
  }

  take(board, headers) {
    const tag = /^(?:W\/)?"(.*)"$/.exec(headers.get("ETag") ?? "");
    this.cursor = tag ? tag[1] : String(board.ver);
    this.board = board;
    this.show();
  }

  /** A mistake in drawing is reported as itself, not mistaken for a lost link. */
  show() {
    try {
      this.onBoard(this.board);
    } catch (error) {
      reportError(error);
    }
  }

  /** The hall's time now, or at a moment of the wall clock; null before anything was heard. */
  hallTime(wall = Date.now()) {
    if (!this.clock) return null;
    return new Date(this.clock.hall + (wall - this.clock.wall) * this.clock.speed);
  }

  isStale() {
    return this.heardAt !== null && Date.now() - this.heardAt > STALE_AFTER_MS;
  }

  keep() {
    const kept = { board: this.board, heardAt: this.heardAt, clock: this.clock };
    try {
      localStorage.setItem(this.key, JSON.stringify(kept));
    } catch {
      // A full or forbidden storage costs only the picture after a reload.
    }
  }

  restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      if (!kept?.board) return;
      Object.assign(this, kept);
    } catch {
      return;
    }
    this.show();
  }
}

const formats = new Map();

function format(lang, zone, options) {
  const key = `${lang} ${zone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) {
    const locale = lang === "en" ? "en-GB" : "zh-CN";
    formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
  }
  return formats.get(key);
}

export const HALL_ZONE = "Asia/Shanghai";

/** 09:41 */
export function clockText(moment, lang = "zh", zone = HALL_ZONE) {
  return format(lang, zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);
}

/** 7月14日 星期二 */
export function dayText(moment, lang = "zh", zone = HALL_ZONE) {
  return format(lang, zone, { month: "long", day: "numeric", weekday: "long" }).format(moment);
}
