// The server's time on a phone whose clock may be wrong. It counts on performance.now(), which nobody can set back.

const TIMEOUT = 8_000;
const STOOD_STILL = 2_000;

let offset = null; // server's milliseconds minus performance.now()
let ahead = 0; // server's milliseconds minus the phone's clock

// AbortSignal.timeout, which Safari has from version 16 on.
export function within(milliseconds) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds);
  return controller.signal;
}

export const serverNow = () => performance.now() + offset;
export const isKnown = () => offset !== null;
export const phoneIsOffBy = () => -ahead;

// Without a network: what was measured last, for as long as nobody sets the phone's clock.
export function assume(measuredAhead = 0) {
  ahead = measuredAhead;
  offset = Date.now() + ahead - performance.now();
}

// Some phones stop performance.now() while they sleep; then the wall clock has gone on without it.
export function wakeUp() {
  if (offset !== null && Date.now() + ahead - serverNow() > STOOD_STILL) assume(ahead);
}

// Asks `url` for JSON with the server's time in `now`. Throws where there is no answer; `status` says which.
export async function ask(url, options = {}) {
  const sent = performance.now();
  const response = await fetch(url, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    redirect: "manual",
    signal: within(TIMEOUT),
    ...options,
  });
  const received = performance.now();
  if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { response });
  const answer = await response.json();
  return { answer, offset: answer.now - (sent + received) / 2, error: (received - sent) / 2 };
}

// Takes the best of several measurements: the shortest way there and back has the smallest error.
export function take(measurements) {
  const best = measurements.reduce((one, other) => (other.error < one.error ? other : one));
  // Within the new one's margin of error the old is as good, and may be better.
  if (offset === null || measurements.length > 1 || Math.abs(offset - best.offset) > best.error) offset = best.offset;
  ahead = serverNow() - Date.now();
}

export const measuredAhead = () => ahead;
