import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import vm from "node:vm";

const PROGRAM = readFileSync(new URL("../../app/card/service_worker.js", import.meta.url), "utf8");
const HEAD = `const VERSION = "1"; const CARD = "/card"; const SHELL = "/card/app"; const OFFLINE = "/offline";
const FILES = ["/static/a.js", "/static/b.css"]; const ICON = "/icon.png"; const LANG = "nb";
const WORDS = { nb: { due: "Noe skal leveres.", other: "Du har en beskjed." }, sv: { due: "Något ska lämnas.", other: "Du har ett meddelande." } };
const PAGES = { due: "/my/loans", other: "/my" }; const RENEW = "/renew"; const STATE = "/state.json";`;
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

let worker, cache, handlers, online, card, notified, opened;
beforeEach(() => {
  [cache, handlers, online, card] = [new Cache(), {}, true, 0];
  [notified, opened] = [[], []];
  worker = {
    registration: { showNotification: async (title, options) => notified.push({ title, ...options }) },
    clients: { openWindow: async (page) => opened.push(page) },
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
    setTimeout: (work) => setTimeout(work, 200), // patience passes sooner than in a phone, and not on a busy computer
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

function push(text) {
  const data = text === null ? null : { json: () => JSON.parse(text) };
  handlers.push({ data, waitUntil() {} });
  return notified.at(-1);
}

test("a notification says what the worker knows of its kind, and no word of what came", () => {
  const shown = push('{"kind": "due", "title": "Et dukkehjem", "body": "Et dukkehjem"}');
  assert.deepEqual({ ...shown, data: { ...shown.data } }, {
    title: "Lånekort",
    body: "Noe skal leveres.",
    lang: "nb",
    tag: "due",
    icon: "/icon.png",
    data: { kind: "due" },
  });
});

test("whatever else comes is a message, since a browser wants each to be shown", () => {
  for (const text of ['{"kind": "title"}', '{"kind": "toString"}', "[]", "null", "no JSON", "{}", null]) {
    assert.equal(push(text).body, "Du har en beskjed.");
  }
});

test("a touch opens the page of the kind, and closes the notification", () => {
  let closed = false;
  const notification = { data: { kind: "due" }, close: () => (closed = true) };
  handlers.notificationclick({ notification, waitUntil() {} });
  assert.deepEqual([opened, closed], [["/my/loans"], true]);
});

test("a notification is in the language that comes with it, and in the worker's own where it knows no other", () => {
  assert.equal(push('{"kind": "due", "lang": "sv"}').body, "Något ska lämnas.");
  assert.equal(notified.at(-1).lang, "sv");
  for (const lang of ["", "toString", "en"]) assert.equal(push(JSON.stringify({ kind: "due", lang })).lang, "nb");
});

// What the portal tells, and what it answers; returns what was sent to it.
async function renewed(state, status = 200) {
  const sent = [];
  let unsubscribed = false;
  const subscription = {
    toJSON: () => ({ endpoint: "https://push.example/2", keys: { p256dh: "p", auth: "a" } }),
    unsubscribe: async () => (unsubscribed = true),
  };
  worker.registration.pushManager = {
    subscribe: async (options) => {
      sent.push({ ...options });
      return subscription;
    },
  };
  worker.URLSearchParams = URLSearchParams;
  worker.fetch = async (address, options) => {
    if (address === "/state.json") return { json: async () => state };
    sent.push([address, options.method, options.headers["X-CSRFToken"], String(options.body)]);
    return { status };
  };
  let work;
  handlers.pushsubscriptionchange({ waitUntil: (given) => (work = given) });
  await work;
  return { sent, unsubscribed };
}

test("another address is sent in by whoever is signed in", async () => {
  const { sent, unsubscribed } = await renewed({ push: { key: "key", token: "t" } });
  assert.deepEqual(sent, [
    { userVisibleOnly: true, applicationServerKey: "key" },
    ["/renew", "POST", "t", "endpoint=https%3A%2F%2Fpush.example%2F2&p256dh=p&auth=a"],
  ]);
  assert.equal(unsubscribed, false);
});

test("nobody is subscribed who is not signed in, or where notifications are off", async () => {
  assert.deepEqual((await renewed({ push: null })).sent, []);
  assert.equal((await renewed({ push: { key: "key", token: "t" } }, 409)).unsubscribed, true);
});
