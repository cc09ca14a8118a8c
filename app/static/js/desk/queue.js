// Sends scans one after the other, in the order of scanning, and shows the outcome of each as a line of the running list.
// Each has a key of its own: where an answer is lost it is sent again, and the library's system does it once.

import { isCard, newKey, split } from "./codes.js";
import { draw } from "./lines.js";
import { allOf, isBehindCard, isEnd, isLatest, nextOf, numberAfter, opens, withCard } from "./order.js";
import { asked, visitNow } from "./pages.js";
import { say } from "./say.js";
import { post, SLOWEST } from "./post.js";
import { play } from "./sound.js";
import { forget, isOpen, NOBODY, read, write } from "./store.js";

const RETRIES = [500, 1_000, 2_000, 4_000, 5_000]; // milliseconds until the next try; the last of them from then on
const PATIENCE = 4; // tries of one scan, while others could be answered
const OUTAGE = 8; // tries while nothing can be; then it is said to have failed, and is tried on
const PASSED = 15_000; // milliseconds between tries of what others have gone by
const OVER = "over"; // the mark of no visit

const form = document.getElementById("scan");
const news = document.getElementById("run-news");
const lists = { lines: document.getElementById("lines"), returned: document.getElementById("return-lines") };
const owed = document.getElementById("run-owed");

let run = read();
let busy = false;
let wake = () => {};
let handlers = {};
let outage = 0;

const all = () => allOf(run);
const find = (key) => all().find((line) => line.key === key);
const listOf = (line) => (run.returned.includes(line) ? "returned" : "lines");

// --- lines on the page ---

function show(line) {
  if (isEnd(line)) return;
  const list = lists[listOf(line)];
  const old = list.querySelector(`[data-key="${line.key}"]`);
  if (old) old.replaceWith(draw(line));
  else list.prepend(draw(line));
  showSections();
}

// Shows what came of it, and says it to who does not see it.
function settle(line, what) {
  update(line, what);
  say(lists[listOf(line)].querySelector(`[data-key="${line.key}"]`), { urgent: line.state !== "done" });
}

function update(line, what) {
  Object.assign(line, what);
  write(run);
  show(line);
}

export function showSections() {
  const onReturns = form.elements.place.value === "return";
  document.getElementById("run").hidden = run.lines.every(isEnd) && !run.visit;
  document.getElementById("run-who").textContent = run.who;
  owed.textContent = run.visit ? run.owed : "";
  document.getElementById("returned").hidden = !onReturns || run.returned.length === 0;
  for (const id of ["run-open", "run-print", "done"]) document.getElementById(id).hidden = !run.visit;
}

export const current = () => run;

export function change(fields) {
  Object.assign(run, fields);
  write(run);
  showSections();
}

// Said once, however often it happens again.
export const tell = (text) => news.textContent === text || (news.textContent = text);

// --- what the page does ---

const nameOnPage = () =>
  document.getElementById("run-who").textContent.trim() || document.querySelector("#page .result-name")?.textContent.trim() || "";

export async function start(given) {
  handlers = given;
  const { user } = form.dataset;
  if (run.user && run.user !== user) disown();
  run.user = user;
  const isDoubtful = run.visit !== "" && run.visit !== form.dataset.visit;
  busy = isDoubtful;
  const visit = isDoubtful ? await visitNow() : form.dataset.visit;
  busy = false;
  if (visit !== run.visit) {
    // The visit ended elsewhere, or was begun without a script. What was scanned in it still belongs to it.
    for (const line of run.lines) if (isOpen(line) && !opens(line) && !isBehindCard(line, run.lines)) line.visit ??= run.visit;
    const lines = run.lines.filter(isOpen);
    run = { ...run, ...NOBODY, visit, lines };
  }
  if (run.visit) run.who ||= nameOnPage();
  write(run);
  for (const list of Object.values(lists)) list.replaceChildren();
  for (const line of all()) show(line);
  showSections();
  addEventListener("online", tryNow);
  pump();
  if (isDoubtful) handlers.onIdle();
}

// Somebody else has signed in: what the one before scanned is done by nobody unasked.
function disown() {
  forget(run);
  run = read();
  for (const line of all()) Object.assign(line, { state: "failed", passed: true, unsent: true, visit: line.visit ?? OVER });
  run.lines = run.lines.filter((line) => !isEnd(line));
}

export const waiting = () => all().filter(({ state }) => state === "waiting").length;

// Cards that were scanned and have no answer yet.
const opening = () => run.lines.filter((line) => line.isCard && isOpen(line) && !line.passed);
export const isOpening = () => opening().length > 0;

// A card on the page of returns begins a visit: what follows it there is lent.
const place = () => (opening().some(({ from }) => from === asked()) ? "" : form.elements.place.value);

export function add(payload, kind = "scan") {
  if (kind === "end") return put({ payload: "", kind, isCard: false });
  for (const text of split(payload.trim())) if (text !== "") put({ payload: text, kind, isCard: isCard(text) });
}

function put(what) {
  const line = { key: newKey(), number: numberAfter(all()), state: "waiting", tries: 0, at: 0, ...what };
  line.place = opens(line) ? "" : place();
  if (line.isCard) line.from = asked();
  run[line.place === "return" ? "returned" : "lines"].push(line);
  write(run);
  show(line);
  pump();
}

export function again(key) {
  const line = find(key);
  if (!line || !isOpen(line)) return;
  const group = line.place === "return" ? [line] : withCard(line, run.lines);
  // What is scanned anew belongs behind what came since.
  const isLate = opens(group[0]) && !isLatest(group[0], run.lines);
  if (isLate) run.lines = [...run.lines.filter((each) => !group.includes(each)), ...group];
  for (const each of group) {
    if (opens(group[0])) delete each.visit;
    const number = isLate ? numberAfter(all()) : each.number;
    update(each, { state: "waiting", passed: false, unsent: false, tries: 0, at: 0, number });
  }
  tryNow();
}

export function replace(key, html) {
  const line = find(key);
  if (line) settle(line, { html });
}

// At logging out: what has no answer yet is kept.
export function clear() {
  forget(run);
}

// --- sending ---

function tryNow() {
  for (const line of all()) line.at = 0;
  wake();
  pump();
}

const rest = (milliseconds) =>
  new Promise((done) => {
    wake = done;
    setTimeout(done, milliseconds);
  });

async function pump() {
  wake();
  if (busy) return;
  busy = true;
  let sent = 0;
  let isIdle = false;
  for (let line = nextOf(run); line; line = nextOf(run)) {
    if (line.passed && !isIdle && sent > 0) handlers.onIdle();
    isIdle = line.passed;
    const until = line.at - Date.now();
    // Longer than any pause: the clock was turned back.
    if (until > 0 && until <= PASSED) await rest(until);
    else {
      await send(line);
      sent += 1;
    }
  }
  busy = false;
  // Where nothing was sent, the page is as it came.
  if (!isIdle && sent > 0) handlers.onIdle();
}

async function send(line) {
  if (opens(line)) dropHeld(line);
  else line.visit ??= run.visit;
  write(run);
  const answer = await ask(line).catch(() => null);
  if (answer) {
    outage = 0;
    tell("");
    return isEnd(line) ? ended(line) : answered(line, answer);
  }
  await missed(line);
}

async function missed(line) {
  const reached = await fetch(form.dataset.alive, { cache: "no-store", signal: AbortSignal.timeout?.(SLOWEST) }).then(({ ok }) => ok, () => false);
  outage = reached ? 0 : outage + 1;
  const tries = line.tries + (reached ? 1 : 0);
  const wasFailed = line.state === "failed";
  // While nothing can be answered, nothing goes ahead either.
  const passed = line.passed || tries >= PATIENCE;
  const pause = passed ? PASSED : RETRIES[Math.min(tries + outage, RETRIES.length) - 1];
  update(line, { tries, passed, state: passed || outage >= OUTAGE ? "failed" : "waiting", at: Date.now() + pause });
  if (!reached) tell(news.dataset.offline);
  if (line.state !== "failed" || wasFailed) return;
  settle(line, {});
  play("refused");
}

// What was scanned after a card that failed is not for the patron of the next one.
function dropHeld(card) {
  let held = false;
  for (const line of run.lines) {
    if (line.number >= card.number) break;
    if (opens(line)) held = isOpen(line);
    else if (held && line.state === "waiting") update(line, { state: "failed", passed: true, unsent: true, visit: OVER });
  }
}

async function ask(line) {
  if (isEnd(line)) return (await post(document.getElementById("done").action, {})).ok || null;
  const { payload, key, visit = "" } = line;
  const response = await post(form.dataset.scans, { payload, key, visit, place: line.place });
  // A form that is too old is mended by a new page; what waits is kept.
  if (response.status === 400 && !line.renewed) {
    line.renewed = true;
    write(run);
    location.reload();
    return new Promise(() => {});
  }
  return response.ok ? response.json() : null;
}

function answered(line, { state, sign, card, visit, who, owed: words, line: html }) {
  const isLate = !opens(line) && run.lines.some((other) => opens(other) && !isOpen(other) && other.number > line.number);
  if (card) {
    if (run.who && (run.who !== who || run.visit !== visit)) tell(news.dataset.ended.replace("{name}", run.who));
    dropBefore(line);
    Object.assign(run, { ...NOBODY, visit, who });
  }
  run.owed = words || run.owed;
  // What is late is seen until another patron has gone.
  settle(line, { state, html, passed: false, late: isLate, payload: card ? line.payload.slice(-4) : line.payload });
  play(sign);
  if (card) handlers.onCard(sign, line.from === asked());
}

// The lines of the visit before go with it, but for what is uncertain.
function dropBefore(line) {
  const stays = (each) => each === line || each.number > line.number || isOpen(each) || each.late;
  for (const each of run.lines) if (!stays(each)) lists.lines.querySelector(`[data-key="${each.key}"]`)?.remove();
  run.lines = run.lines.filter(stays);
  for (const each of run.lines) each.late = false;
}

function ended(line) {
  const { who } = run;
  dropBefore(line);
  run.lines = run.lines.filter((each) => each !== line);
  Object.assign(run, NOBODY);
  write(run);
  showSections();
  if (who) tell(news.dataset.ended.replace("{name}", who));
  handlers.onCard("ended");
}
