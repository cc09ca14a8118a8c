// The desk's keys. None of them acts while somebody types, and none in the midst of what a scanner types.

const PAUSE = 120; // milliseconds without a key, which a scanner does not leave
const LATE = 50; // milliseconds, which only a busy computer is
const SIGNS_OFF = "desk-no-signs";
const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea";
const TABS = { F2: "returns", F3: "find" };

const field = document.getElementById("payload");
const dialog = document.getElementById("keys");
const signs = document.getElementById("keys-signs");

let typedAt = -Infinity;
let followsSign = false;
let pending;

// Before the scanner's own listener, which keeps its keys to itself.
addEventListener(
  "keydown",
  (event) => {
    clearTimeout(pending);
    followsSign = event.timeStamp - typedAt < PAUSE;
    if (event.key?.length === 1) typedAt = event.timeStamp;
    // A scan is through.
    else if (event.key === "Enter") typedAt = -Infinity;
  },
  { capture: true },
);

// An empty scan field is no place where somebody types yet.
function typedInto() {
  const focused = document.activeElement;
  return focused?.matches(TYPING) && !(focused === field && field.value === "") ? focused : null;
}

// A sign may be the first of a scan: it acts once nothing follows. Of keys that a busy computer is late to tell of, it
// tells before it looks here again.
function press(event, act) {
  if (!signs.checked || event.repeat || followsSign) return;
  event.preventDefault();
  const wait = (due) => {
    pending = setTimeout(() => (performance.now() - due > LATE ? wait(performance.now()) : act()), due - performance.now());
  };
  wait(performance.now() + PAUSE);
}

export function closeKeys() {
  dialog.close();
}

function openTab(tab) {
  closeKeys();
  if (!tab.hasAttribute("aria-current")) tab.click();
  else (document.querySelector("#page [autofocus]") ?? field).focus();
}

// `endVisit` ends the visit, if there is one.
export function listenForKeys(endVisit) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const typed = typedInto();
    if (event.key.length > 1) {
      if (event.shiftKey || followsSign) return;
      const tab = TABS[event.key] && document.querySelector(`nav a[href$="/${TABS[event.key]}"]`);
      if (tab) {
        event.preventDefault();
        openTab(tab);
      } else if (event.key === "Escape" && !dialog.open) {
        // Whoever is typing leaves the field first; the second press ends the visit.
        if (typed && typed.value !== (typed.defaultValue ?? typed.value)) typed.blur();
        else endVisit();
      }
    } else if (!typed && !dialog.open && event.key === "/") press(event, () => field.focus());
    else if (!typed && !dialog.open && event.key === "?") press(event, () => dialog.showModal());
  });
  signs.checked = !localStorage.getItem(SIGNS_OFF);
  signs.addEventListener("change", () => {
    if (signs.checked) localStorage.removeItem(SIGNS_OFF);
    else localStorage.setItem(SIGNS_OFF, "1");
  });
  const button = document.getElementById("run-keys");
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  document.getElementById("keys-close").addEventListener("click", closeKeys);
}
