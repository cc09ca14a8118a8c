import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import vm from "node:vm";

const PROGRAM = readFileSync(new URL("../../app/card/service_worker.js", import.meta.url), "utf8");
const HEAD = `const VERSION = "1"; const CARD = "/card"; const SHELL = "/card/app"; const OFFLINE = "/offline";
const FILES = ["/static/a.js", "/static/b.css"];`;
const ALL = ["/static/a.js", "/static/b.css", "/card/app", "/offline"];

const addressOf = (what) => (typeof what === "string" ? what : what.url);

// A cache that holds what it is given. Without a network nothing can be added.
class Cache extends Map {
  async match(address) {
    return this.get(address);
  }

  async addAll(requests) {
    for (const request of requests) this.set(addressOf(request), await worker.fetch(addressOf(request)));
  }
}

let worker, cache, handlers, online, card;
beforeEach(() => {
  [cache, handlers, online, card] = [new Cache(), {}, true, 0];
  worker = {
    addEventListener: (name, handler) => (handlers[name] = handler),
    caches: { open: async () => cache, match: async (address) => cache.get(address), keys: async () => [] },
    fetch: async (request) => (online ? `network ${addressOf(request)}` : Promise.reject(new Error("offline"))),
    indexedDB: { open: () => database() },
    Request: class {
      constructor(url) {
        this.url = url;
      }
    },
    location: { origin: "https://card.example" },
    setTimeout: (work) => setTimeout(work, 20), // patience passes sooner than in a phone
    URL,
  };
  vm.runInNewContext(HEAD + PROGRAM, worker);
});

// The phone's own database, with so many cards; null: it never answers.
function database() {
  const opening = {};
  const counting = { result: card };
  opening.result = { transaction: () => ({ objectStore: () => ({ count: () => counting }) }), close() {} };
  if (card !== null) setTimeout(() => (opening.onsuccess(), counting.onsuccess()));
  return opening;
}

async function open(path) {
  const waits = [];
  let answer;
  const request = { url: `https://card.example${path}`, method: "GET", mode: "navigate" };
  handlers.fetch({ request, respondWith: (given) => (answer = given), waitUntil: (work) => waits.push(work) });
  const page = await answer;
  await Promise.all(waits);
  return page;
}

async function isFilled() {
  return new Promise((resolve) => handlers.message({ waitUntil() {}, ports: [{ postMessage: resolve }] }));
}

test("a phone that keeps a card opens its own page", async () => {
  card = 1;
  await isFilled();
  online = false;
  assert.equal(await open("/card"), "network /card/app");
});

test("a database that never answers leads to the network", async () => {
  card = null;
  await isFilled();
  assert.equal(await open("/card"), "network https://card.example/card");
});

test("a database that cannot be opened leads to the network", async () => {
  worker.indexedDB.open = () => {
    throw new Error("SecurityError");
  };
  assert.equal(await open("/card"), "network https://card.example/card");
});

for (const gone of ALL) {
  test(`what the browser cleared away is fetched anew: ${gone}`, async () => {
    assert.equal(await isFilled(), true);
    cache.delete(gone);
    assert.equal(await isFilled(), true);
    assert.deepEqual([...cache.keys()].sort(), [...ALL].sort());
  });
}

test("a page that is asked for and was cleared away is kept again, and no personal page with it", async () => {
  card = 1;
  assert.equal(await open("/card"), "network https://card.example/card");
  assert.deepEqual([...cache.keys()].sort(), [...ALL].sort());
});

test("after logging out nothing is kept again", async () => {
  assert.equal(await open("/card/app"), "network https://card.example/card/app");
  assert.deepEqual([...cache.keys()], []);
});

test("without a network what is missing is not promised", async () => {
  await isFilled();
  cache.delete("/static/a.js");
  online = false;
  assert.equal(await isFilled(), false);
});
