// Makes what the phone keeps agree with what the register says: deletes what was revoked, agrees on keys for what
// is new or old enough to be renewed. Nothing is deleted unless the register itself says so.

import { ask, within } from "./clock.js";
import { agree } from "./keys.js";
import { canKeep, readCards, removeCard, saveCard, wipe } from "./store.js";

const LOCK_PATIENCE = 10_000;

// Answers { state, cards }: what the register says, and the cards that are kept then. Throws without a network.
export function sync(urls) {
  // Two windows must not agree on two keys for one card.
  if (!navigator.locks) return reconcile(urls);
  // A window that was stopped may have the lock for ever.
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
  const valid = await deleteRevoked(kept, state.cards);
  const cards = [];
  for (const [order, listed] of state.cards.entries()) {
    const libraries = order === 0 ? state.libraries.join("\n") : "";
    const about = { name: listed.name, number: listed.card_number, library: listed.home_library, block: listed.block, libraries, order };
    const card = await keepCard(valid.get(listed.card), listed, { about, urls, token: state.csrf_token });
    if (card) cards.push(card);
  }
  return { state, measured, cards };
}

async function deleteRevoked(kept, listed) {
  const valid = new Map();
  for (const card of kept) {
    const live = listed.find((each) => each.card === card.card)?.keys.some((key) => key.head === card.head);
    if (live) valid.set(card.card, card);
    else await removeCard(card.card);
  }
  return valid;
}

async function keepCard(former, listed, { about, urls, token }) {
  let card = former;
  if (!former || listed.keys.find((key) => key.head === former.head).renew) {
    try {
      card = await agree((question) => send(urls.keys, question, token), { card: listed.card, former: former?.head });
    } catch {
      // The former key still works, and there is another time.
      if (!former) return null;
    }
  }
  const now = { ...card, ...about };
  const same = former && Object.keys(now).every((part) => now[part] === former[part]);
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
