// Makes what the phone keeps agree with what the register says: throws away what was revoked, agrees on keys for what
// is new or old enough to be renewed. Nothing is thrown away unless the register itself says so.

import { ask, within } from "./clock.js";
import { agree } from "./keys.js";
import { canKeep, readCards, removeCard, saveCard, wipe } from "./store.js";

const LOCK_PATIENCE = 10_000;

// Answers { state, cards }: what the register says, and the cards that are kept then. Throws without a network.
export function sync(urls) {
  // Two windows must not agree on two keys for one card.
  if (!navigator.locks) return reconcile(urls);
  // A window that the phone has stopped may hold the lock for ever.
  return navigator.locks.request("lanekort", { signal: within(LOCK_PATIENCE) }, () => reconcile(urls));
}

async function reconcile(urls) {
  const { answer: state, ...measured } = await ask(urls.state);
  const kept = await readCards().catch(() => null);
  if (!state.keeps) {
    if (kept?.length) await wipe();
    return { state, measured, cards: [] };
  }
  if (!kept?.length && !(await canKeep())) return { state, measured, cards: [] };
  const held = await throwAwayRevoked(kept, state.cards);
  const cards = [];
  for (const [order, told] of state.cards.entries()) {
    const libraries = order === 0 ? state.libraries.join("\n") : "";
    const about = { name: told.name, number: told.card_number, library: told.home_library, block: told.block, libraries, order };
    const card = await keepCard(held.get(told.card), told, { about, urls, token: state.csrf_token });
    if (card) cards.push(card);
  }
  return { state, measured, cards };
}

async function throwAwayRevoked(kept, told) {
  const held = new Map();
  for (const card of kept) {
    const live = told.find((each) => each.card === card.card)?.keys.some((key) => key.head === card.head);
    if (live) held.set(card.card, card);
    else await removeCard(card.card);
  }
  return held;
}

async function keepCard(held, told, { about, urls, token }) {
  let card = held;
  if (!held || told.keys.find((key) => key.head === held.head).renew) {
    try {
      card = await agree((question) => send(urls.keys, question, token), { card: told.card, former: held?.head });
    } catch {
      // The one that is held still works, and there is another time.
      if (!held) return null;
    }
  }
  const now = { ...card, ...about };
  const same = held && Object.keys(now).every((part) => now[part] === held[part]);
  if (!same) await saveCard(now);
  return now;
}

async function send(url, question, token) {
  const { answer } = await ask(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token, Accept: "application/json" },
    body: JSON.stringify(question),
  });
  return answer;
}
