// A card on the page, with the codes it shows. They come from the server (`codes`), or are worked out with the key that
// the phone keeps (`kept`).

import { drawBarcode, drawQr } from "./draw.js";
import { codeAt, STEP } from "./keys.js";

const AHEAD = 3;

// What has not changed is not said again.
export const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

export class View {
  constructor(slot, bars, words) {
    this.slot = slot;
    this.bars = bars;
    this.words = words;
    this.pass = slot.querySelector(".pass");
    this.id = this.pass.dataset.card;
    this.codes = [];
    this.kept = null;
    this.shown = null;
    this.filling = false;
  }

  part(name) {
    return this.slot.querySelector(`[data-part="${name}"]`);
  }

  current(now) {
    return this.codes.find((code) => code.from <= now && now < code.until);
  }

  // Whether the key that the phone keeps has expired.
  isTooOld(now) {
    return Boolean(this.kept) && now >= this.kept.expires;
  }

  // Whether codes are to be worked out now: where the server's are used up.
  needsCodes(now) {
    return Boolean(this.kept) && !this.isTooOld(now) && !this.current(now);
  }

  tick(now, page) {
    if (this.needsCodes(now)) this.fill(now, page);
    const current = this.current(now);
    this.pass.classList.toggle("expired", !current && !this.filling);
    const news = this.isTooOld(now) ? this.words.tooOld : page.offline ? this.words.offline : "";
    setText(this.part("news"), current || this.filling ? "" : news);
    if (!current) return;
    if (current.digits !== this.shown) this.show(current.digits);
    this.countDown(Math.ceil((current.until - now) / 1_000));
  }

  countDown(seconds) {
    const countdown = this.part("countdown");
    countdown.querySelector(".countdown-text").textContent = this.words.countdown.replace("{seconds}", seconds);
    countdown.querySelector(".countdown-bar").style.transform = `scaleX(${((seconds - 1) * 1_000) / STEP})`;
    countdown.hidden = false;
  }

  // Works out the codes of this step and the next ones.
  async fill(now, page) {
    if (this.filling) return;
    this.filling = true;
    const step = Math.floor(now / STEP);
    const kept = this.kept;
    try {
      const codes = await Promise.all(Array.from({ length: AHEAD }, (_, ahead) => codeAt(kept, step + ahead)));
      if (this.kept === kept) this.codes = codes;
    } catch {
      // The next second tries again.
      return;
    } finally {
      this.filling = false;
    }
    if (this.kept === kept) page.tick();
  }

  show(grouped) {
    const digits = grouped.replaceAll(" ", "");
    drawQr(this.part("code"), digits);
    drawBarcode(this.bars.querySelector('[data-part="barcode"]'), digits);
    this.part("digits").textContent = grouped;
    // By this the style sheet knows a new code (card.css).
    this.pass.dataset.turn = this.pass.dataset.turn === "1" ? "0" : "1";
    this.shown = grouped;
  }

  keep(card) {
    this.kept = card ?? null;
  }

  remove() {
    this.slot.remove();
    this.bars.remove();
  }
}

// A card whose codes come from the phone's key alone, and so do name and number.
export class KeptView extends View {
  needsCodes(now) {
    return Boolean(this.kept) && !this.isTooOld(now) && (!this.current(now) || this.codes[this.codes.length - 1] === this.current(now));
  }

  tick(now, page) {
    if (this.isTooOld(now)) this.codes = [];
    super.tick(now, page);
  }

  // A key that was just renewed takes over with its first code.
  keep(card) {
    if (this.kept?.head !== card?.head) this.codes = [];
    super.keep(card);
    if (!card) return;
    this.part("name").textContent = card.name;
    this.part("number").textContent = card.number;
    this.part("library").textContent = card.library;
  }
}
