import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { keepsPages, readCards } from "../../app/static/js/card/store.js";

const clock = { setTimeout: globalThis.setTimeout };

// Patience passes at once, so that a test need not have any.
const hurry = () => (globalThis.setTimeout = (work) => clock.setTimeout(work, 0));
afterEach(() => (globalThis.setTimeout = clock.setTimeout));

const setNavigator = (value) => Object.defineProperty(globalThis, "navigator", { value, configurable: true });

test("a database that never opens is given up, and closed if it opens later", async () => {
  hurry();
  let closed = false;
  const opening = {};
  globalThis.indexedDB = { open: () => opening };
  await assert.rejects(readCards(), /does not answer/);
  opening.result = { close: () => (closed = true) };
  opening.onsuccess();
  await new Promise((resolve) => clock.setTimeout(resolve, 5));
  assert.ok(closed);
});

test("a database that opens and never answers is given up and closed", async () => {
  hurry();
  let closed = false;
  const opening = { result: { transaction: () => ({ objectStore: () => ({ getAll: () => ({}) }) }), close: () => (closed = true) } };
  globalThis.indexedDB = { open: () => (queueMicrotask(() => opening.onsuccess()), opening) };
  await assert.rejects(readCards(), /does not answer/);
  assert.ok(closed);
});

test("pages are promised only where the service worker says that it has them all", async () => {
  for (const [answer, kept] of [[true, true], [false, false], [undefined, false]]) {
    const active = { postMessage: (_words, [port]) => port.postMessage(answer) };
    setNavigator({ serviceWorker: { ready: Promise.resolve({ active }) } });
    assert.equal(await keepsPages(), kept);
  }
});

test("a service worker that does not answer promises nothing", async () => {
  hurry();
  setNavigator({ serviceWorker: { ready: new Promise(() => {}) } });
  assert.equal(await keepsPages(), false);
});
