// What a phone keeps so that the card works without a network: for each card its key, which cannot be taken out, and
// the holder's name, card number and home library; and how wrong the phone's clock is. `wipe` leaves nothing of it.

const NAME = "lanekort";
const [CARDS, FACTS] = ["cards", "facts"];
const CLOCK = "clock";
const PATIENCE = 2_000;
const INSTALL_PATIENCE = 10_000;

let closed = false;

// From here on this window keeps nothing more, whatever it is in the middle of.
export function close() {
  closed = true;
}

// Opens what is there. Without `make` it answers null where there is nothing, and leaves nothing behind.
function open(make) {
  if (make && closed) return Promise.reject(new Error("left"));
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(NAME, 1);
    let missing = false;
    opening.onupgradeneeded = () => {
      missing = !make;
      if (missing) return opening.transaction.abort();
      opening.result.createObjectStore(CARDS, { keyPath: "card" });
      opening.result.createObjectStore(FACTS);
    };
    opening.onerror = () => (missing ? resolve(null) : reject(opening.error));
    opening.onsuccess = () => resolve(opening.result);
  });
}

// Some iPhones' databases never answer.
function inTime(answer) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new DOMException("the database does not answer", "TimeoutError")), PATIENCE);
    answer.then(resolve, reject).finally(() => clearTimeout(late));
  });
}

async function use(store, mode, work, make = false) {
  const opening = open(make);
  const database = await inTime(opening).catch((fault) => {
    opening.then((late) => late?.close(), () => {});
    throw fault;
  });
  if (!database) return undefined;
  try {
    return await inTime(new Promise((resolve, reject) => {
      const transaction = database.transaction(store, mode);
      const request = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    }));
  } finally {
    // Closed each time: an open database cannot be deleted.
    database.close();
  }
}

export async function readCards() {
  const cards = (await use(CARDS, "readonly", (store) => store.getAll())) ?? [];
  return cards.sort((one, other) => one.order - other.order);
}

export const saveCard = (card) => use(CARDS, "readwrite", (store) => store.put(card), true);
export const removeCard = (card) => use(CARDS, "readwrite", (store) => store.delete(card));
export const readClock = () => use(FACTS, "readonly", (store) => store.get(CLOCK));
export const saveClock = (offset) => use(FACTS, "readwrite", (store) => store.put(offset, CLOCK));

// Private windows may have no database, or one that takes no keys.
export async function canKeep() {
  try {
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
    await use(FACTS, "readwrite", (store) => store.put(key, "trial"), true);
    await use(FACTS, "readwrite", (store) => store.delete("trial"));
    return true;
  } catch {
    return false;
  }
}

// Whether the service worker has all that the card needs without a network; it fetches what is missing.
export function keepsPages() {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), INSTALL_PATIENCE);
    navigator.serviceWorker?.ready.then(({ active }) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => {
        clearTimeout(late);
        port1.close();
        resolve(data === true);
      };
      active.postMessage("fill", [port2]);
    });
  });
}

export async function wipe() {
  await Promise.allSettled([deleteDatabase(), deleteCaches(), unregister()]);
}

function deleteDatabase() {
  return new Promise((resolve) => {
    const deleting = indexedDB.deleteDatabase(NAME);
    deleting.onsuccess = deleting.onerror = deleting.onblocked = resolve;
  });
}

async function deleteCaches() {
  for (const name of await caches.keys()) await caches.delete(name);
}

async function unregister() {
  for (const registration of (await navigator.serviceWorker?.getRegistrations()) ?? []) await registration.unregister();
}
