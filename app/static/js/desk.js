// Keeps the scan field ready for a scanner that types.

import "./serving.js";

const SECOND_ENTER = 300;

const form = document.getElementById("scan");
const field = form.querySelector("input:not([type=hidden])");
const button = form.querySelector("button");

// A scanner sends Enter, some send it twice; and an answer that is under way needs no second question.
let submittedAt = -Infinity;
form.addEventListener("submit", (event) => {
  const again = performance.now() - submittedAt < SECOND_ENTER || button.getAttribute("aria-busy") === "true";
  if (again || field.value.trim() === "") {
    event.preventDefault();
    return;
  }
  submittedAt = performance.now();
  button.setAttribute("aria-busy", "true");
});

// After an accepted card, Enter in the empty field opens the patron, unless it is a scanner's second one.
let shownAt = performance.now();
document.addEventListener("result", () => (shownAt = performance.now()));
field.addEventListener("keydown", (event) => {
  const onward = document.getElementById("onward");
  const meant = event.key === "Enter" && !event.repeat && performance.now() - shownAt > SECOND_ENTER;
  if (onward && meant && field.value.trim() === "") onward.click();
});
addEventListener("pageshow", () => button.removeAttribute("aria-busy"));

const isControl = (element) => element?.closest("a, button, input, select, textarea, summary, [tabindex]:not(main)");

document.addEventListener("click", (event) => {
  if (isControl(event.target) || getSelection().toString() !== "") return;
  field.focus();
});
field.addEventListener("focus", () => field.select());
addEventListener("focus", () => {
  if (!isControl(document.activeElement)) field.focus();
});
field.focus();
