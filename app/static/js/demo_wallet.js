// The demonstration's wallet: works the pass's codes out as Google Wallet does (docs/card.md), and draws them.

import { drawQr } from "./card/draw.js";
import { STEP, totp } from "./card/keys.js";

const place = document.getElementById("wallet-pass");
const { head, key, now } = place.dataset;
const ahead = key ? Number(now) - Date.now() : 0;

async function show() {
  let digits = head;
  if (key) {
    const bytes = Uint8Array.from(key.match(/../g), (pair) => Number.parseInt(pair, 16));
    const hmac = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
    const at = Date.now() + ahead;
    digits += await totp(hmac, Math.floor(at / STEP));
    setTimeout(show, STEP - (at % STEP));
  }
  drawQr(place, digits);
  document.getElementById("wallet-digits").textContent = digits.match(/.{4}/g).join(" ");
}

show();
