// At signing out, what the phone keeps goes first, also in a browser that does not know Clear-Site-Data.

import { wipe } from "./card/store.js";

const PATIENCE = 2_000;

for (const form of document.querySelectorAll("form[data-leave]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    Promise.race([wipe(), patience]).then(() => form.submit());
  });
}
