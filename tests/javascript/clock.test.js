import assert from "node:assert/strict";
import { test } from "node:test";

import * as clock from "../../app/static/js/card/clock.js";

test("of several measurements the one with the shortest way counts", () => {
  const error = 50;
  const offset = Date.now() - performance.now() + 120_000;
  clock.take([{ offset: offset + 4_000, error: 900 }, { offset, error }, { offset: offset - 2_000, error: 700 }]);
  assert.ok(Math.abs(clock.serverNow() - (performance.now() + offset)) < 5);
  assert.ok(Math.abs(clock.phoneIsOffBy() + 120_000) < 50);
});

test("a later measurement within the margin of error changes nothing", () => {
  const before = clock.serverNow() - performance.now();
  clock.take([{ offset: before + 30, error: 200 }]);
  assert.ok(Math.abs(clock.serverNow() - performance.now() - before) < 1);
});

test("without a network the time goes on from what was measured last", () => {
  clock.assume(-5_000);
  assert.ok(clock.isKnown());
  assert.ok(Math.abs(clock.serverNow() - (Date.now() - 5_000)) < 50);
});

test("where a browser has no AbortSignal.timeout a question ends all the same", async () => {
  const native = AbortSignal.timeout;
  delete AbortSignal.timeout;
  try {
    const signal = clock.within(10);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    assert.ok(signal.aborted);
  } finally {
    AbortSignal.timeout = native;
  }
});
