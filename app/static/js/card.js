// Keeps the card's code current by the server's clock, also through a poor network. Without this script the page
// loads itself anew for each code.

const FIRST_MEASUREMENTS = 3;
const TIMEOUT = 8_000;
const RETRIES = [1_000, 2_000, 4_000, 8_000, 15_000];
// Phones ask at different moments of the half minute, or all would ask at once.
const ASK_WITHIN = 10_000;

const card = document.getElementById("card");
const { codes: codesUrl, login, countdown: countdownWords, offline } = card.dataset;
const [code, digits, barcode, countdown, news] = ["code", "digits", "barcode", "countdown", "news"].map((id) =>
  document.getElementById(id),
);
const countdownText = countdown.querySelector(".countdown-text");
const countdownBar = countdown.querySelector(".countdown-bar");

let held = []; // codes, oldest first; `from` and `until` are the server's milliseconds
let shown = null;
let offset = null; // server's milliseconds minus performance.now(), which nobody can set back
let failures = 0;
let asking = false;
let tickTimer, askTimer;

const serverNow = () => performance.now() + offset;

async function measure() {
  const sent = performance.now();
  const response = await fetch(codesUrl, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const received = performance.now();
  if (response.type === "opaqueredirect" || [401, 403, 404].includes(response.status)) return signedOut();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const answer = await response.json();
  if (answer.codes.length === 0) return signedOut();
  return { codes: answer.codes, offset: answer.now - (sent + received) / 2, error: (received - sent) / 2 };
}

function signedOut() {
  location.assign(login);
  return new Promise(() => {}); // nothing more happens on this page
}

async function ask(measurements) {
  if (asking) return;
  asking = true;
  clearTimeout(askTimer);
  try {
    let best = await measure();
    for (let i = 1; i < measurements; i++) {
      const next = await measure();
      if (next.error < best.error) best = next;
    }
    held = best.codes;
    // An offset within the new one's margin of error is as good as it, and may be better.
    if (offset === null || measurements > 1 || Math.abs(offset - best.offset) > best.error) offset = best.offset;
    failures = 0;
    news.textContent = "";
    const nextStep = held[0].until - serverNow();
    askTimer = setTimeout(ask, Math.max(0, nextStep) + 1_000 + Math.random() * ASK_WITHIN, 1);
  } catch {
    failures += 1;
    news.textContent = offline;
    askTimer = setTimeout(ask, RETRIES[Math.min(failures, RETRIES.length) - 1], offset === null ? FIRST_MEASUREMENTS : 1);
  } finally {
    asking = false;
    tick();
  }
}

function tick() {
  clearTimeout(tickTimer);
  if (offset === null) return;
  const now = serverNow();
  const current = held.find((each) => each.from <= now && now < each.until);
  card.classList.toggle("expired", !current);
  if (!current) return;
  if (current.digits !== shown?.digits) show(current);
  const left = current.until - now;
  const seconds = Math.ceil(left / 1_000);
  countdownText.textContent = countdownWords.replace("{seconds}", seconds);
  countdownBar.style.transform = `scaleX(${((seconds - 1) * 1_000) / (current.until - current.from)})`;
  countdown.hidden = false;
  tickTimer = setTimeout(tick, left - (seconds - 1) * 1_000);
}

function show(current) {
  draw(code, current.svg);
  draw(barcode, current.barcode);
  digits.textContent = current.digits;
  shown = current;
}

function draw(place, svg) {
  const picture = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  place.replaceChildren(document.importNode(picture, true));
}

let wakeLock = null;

async function stayAwake() {
  if (document.visibilityState !== "visible" || (wakeLock && !wakeLock.released)) return;
  try {
    wakeLock = (await navigator.wakeLock?.request("screen")) ?? null;
  } catch {
    // The phone saves its battery: the card works all the same.
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  tick();
  ask(FIRST_MEASUREMENTS);
  stayAwake();
});
addEventListener("online", () => ask(1));

ask(FIRST_MEASUREMENTS);
stayAwake();
