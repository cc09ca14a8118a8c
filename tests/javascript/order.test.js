// Scans are sent in the order in which they came.

import assert from "node:assert/strict";
import test from "node:test";

import { allOf, nextOf, numberAfter } from "../../app/static/js/desk/order.js";

const scanned = (number, what = {}) => ({ number, state: "waiting", place: "", ...what });

test("what comes later has a greater number, also within one millisecond", () => {
  const run = { lines: [], returned: [] };
  for (const list of ["lines", "lines", "returned", "lines", "returned"]) run[list].push(scanned(numberAfter(allOf(run))));
  assert.deepEqual(allOf(run).map(({ number }) => number), [1, 2, 3, 4, 5]);
});

test("what waits is sent first come, first served", () => {
  const run = { lines: [scanned(1, { state: "done" }), scanned(2), scanned(4)], returned: [scanned(3, { place: "return" })] };
  assert.equal(nextOf(run).number, 2);
});

test("a card that failed holds back what was scanned after it, and no return", () => {
  const card = scanned(1, { isCard: true, state: "failed", passed: true, at: 0 });
  const run = { lines: [card, scanned(2)], returned: [scanned(3, { place: "return" })] };
  assert.equal(nextOf(run).number, 3);
});
