// Keeps the card page and what it needs, so that the card opens without a network. Nothing else is ever stored: no
// loans, no personal page, no answer to anybody's question. It also shows notifications, whose words are here already.
// In front of this stand VERSION, CARD, SHELL, OFFLINE, FILES, ICON, LANG, WORDS, PAGES, RENEW and STATE.

const CACHE = `lanekort-${VERSION}`;
const PATIENCE = 2_000;

addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => skipWaiting()));
});

// A page asks whether all is there (store.js).
addEventListener("message", (event) => {
  const filled = fill().then(() => true, () => false);
  event.waitUntil(filled.then((complete) => event.ports[0].postMessage(complete)));
});

// Fetches what is missing: everything at first, later what the browser cleared away when space was short.
async function fill() {
  const cache = await caches.open(CACHE);
  const found = await Promise.all([...FILES, SHELL, OFFLINE].map((address) => cache.match(address)));
  // A file's address changes with its content, so what the browser has already need not come again.
  await cache.addAll(FILES.filter((_, place) => !found[place]));
  const pages = [SHELL, OFFLINE].filter((_, place) => !found[FILES.length + place]);
  await cache.addAll(pages.map((page) => new Request(page, { cache: "no-cache" })));
}

addEventListener("activate", (event) => {
  event.waitUntil(deleteOlder().then(() => clients.claim()));
});

async function deleteOlder() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("lanekort-") && name !== CACHE).map((name) => caches.delete(name)));
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === SHELL && !url.search) event.respondWith(kept(SHELL, event));
    else if (url.pathname === CARD && !url.search) event.respondWith(openCard(event));
    else event.respondWith(fetch(request).catch(() => kept(OFFLINE, event)));
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(kept(url.pathname, event));
  }
});

async function kept(address, event) {
  const found = await caches.match(address, { cacheName: CACHE });
  if (found) return found;
  // After logging out, when no card is kept any more, no page comes back either.
  event.waitUntil(holdsCard().then((holds) => holds && fill()).catch(() => {}));
  return fetch(event.request);
}

// A phone that keeps a card shows it at once, whatever the network is like; the page then asks whether all is well.
async function openCard(event) {
  if (await holdsCard().catch(() => false)) return kept(SHELL, event);
  return fetch(event.request).catch(() => kept(OFFLINE, event));
}

function holdsCard() {
  return new Promise((answer) => {
    // Some iPhones' databases never answer: then the network is asked.
    setTimeout(() => answer(false), PATIENCE);
    const opening = indexedDB.open("lanekort");
    // Looking must not leave an empty database behind.
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onerror = () => answer(false);
    opening.onsuccess = () => {
      const database = opening.result;
      const count = database.transaction("cards").objectStore("cards").count();
      count.onsuccess = () => answer(count.result > 0);
      count.onerror = () => answer(false);
      // It closes when the question is answered; an open database cannot be deleted.
      database.close();
    };
  });
}

// What comes is the kind of a notification and the language that its reader chose: what it says, and which page it opens,
// is written here.
addEventListener("push", (event) => {
  const told = read(event.data);
  const kind = Object.hasOwn(PAGES, told.kind) ? told.kind : "other";
  const lang = Object.hasOwn(WORDS, told.lang) ? told.lang : LANG;
  const shown = { body: WORDS[lang][kind], lang, tag: kind, icon: ICON, data: { kind } };
  event.waitUntil(registration.showNotification("Lånekort", shown));
});

function read(data) {
  try {
    return data.json() ?? {};
  } catch {
    return {};
  }
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow(PAGES[event.notification.data.kind]));
});

// The push service has given this browser another address: whoever is signed in here is still to be reached. The portal
// knows them by the cookie that the browser keeps. Nothing is switched on again that was off.
addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renew(event));
});

async function renew({ newSubscription }) {
  const { push } = await (await fetch(STATE)).json();
  if (!push) return;
  const options = { userVisibleOnly: true, applicationServerKey: push.key };
  const subscription = newSubscription ?? (await registration.pushManager.subscribe(options));
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams({ endpoint, ...keys });
  const answer = await fetch(RENEW, { method: "POST", headers: { "X-CSRFToken": push.token }, body });
  if (answer.status === 409 || answer.status === 404) await subscription.unsubscribe();
}
