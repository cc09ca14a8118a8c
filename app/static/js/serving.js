// A patron's data stays on the screen no longer than needed, and Escape ends the visit.

const HIDE_AFTER = 2 * 60_000;

const done = document.getElementById("done");

let timer;
const wait = () => {
  clearTimeout(timer);
  const result = document.getElementById("result");
  if (!result) return;
  timer = setTimeout(() => {
    result.remove();
    location.replace(result.dataset.next ?? document.getElementById("scan").action);
  }, HIDE_AFTER);
};
// The camera brings a result without a new page (camera.js).
for (const use of ["keydown", "pointerdown", "input", "result"]) document.addEventListener(use, wait);
wait();

// Escape also closes a list or clears a field: the first press leaves the field, the second ends the visit.
const TYPING = "input:not([type=checkbox]), select, textarea";

if (done) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    const field = document.activeElement;
    if (field?.matches(TYPING) && field.value !== "") field.blur();
    else done.querySelector("button").click(); // requestSubmit: from Safari 16 on
  });
}
