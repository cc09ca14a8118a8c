// The card page as the server draws it. Its codes come from the server; on the patron's own phone a key is kept for each
// card as well. Without this script the page loads itself anew for each code.

import * as clock from "./card/clock.js";
import { Program } from "./card/program.js";
import { readCards } from "./card/store.js";
import { sync } from "./card/sync.js";
import { View } from "./card/view.js";

class LivePage extends Program {
  mayKeep = "keeps" in this.passes.dataset;

  async begin() {
    this.views = [...this.passes.children].map((slot) => {
      const { card } = slot.querySelector(".pass").dataset;
      return new View(slot, document.querySelector(`[data-bars="${card}"]`), this.words);
    });
    this.watchCards();
    // Somebody else's card may be kept in a browser that this patron has only borrowed.
    if (!this.mayKeep && (await readCards().catch(() => [])).length > 0) await sync(this.words).catch(() => {});
  }

  async question() {
    const { answer, ...measured } = await clock.ask(this.words.codes).catch((fault) => this.orSignIn(fault));
    if (answer.codes.length === 0) await this.signIn();
    for (const view of this.views) view.codes = view.id === "own" ? answer.codes : (answer.carried[view.id] ?? []);
    return measured;
  }

  orSignIn(fault) {
    if (fault.response?.type === "opaqueredirect" || [401, 403, 404].includes(fault.response?.status)) return this.signIn();
    throw fault;
  }

  async afterwards() {
    if (this.mayKeep) await this.askWhatIsKept();
  }

  // Cards that the patron may not show any more go from the page.
  take(state) {
    if (!state.keeps) return;
    const gone = this.views.filter((view) => !state.cards.some((card) => card.card === view.id));
    for (const view of gone) view.remove();
    this.views = this.views.filter((view) => !gone.includes(view));
  }

  endLeft() {
    location.replace(this.words.login);
  }
}

new LivePage().start();
