// Sends scans one after the other, in the order of scanning, and shows the outcome of each as a line of the running list.
// Each has a key of its own: where an answer is lost it is sent again, and the library's system does it once.

import { isCard, newKey, split } from "./codes.js";
import { draw } from "./lines.js";
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
const isEnd = ({ kind }) => kind === "end";
const opens = (line) => line.isCard || isEnd(line);
const newNumber = () => Date.now() + Math.random();

let run = read();
let busy = false;
let wake = () => {};
let handlers = {};
let outage = 0;

const all = () => [...run.lines, ...run.returned].sort((one, other) => one.number - other.number);
const find = (key) => all().find((line) => line.key === key);
const listOf = (line) => (run.returned.includes(line) ? "returned" : "lines");
const isLatest = (line) => !run.lines.some((other) => opens(other) && other.number > line.number);

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

export function start(given) {
  handlers = given;
  const { user, visit } = form.dataset;
  if (run.user && run.user !== user) disown();
  run.user = user;
  if (visit !== run.visit) {
    // The visit ended elsewhere, or was begun without a script. What was scanned in it still belongs to it.
    for (const line of run.lines) if (isOpen(line) && !opens(line) && !behindCard(line)) line.visit ??= run.visit;
    const lines = run.lines.filter(isOpen);
    run = { ...run, ...NOBODY, visit, lines };
  }
  if (run.visit) run.who ||= nameOnPage();
  write(run);
  for (const line of all()) show(line);
  showSections();
  addEventListener("online", tryNow);
  pump();
}

// Somebody else has signed in: what the one before scanned is done by nobody unasked.
function disown() {
  forget(run);
  run = read();
  for (const line of all()) Object.assign(line, { state: "failed", passed: true, unsent: true, visit: line.visit ?? OVER });
  run.lines = run.lines.filter((line) => !isEnd(line));
}

const behindCard = (line) => run.lines.some((other) => opens(other) && isOpen(other) && other.number < line.number);

export const waiting = () => all().filter(({ state }) => state === "waiting").length;

// A card on the page of returns begins a visit: what follows it is lent.
const place = () => (form.elements.place.value === "return" && !run.lines.some((line) => opens(line) && isOpen(line) && !line.passed) ? "return" : "");

export function add(payload, kind = "scan") {
  if (kind === "end") return put({ payload: "", kind, isCard: false });
  for (const text of split(payload.trim())) if (text !== "") put({ payload: text, kind, isCard: isCard(text) });
}

function put(what) {
  const line = { key: newKey(), number: newNumber(), state: "waiting", tries: 0, at: 0, ...what };
  line.place = opens(line) ? "" : place();
  run[line.place === "return" ? "returned" : "lines"].push(line);
  write(run);
  show(line);
  pump();
}

export function again(key) {
  const line = find(key);
  if (!line || !isOpen(line)) return;
  const group = line.place === "return" ? [line] : withCard(line);
  // What is scanned anew belongs behind what came since.
  const isLate = opens(group[0]) && !isLatest(group[0]);
  if (isLate) run.lines = [...run.lines.filter((each) => !group.includes(each)), ...group];
  for (const each of group) {
    if (opens(group[0])) delete each.visit;
    const number = isLate ? newNumber() : each.number;
    update(each, { state: "waiting", passed: false, unsent: false, tries: 0, at: 0, number });
  }
  tryNow();
}

// A card with what was scanned after it and never sent; anything else alone.
function withCard(line) {
  const { lines } = run;
  const place = lines.indexOf(line);
  let from = place;
  while (line.unsent && from > 0 && !opens(lines[from])) from -= 1;
  if (!opens(lines[from]) || !isOpen(lines[from])) return [line];
  let to = from + 1;
  while (to < lines.length && !opens(lines[to]) && isOpen(lines[to])) to += 1;
  return lines.slice(from, to);
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
  for (let line = next(); line; line = next()) {
    if (line.passed && !isIdle && sent > 0) handlers.onIdle();
    isIdle = line.passed;
    const until = line.at - Date.now();
    if (until > 0) await rest(until);
    else {
      await send(line);
      sent += 1;
    }
  }
  busy = false;
  // Where nothing was sent, the page is as it came.
  if (!isIdle && sent > 0) handlers.onIdle();
}

// The first that waits. A card that failed holds back what was scanned after it; other cards, and returns, go ahead of
// what failed. What failed is tried again meanwhile, but for a card after which another came.
function next() {
  let held = false;
  for (const line of all()) {
    if (opens(line)) held = line.state === "failed" && line.passed;
    else if (held && line.place === "") continue;
    if (isOpen(line) && !line.passed) return line;
  }
  const passed = all().filter((line) => line.passed && isOpen(line) && !line.unsent && (!opens(line) || isLatest(line)));
  return passed.sort((one, other) => one.at - other.at)[0];
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
  if (card) handlers.onCard(sign);
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
