/** Takes one ticket, exactly once however often the line breaks.

Every tap makes a key; the same key is sent with every attempt, and the server gives the same ticket for it.
A tap under way is kept over a reload of the page. */

const ANSWER_WITHIN_MS = 8000;
const GIVE_UP_AFTER_MS = 45_000;
const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 5000;
const PENDING = "kiosk:pending";
const PENDING_FOR_MS = 120_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** 128 bits of chance as text. randomUUID would need HTTPS, which a kiosk in the hall may not have. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a tap is of somebody with an appointment: by its code, or by a card laid on the reader. */
export function isCheckIn(tap) {
  return Boolean(tap?.code || tap?.card);
}

/** The tap a reload interrupted: { queue, key, item }, { code, key } or { card, key }; null when there is none. */
export function interrupted() {
  try {
    const tap = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
    return tap && Date.now() - tap.at < PENDING_FOR_MS ? tap : null;
  } catch {
    return null;
  }
}

function remember(tap) {
  try {
    if (tap) sessionStorage.setItem(PENDING, JSON.stringify({ ...tap, at: Date.now() }));
    else sessionStorage.removeItem(PENDING);
  } catch {
    // Without storage a reload forgets the tap; the key still protects every retry before it.
  }
}

async function attempt(tap) {
  const wanted = tap.item ? { queue: tap.queue, item: tap.item } : { queue: tap.queue };
  const comes = isCheckIn(tap);
  const shown = tap.card ? { card: tap.card } : { code: tap.code };
  const answer = await fetch(comes ? "../api/check-in" : "../api/tickets", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": tap.key },
    body: JSON.stringify(comes ? shown : wanted),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (answer.status === 429 || answer.status >= 500) throw new Error(`answer ${answer.status}`);
  const body = await answer.json();
  return answer.ok ? { ticket: body } : { refused: body.error };
}

/** The answer to a tap { queue, key, item? }: { ticket }, { refused: { code, zh, en } } or { lost: true }.

onRetry() is called when an attempt failed and another follows. */
export async function take(tap, onRetry) {
  remember(tap);
  const since = performance.now();
  let retry = FIRST_RETRY_MS;
  while (performance.now() - since < GIVE_UP_AFTER_MS) {
    try {
      const answer = await attempt(tap);
      remember(null);
      return answer;
    } catch {
      onRetry();
      await pause(retry * (0.75 + Math.random() / 2));
      retry = Math.min(retry * 2, LAST_RETRY_MS);
    }
  }
  remember(null);
  return { lost: true };
}
