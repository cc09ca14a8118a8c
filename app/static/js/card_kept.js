// The card page that the phone keeps: it holds nothing about anybody, and is filled with the cards that are in the
// phone's own store, so that it works without a network.

import * as clock from "./card/clock.js";
import { STEP } from "./card/keys.js";
import { leaveHere } from "./card/leaving.js";
import { find, Program } from "./card/program.js";
import { readCards, readClock } from "./card/store.js";
import { KeptView } from "./card/view.js";

class KeptPage extends Program {
  // A card that the phone shows by itself needs the server only to hear that it was revoked.
  patience = STEP;

  async begin() {
    find("leave").addEventListener("click", () => this.leave());
    const cards = await readCards().catch((fault) => {
      this.storeIsSilent = fault.name === "TimeoutError";
      return [];
    });
    if (cards.length === 0) return;
    clock.assume(await readClock().catch(() => 0));
    this.checkPages(navigator.serviceWorker?.controller);
    find("leave").hidden = false;
    this.showKept(cards);
    this.endWaiting();
  }

  question() {
    return this.askWhatIsKept();
  }

  async take(state, cards) {
    // With a query the service worker does not bring this page again.
    const live = this.storeIsSilent ? `${this.words.cardPage}?live` : this.words.cardPage;
    if (state.signed_in && cards.length === 0) await this.goTo(live);
    find("leave").hidden = !state.signed_in;
  }

  place(cards) {
    const ids = cards.map((card) => card.card);
    if (this.views.map((view) => view.id).join() !== ids.join()) this.rebuild(ids);
    this.nameCards(cards);
  }

  rebuild(ids) {
    for (const view of this.views) view.remove();
    this.views = ids.map((id, index) => {
      const which = index === 0 ? "first" : "next";
      const slot = document.createElement("div");
      slot.className = "pass-slot";
      slot.id = `pass-${id}`;
      slot.append(find(`${which}-pass`).content.cloneNode(true));
      slot.querySelector(".pass").dataset.card = id;
      this.passes.append(slot);
      const fold = find(`${which}-bars`).content.cloneNode(true).firstElementChild;
      find("folds").insertBefore(fold, find("folds").querySelector(":scope > :not([data-bars])"));
      return new KeptView(slot, fold, this.words);
    });
  }

  nameCards(cards) {
    const libraries = cards[0]?.libraries.split("\n") ?? [];
    for (const notice of document.querySelectorAll("[data-block]")) notice.hidden = notice.dataset.block !== cards[0]?.block;
    find("valid").hidden = libraries.length === 0;
    find("libraries").replaceChildren(...libraries.map((name) => Object.assign(document.createElement("li"), { textContent: name })));
    find("pass-links").hidden = cards.length < 2;
    find("pass-links").querySelector("ul").replaceChildren(...cards.map(linkTo));
    for (const [index, view] of this.views.entries()) {
      const { name } = cards[index];
      view.bars.querySelector('[data-part="whose"]').textContent = index > 0 ? `: ${name}` : "";
      view.pass.setAttribute("aria-label", `${document.title.split(" – ")[0]} ${name}`);
    }
    this.watchCards();
  }

  showNews() {
    super.showNews();
    if (this.left) return;
    find("no-card").hidden = this.keepsCards;
    this.endWaiting();
  }

  async leave() {
    await leaveHere();
    if (await this.notifyServer()) location.replace(this.words.start);
  }

  showLeft() {
    super.showLeft();
    find("no-card-words").hidden = true;
    find("no-card").hidden = false;
    this.endWaiting();
  }

  endLeft() {}

  endWaiting() {
    document.querySelector("main").classList.remove("waiting");
  }
}

function linkTo(card) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.className = "pass-link";
  link.href = `#pass-${card.card}`;
  link.textContent = card.name;
  item.append(link);
  return item;
}

new KeptPage().start();
