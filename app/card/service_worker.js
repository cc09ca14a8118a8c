// Keeps the card page and what it needs, so that the card opens without a network. Nothing else is ever stored: no
// loans, no personal page, no answer to anybody's question. In front of this stand VERSION, CARD, SHELL, OFFLINE, FILES.

const CACHE = `lanekort-${VERSION}`;

addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => skipWaiting()));
});

async function keep() {
  const cache = await caches.open(CACHE);
  // A file's address changes with its content, so what the browser has already need not come again.
  await cache.addAll(FILES);
  await cache.addAll([SHELL, OFFLINE].map((page) => new Request(page, { cache: "no-cache" })));
}

addEventListener("activate", (event) => {
  event.waitUntil(throwAwayOlder().then(() => clients.claim()));
});

async function throwAwayOlder() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("lanekort-") && name !== CACHE).map((name) => caches.delete(name)));
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === SHELL && !url.search) event.respondWith(kept(SHELL, request));
    else if (url.pathname === CARD && !url.search) event.respondWith(openCard(request));
    else event.respondWith(fetch(request).catch(() => kept(OFFLINE, request)));
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(kept(url.pathname, request));
  }
});

async function kept(address, request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(address)) ?? fetch(request);
}

// A phone that keeps a card shows it at once, whatever the network is like; the page then asks whether all is well.
async function openCard(request) {
  if (await holdsCard()) return kept(SHELL, request);
  return fetch(request).catch(() => kept(OFFLINE, request));
}

function holdsCard() {
  return new Promise((answer) => {
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
