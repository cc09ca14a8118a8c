import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { makeElement, makeSlot } from "./dom.js";
import { STEP } from "../../app/static/js/card/keys.js";
import { KeptView, View } from "../../app/static/js/card/view.js";

const WORDS = { tooOld: "too old", offline: "no network", countdown: "{seconds} seconds" };
const NOW = 1_000 * STEP + 10_000;
const HEAD = "9211234567890122";

const codeOf = (step, digits = "9211 2345 6789 0122 9428 7082") => ({ digits, from: step * STEP, until: (step + 1) * STEP });

async function makeKey() {
  const secret = new TextEncoder().encode("12345678901234567890");
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
  return { key, head: HEAD, expires: NOW + 90 * 86_400_000, name: "Jonas", number: "N000 100 002", library: "Ullensaker" };
}

// The page that a view belongs to. `ticked` is fulfilled when codes were worked out.
function makePage(offline = false) {
  const page = { offline };
  page.ticked = new Promise((resolve) => (page.tick = resolve));
  return page;
}

let slot, view, page;
beforeEach(() => {
  slot = makeSlot("own");
  view = new View(slot, makeElement(), WORDS);
  page = makePage();
});

test("the server's current code is shown with the seconds that are left", () => {
  view.codes = [codeOf(1_000)];
  view.tick(NOW, page);
  assert.equal(view.part("digits").textContent, "9211 2345 6789 0122 9428 7082");
  assert.equal(view.part("countdown").querySelector(".countdown-text").textContent, "20 seconds");
  assert.equal(view.pass.classList.contains("expired"), false);
});

test("a code whose time is over is marked as expired, and never looks valid", () => {
  view.codes = [codeOf(999)];
  view.tick(NOW, makePage(true));
  assert.equal(view.pass.classList.contains("expired"), true);
  assert.equal(view.part("news").textContent, "no network");
});

test("where the server's codes are used up the phone's key takes over", async () => {
  view.codes = [codeOf(999)];
  view.keep(await makeKey());
  view.tick(NOW, page);
  await page.ticked;
  view.tick(NOW, page);
  assert.ok(view.part("digits").textContent.replaceAll(" ", "").startsWith(HEAD));
  assert.equal(view.pass.classList.contains("expired"), false);
});

test("the live page keeps to the server's codes while there are any", async () => {
  view.codes = [codeOf(1_000)];
  view.keep(await makeKey());
  assert.equal(view.needsCodes(NOW), false);
});

test("a key that has expired works out nothing, and the page says so", async () => {
  view.keep({ ...(await makeKey()), expires: NOW - 1 });
  assert.equal(view.needsCodes(NOW), false);
  view.tick(NOW, page);
  assert.equal(view.part("news").textContent, "too old");
});

test("a kept card works out the next codes before the last one is over", async () => {
  const kept = new KeptView(slot, makeElement(), WORDS);
  kept.keep(await makeKey());
  kept.codes = [codeOf(1_000)];
  assert.equal(kept.needsCodes(NOW), true);
  kept.codes = [codeOf(1_000), codeOf(1_001)];
  assert.equal(kept.needsCodes(NOW), false);
});

test("a renewed key takes over with its first code", async () => {
  const kept = new KeptView(slot, makeElement(), WORDS);
  kept.keep(await makeKey());
  kept.codes = [codeOf(1_000)];
  kept.keep({ ...(await makeKey()), head: "9219999999999991" });
  assert.deepEqual(kept.codes, []);
});

test("a kept card shows name, number and library from the phone's store", async () => {
  const kept = new KeptView(slot, makeElement(), WORDS);
  kept.keep(await makeKey());
  assert.equal(kept.part("name").textContent, "Jonas");
  assert.equal(kept.part("library").textContent, "Ullensaker");
});

test("a code that cannot be worked out leaves the one before marked as expired, and is tried again", async () => {
  view.codes = [codeOf(999)];
  view.keep({ ...(await makeKey()), key: null });
  await view.fill(NOW, page);
  assert.equal(view.filling, false);
  view.needsCodes = () => false;
  view.tick(NOW, page);
  assert.equal(view.pass.classList.contains("expired"), true);
});

test("each code that is shown begins a turn of its own, by which the style sheet knows how old it is", () => {
  view.show("9211 2345 6789 0122 9428 7082");
  const first = view.pass.dataset.turn;
  view.show("9211 2345 6789 0122 9428 7083");
  assert.notEqual(view.pass.dataset.turn, first);
});
