// What is put on paper: the receipt of the visit, one slip, or the day's returns. It is made the moment it is printed,
// also by Ctrl-P and the browser's menu. Where there is nothing of these, the page itself is printed.

import { change, current } from "./queue.js";

const paper = document.getElementById("paper");
const lineOf = (key) => document.querySelector(`.line[data-key="${key}"]`);
const textOf = (line, part) => line.querySelector(part)?.textContent ?? "";

let wanted = null;

function fill() {
  const run = current();
  const sheet = wanted ?? (run.visit && !document.querySelector(".sheet") ? receiptOf(run) : null);
  if (!sheet) return;
  paper.replaceChildren(sheet);
  document.body.dataset.paper = "";
}

function clear() {
  wanted = null;
  paper.replaceChildren();
  delete document.body.dataset.paper;
}

export function printSlip(line) {
  wanted = line.querySelector(".slip").cloneNode(true);
  print();
}

export function printReturns(lines) {
  wanted = blank();
  for (const line of lines) write(wanted, "returned", textOf(line, ".line-title"), textOf(line, ".line-code"));
  finish(wanted);
  print();
}

function blank() {
  const sheet = document.getElementById("paper-receipt").content.cloneNode(true).firstElementChild;
  const written = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  sheet.querySelector("[data-time]").textContent = written.format(new Date());
  return sheet;
}

// Parts without anything are left out.
function finish(sheet) {
  for (const part of sheet.querySelectorAll("[data-part]")) part.hidden = !part.querySelector("li");
  for (const owed of sheet.querySelectorAll("[data-owed]")) owed.hidden = owed.textContent === "";
}

function receiptOf(run) {
  const sheet = blank();
  for (const who of sheet.querySelectorAll("[data-who]")) who.textContent = run.who;
  for (const { key } of [...run.lines, ...run.returned.filter(({ visit }) => visit === run.visit)]) {
    const line = lineOf(key);
    if (line?.dataset.receipt) write(sheet, line.dataset.receipt, textOf(line, ".line-title"), line.dataset.onReceipt);
  }
  for (const amount of run.paid) write(sheet, "paid", amount, "");
  sheet.querySelector("[data-owed]").textContent = run.owed;
  finish(sheet);
  return sheet;
}

function write(sheet, part, title, words) {
  const list = sheet.querySelector(`[data-part="${part}"] ul`);
  const item = list.querySelector("template").content.cloneNode(true);
  item.querySelector(".receipt-title").textContent = title;
  item.querySelector(".receipt-words").textContent = words;
  list.append(item);
}

// A payment stands on the page once, right after it was made.
export function noteMoney() {
  const run = current();
  const paid = [...document.querySelectorAll("[data-paid]")].map(({ dataset }) => dataset.paid);
  for (const { dataset } of document.querySelectorAll("[data-paid]")) delete dataset.paid;
  const owed = document.getElementById("served")?.dataset.owed;
  if (run.visit) change({ paid: [...run.paid, ...paid], owed: owed ?? run.owed });
}

addEventListener("beforeprint", fill);
addEventListener("afterprint", clear);
matchMedia("print").addEventListener("change", ({ matches }) => (matches ? fill : clear)());
