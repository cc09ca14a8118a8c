// At logging out, what the phone keeps goes first, also in a browser that does not know Clear-Site-Data. Without a network
// the page says what remains to be done, and does it when there is one.

import { finish, finishWhenOnline, isMarked, leaveHere, whenLeft } from "./card/leaving.js";

const page = document.getElementById("leaving").dataset;

async function leave(form) {
  await leaveHere();
  let failed = false;
  await finishWhenOnline(page, () => {
    if (!failed) sayIn(form, `${page.left} ${page.waiting}`);
    failed = true;
  });
  if (failed) sayIn(form, page.left);
  else location.replace(page.start);
}

function sayIn(form, words) {
  form.hidden = true;
  for (const tabs of document.querySelectorAll("header nav, .phone-nav")) tabs.hidden = true;
  const main = document.querySelector("main");
  const said = main.querySelector(".left-words") ?? document.createElement("p");
  said.className = "ds-paragraph left-words";
  said.setAttribute("role", "status");
  if (said.parentNode !== main) main.replaceChildren(said);
  said.textContent = words;
  main.focus();
}

for (const form of document.querySelectorAll("form[data-leave]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    leave(form);
  });
}

whenLeft(async ({ elsewhere, gone }) => {
  await gone;
  const form = document.querySelector("form[data-leave]");
  // A card page has its own way of saying so.
  if (elsewhere && form && !document.getElementById("passes")) sayIn(form, page.left);
});

if (isMarked()) finish(page).catch(() => {}); // the next page tries again
