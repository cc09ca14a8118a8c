// Takes the name of somebody who was served away when its time is over, also where the page is left open or the computer
// has slept. The server says how many seconds are left, so that this computer's clock need not be right.

const EVERY = 1_000;

const ends = new WeakMap();
const names = () => document.querySelectorAll("[data-lasts]");

function note() {
  for (const item of names()) if (!ends.has(item)) ends.set(item, Date.now() + item.dataset.lasts * 1_000);
}

function takeAway() {
  for (const item of names()) {
    if (Date.now() < ends.get(item)) continue;
    const list = item.closest("section");
    item.remove();
    if (!list.querySelector("[data-lasts]")) list.remove();
  }
}

note();
new MutationObserver(note).observe(document.getElementById("main"), { childList: true, subtree: true });
setInterval(takeAway, EVERY);
