// The desk: one scan field on every page, for a scanner that types, a camera, and hands. Nothing that is scanned is lost,
// and nothing is pressed by a scanner.

import { refreshBadges } from "./desk/badges.js";
import { closeKeys, listenForKeys } from "./desk/keys.js";
import * as pages from "./desk/pages.js";
import { noteMoney, printSlip } from "./desk/paper.js";
import { post } from "./desk/post.js";
import { add, again, clear, isOpening, replace, showSections, start, tell, waiting } from "./desk/queue.js";
import "./desk/recent.js";
import { offerSound, play } from "./desk/sound.js";
import "./desk/today.js";
import { listen } from "./desk/wedge.js";

const HIDE_AFTER = 2 * 60_000;

const form = document.getElementById("scan");
const field = form.elements.payload;
const page = () => document.getElementById("page");
const isOfVisit = () => page().hasAttribute("data-visit");

// --- scanning ---

document.addEventListener("scan", ({ detail }) => add(detail));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  add(field.value);
  field.value = "";
});

// What the page says of the patron is shown above the list as well.
function showPatron() {
  noteMoney();
  showSections();
}

const isFinding = () => location.pathname.endsWith("/find");

pages.start(showPatron);
start({
  // `isHere`: nobody has gone to another page since the card was scanned.
  onCard(sign, isHere) {
    if (isHere) form.elements.place.value = "";
    if (isHere && isFinding() && sign !== "refused") page().replaceChildren();
    // What stands here is about the patron before, and so is what was said of an act.
    if (isOfVisit()) page().replaceChildren();
    for (const said of document.querySelectorAll("#main > .ds-alert")) said.remove();
    document.dispatchEvent(new CustomEvent("outcome", { detail: sign }));
  },
  onIdle() {
    // A card that was scanned among the returns began a visit, and nobody has asked for the returns since.
    const lends = location.pathname.endsWith("/returns") && form.elements.place.value === "";
    const leaves = lends || page().childElementCount === 0;
    if (pages.isLending()) pages.refresh();
    else if (leaves && pages.asked() === location.pathname) pages.go(pages.lending);
    refreshBadges();
  },
});
showPatron();
listen((text) => {
  closeKeys();
  add(text);
});

// --- the lines' own buttons ---

document.addEventListener("click", ({ target }) => {
  const line = target.closest?.(".line");
  if (line && target.closest("[data-again]")) again(line.dataset.key);
  if (line && target.closest("[data-slip]")) {
    printSlip(line);
    field.focus();
  }
});

document.addEventListener("submit", async (event) => {
  const act = event.target.closest("[data-act]");
  const line = act?.closest("[data-key]");
  if (!line) return;
  event.preventDefault();
  const button = act.querySelector("button");
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  const response = await post(act.action, { ...Object.fromEntries(new FormData(act)), script: "1" }).catch(() => null);
  button.removeAttribute("aria-busy");
  if (!response?.ok) return tell(document.getElementById("run-news").dataset.silent);
  const answer = await response.json();
  play(answer.sign);
  replace(line.dataset.key, answer.line);
  if (pages.isLending()) pages.refresh();
  field.focus();
});

document.getElementById("run-print").addEventListener("click", () => print());

// --- the end of a visit, also when nobody has touched the page for two minutes ---

const done = document.getElementById("done");
done.addEventListener("submit", (event) => {
  event.preventDefault();
  add("", "end");
  field.focus();
});
for (const out of document.querySelectorAll("form[action$='/logout']")) out.addEventListener("submit", clear);

let timer;
const rest = () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (waiting() > 0) return rest();
    if (!done.hidden) add("", "end");
    else if (isOfVisit()) pages.go(pages.lending);
  }, HIDE_AFTER);
};
for (const use of ["keydown", "pointerdown", "input"]) document.addEventListener(use, rest);
rest();

// --- keys ---

listenForKeys(() => {
  if (!done.hidden || isOpening()) add("", "end");
});

offerSound(document.getElementById("run-sound"));

// --- the field keeps the focus, but for whoever uses something else ---

const isControl = (element) => element?.closest("a, button, input, select, textarea, summary, [tabindex]:not(main)");
document.addEventListener("click", (event) => {
  if (!isControl(event.target) && getSelection().toString() === "" && pages.isLending()) field.focus();
});
field.addEventListener("focus", () => field.select());
