// What was returned today at this desk: counted, printed, emptied by hand, and gone when the library closes, or else at
// midnight. What has no answer yet stays.

import { printReturns } from "./paper.js";
import { change, current, showSections } from "./queue.js";

const LOOK_EVERY = 15_000; // milliseconds

const list = document.getElementById("return-lines");

// The desk's own clock is the library's.
function findEnd() {
  const closes = document.querySelector("[data-closes]")?.dataset.closes ?? "24:00";
  const [hours, minutes] = closes.split(":");
  const end = new Date().setHours(Number(hours), Number(minutes), 0, 0);
  return end > Date.now() ? end : new Date().setHours(24, 0, 0, 0);
}

function empty() {
  for (const item of list.querySelectorAll(".line[data-state=done], .line[data-state=refused]")) item.remove();
  change({ returned: current().returned.filter(({ state }) => state === "waiting" || state === "failed"), end: 0 });
  showSections();
}

function look() {
  const { returned, end } = current();
  document.getElementById("return-count").textContent = list.querySelectorAll("[data-returned]").length;
  if (returned.length > 0 && !end) change({ end: findEnd() });
  else if (end && Date.now() >= end) empty();
}

new MutationObserver(look).observe(list, { childList: true });
document.addEventListener("visibilitychange", look);
setInterval(look, LOOK_EVERY);
document.getElementById("return-empty").addEventListener("click", empty);
document
  .getElementById("return-print")
  .addEventListener("click", () => printReturns([...list.querySelectorAll("[data-returned]")].reverse()));
look();

// What was scanned last is what somebody holds in the hand, seeing that it is destroyed.
function fillIn({ target }) {
  const field = target.id === "lost" && target.open && target.querySelector("#lost-barcode");
  if (field && field.value === "") field.value = list.querySelector(".line-code")?.textContent ?? "";
}
document.addEventListener("toggle", fillIn, { capture: true });
