// Recognises a scanner that types, wherever the focus is: several signs, faster than anybody types, and perhaps Enter.
// What it typed into a field is taken out again, and its Enter presses nothing. Times are those at which the keys were
// pressed (event.timeStamp): on a busy computer a script hears of them late, all at once.

const LEAST = 4; // signs
const NUMBER = { apart: 70, halt: 120 }; // milliseconds between most signs, and between any two but a few
const WORD = { least: 6, apart: 30, halt: 120 }; // words are typed faster than numbers
const ELSEWHERE = { apart: 150, halt: 300 }; // on a button, say, a number means nothing: a slow scanner is known as well
const SCAN_FIELD = { apart: 100, halt: 300 }; // a number in it is a scan, but hands may type it in parts
const PAUSE = 230; // a computer may halt for so long within a scan; a scanner halts longer between two
const LONGEST = 600; // Enter may come, and what is no scan yet may become one, for so long
const GOES_ON = 2_500; // a card's code that has begun may go on for so long
const LATEST = 1_000; // a busy computer tells of a key so much later
const LEFT = "desk-typed"; // where the signs are kept from one page to the next
const LONGEST_WAY = 10_000; // that a page may take to come
const MOST = 60; // signs of somebody who types and types

const TEXT = "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select";
const BEGUN = /^(N\d{2,8}|921\d{0,20}|922\d{0,12})$/i;

let signs = [];
let timer = null;
let endedAt = -Infinity;

const text = (some) => some.map(({ sign }) => sign).join("");
const isText = (element) => element?.matches?.(TEXT) ?? false;
const isSelect = (element) => element?.tagName === "SELECT";

const kindOf = (element) => (!isText(element) ? ELSEWHERE : element.name === "payload" ? SCAN_FIELD : NUMBER);

function isBurst(some, numbers = kindOf(some.at(-1)?.element)) {
  if (some.length < LEAST) return false;
  const digits = some.filter(({ sign }) => /\d/.test(sign)).length;
  const kind = digits * 2 < some.length ? WORD : numbers;
  if (some.length < (kind.least ?? LEAST)) return false;
  const gaps = some.slice(1).map(({ at }, place) => at - some[place].at);
  // That a busy computer halts once makes nobody of a scanner.
  const halts = gaps.filter((gap) => gap > kind.halt).length;
  return gaps.sort((one, other) => one - other)[gaps.length >> 1] <= kind.apart && halts <= Math.max(1, gaps.length / 3);
}

// Into a field somebody may have typed the sign before: a scan begins with two signs that are close together.
const begins = (from) => kindOf(signs[from].element) !== NUMBER || signs[from + 1].at - signs[from].at <= NUMBER.apart;

// The scan among what was typed last: somebody may have typed by hand before.
function burst() {
  for (let from = 0; from <= signs.length - LEAST; from += 1) {
    if (!signs[from].was || !begins(from) || !isBurst(signs.slice(from))) continue;
    // In the scan field what stands before belongs to it: the computer was busy.
    const isWhole = signs[from].element?.name === "payload" && isBurst(signs, ELSEWHERE);
    return isWhole ? signs : signs.slice(from);
  }
  return null;
}

// A card's code, of which hands would not have typed the beginning so fast.
function isBegun(some) {
  const begins = some.slice(1, 3).every(({ at }, place) => at - some[place].at <= ELSEWHERE.apart);
  return BEGUN.test(text(some)) && begins;
}

// Within what was typed, and before its Enter.
const longestPause = (some, otherwise = LONGEST) => (isBegun(some) ? GOES_ON : otherwise);

function look(element) {
  if (!isText(element)) return {};
  const { value, selectionStart, selectionEnd } = element;
  return { value, selectionStart, selectionEnd };
}

// A page that was drawn anew meanwhile has another field in its place.
const nowOf = (field) => (field.isConnected ? field : (document.getElementById(field.id) ?? field));

function undoTyping(scanned) {
  const fields = new Set();
  for (const { element: field, was } of scanned) {
    const element = nowOf(field);
    if (was?.value === undefined || fields.has(element)) continue;
    fields.add(element);
    // A date of which a part stands there has no value.
    if (element.value === was.value && !element.validity?.badInput) continue;
    element.value = was.value;
    if (was.selectionStart != null) element.setSelectionRange(was.selectionStart, was.selectionEnd);
  }
}

function forget() {
  clearTimeout(timer);
  signs = [];
}

function swallow(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

// What a browser does with letters on a closed list, once it is clear that nobody scans.
function choose(select, typed) {
  const options = [...select.options];
  // One letter again and again goes from one option to the next.
  const letters = /^(.)\1+$/i.test(typed) ? typed[0] : typed;
  const from = select.selectedIndex + (letters.length === 1 ? 1 : 0);
  const fits = (option) => !option.disabled && option.text.trim().toLowerCase().startsWith(letters.toLowerCase());
  const found = [...options.slice(from), ...options.slice(0, from)].find(fits);
  if (!found || found.selected) return;
  found.selected = true;
  for (const kind of ["input", "change"]) select.dispatchEvent(new Event(kind, { bubbles: true }));
}

// What was typed of a scan when the page was left goes on in the next one. Times are counted from each page's own start.
function leave(typed) {
  const kept = typed.map(({ sign, at }) => ({ sign, at: performance.timeOrigin + at }));
  if (kept.length > 0) sessionStorage.setItem(LEFT, JSON.stringify(kept));
}

function arrive() {
  const kept = JSON.parse(sessionStorage.getItem(LEFT) ?? "[]").map(({ sign, at }) => ({ sign, at: at - performance.timeOrigin }));
  sessionStorage.removeItem(LEFT);
  const isFresh = kept.length > 0 && performance.now() - kept.at(-1).at <= LONGEST_WAY;
  const nothing = { preventDefault() {}, stopImmediatePropagation() {} };
  return isFresh ? kept.map(({ sign: key, at: timeStamp }) => ({ key, timeStamp, element: document.body, ...nothing })) : [];
}

export function listen(take) {
  function end(scanned, at) {
    undoTyping(scanned);
    endedAt = at;
    forget();
    take(text(scanned));
  }

  // No further sign has come. Of keys that the computer is late to tell of, it tells before it looks here again. What is
  // no scan is kept: a key that is told of later still may have been pressed in time.
  function rest(due) {
    const scanned = burst();
    if (performance.now() - due > 50) timer = setTimeout(() => rest(performance.now()), 30);
    else if (scanned) end(scanned, scanned.at(-1).at);
    else if (isSelect(signs[0]?.element)) choose(signs[0].element, text(signs));
  }

  function wait(scanned) {
    clearTimeout(timer);
    const short = scanned || isSelect(signs[0].element) ? PAUSE : LONGEST;
    // As late as this key was told of may the next one be.
    const late = Math.min(Math.max(performance.now() - signs.at(-1).at, 0), LATEST);
    const pause = late + longestPause(scanned ?? signs, short);
    timer = setTimeout(rest, pause, performance.now() + pause);
  }

  // The end of a scan that was taken for whole before the computer told of the rest.
  const isRestOfScan = (at) =>
    signs.length === 0 ? at - endedAt <= LONGEST : signs[0].at - endedAt <= PAUSE && at - signs.at(-1).at <= LONGEST;

  function enter(event, pause) {
    const before = burst();
    const scanned = pause <= longestPause(before ?? signs) && before;
    if (scanned) {
      swallow(event);
      end(scanned, event.timeStamp);
    } else if (event.key === "Enter" && isRestOfScan(event.timeStamp)) {
      swallow(event);
      undoTyping(signs);
      forget();
    } else {
      forget();
      // It was held back, and somebody pressed it.
      if (event.element?.form && event.element.type !== "button") event.element.form.requestSubmit();
      else event.element?.click();
    }
  }

  function keydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { key, timeStamp: at, element = document.activeElement } = event;
    const pause = signs.length > 0 ? at - signs.at(-1).at : Infinity;
    if (key === "Enter" || key === "Tab") return enter(event, pause);
    const before = burst();
    // A key of the desk comes after the scan that has no Enter. Shift alone is part of a scanner's capital letters.
    if (/^(Escape|F\d+)$/.test(key) && before) end(before, before.at(-1).at);
    if (key.length !== 1) return;
    if (before && pause > longestPause(before, PAUSE)) end(before, before.at(-1).at);
    else if (event.repeat || pause > longestPause(before ?? signs) || (!before && signs.length >= MOST)) forget();
    if (event.repeat) return;
    // A page that comes in between may take the focus.
    const isNew = pause > NUMBER.apart || signs.at(-1)?.element !== element;
    signs.push({ sign: key, at, element, was: isNew ? (event.was ?? look(element)) : null });
    const scanned = burst();
    wait(scanned);
    if (scanned) undoTyping(scanned);
    // A blank within a scan would press a button.
    if (scanned || isSelect(element) || (key === " " && pause <= ELSEWHERE.apart && !isText(element))) swallow(event);
  }

  addEventListener("keydown", keydown, { capture: true });
  // A scan that stands here has not been taken yet; what is none is left only while it may become one.
  const isNew = () => signs.length > 0 && performance.now() - signs.at(-1).at <= longestPause(signs);
  addEventListener("pagehide", () => leave(burst() || isNew() ? signs : []));
  for (const event of [...arrive(), ...takeEarlyKeys()]) keydown(event);
}
