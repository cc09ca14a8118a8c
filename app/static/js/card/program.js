// What the live card page and the page that the phone keeps have in common: they keep the cards' codes current by the
// server's clock, say what works without a network, and end when somebody logs out.

import * as clock from "./clock.js";
import { STEP } from "./keys.js";
import { offerLarge } from "./large.js";
import { finish, finishWhenOnline, isMarked, leaveHere, whenLeft } from "./leaving.js";
import { keepsPages, saveClock } from "./store.js";
import { sync } from "./sync.js";
import { setText } from "./view.js";

const MEASUREMENTS = 3;
const RETRIES = [1_000, 2_000, 4_000, 8_000, 15_000];
// Phones ask at different moments of the half minute, or all would ask at once.
const ASK_WITHIN = 10_000;
const CLOCK_MAY_BE_OFF_BY = 30_000;

let wakeLock = null;

export const find = (id) => document.getElementById(id);

// Keeps the screen on while the card is shown.
async function stayAwake() {
  if (document.visibilityState !== "visible" || (wakeLock && !wakeLock.released)) return;
  try {
    wakeLock = (await navigator.wakeLock?.request("screen")) ?? null;
  } catch {
    // The phone saves its battery: the card works all the same.
  }
}

function offerToInstall(event) {
  event.preventDefault();
  const button = find("install");
  button.hidden = false;
  button.querySelector("button").onclick = async () => {
    await event.prompt();
    button.hidden = true;
  };
}

// How long to wait after so many questions in a row that were not answered.
export const retryAfter = (failures) => RETRIES[Math.min(failures, RETRIES.length) - 1];

// How long to wait for the next question: into the next step, or `later` milliseconds after it.
export const untilNextQuestion = (now, later = 0) => STEP - (now % STEP) + 1_000 + Math.random() * ASK_WITHIN + later;

// A subclass says how the server is asked (`question`), what follows (`afterwards`), where kept cards are shown
// (`place`), how long it waits for the next question (`patience`), and what it begins and ends with.
export class Program {
  constructor() {
    this.passes = find("passes");
    this.words = find("words").dataset;
    this.views = [];
    this.keepsCards = false;
    this.installed = false;
    this.cannotInstall = false;
    this.left = false;
    this.offline = false;
    this.failures = 0;
    this.asking = false;
  }

  patience = 0;

  async start() {
    document.addEventListener("visibilitychange", () => this.comeBack());
    addEventListener("online", () => this.ask(1));
    addEventListener("beforeinstallprompt", offerToInstall);
    offerLarge(this.passes, stayAwake);
    whenLeft(async ({ elsewhere, gone }) => {
      this.showLeft();
      await gone;
      setText(find("phone-news"), this.words.left);
      if (elsewhere) this.notifyServer();
    });
    if (isMarked()) {
      // Somebody left, and the window was closed before all was done.
      await leaveHere();
      await finish(this.words).catch(() => {});
      return this.endLeft();
    }
    try {
      await this.begin();
    } finally {
      stayAwake();
      await this.ask(MEASUREMENTS);
    }
  }

  comeBack() {
    if (document.visibilityState !== "visible") return;
    clock.wakeUp();
    this.tick();
    this.ask(MEASUREMENTS);
    stayAwake();
  }

  tick() {
    clearTimeout(this.tickTimer);
    if (!clock.isKnown() || this.left) return;
    const now = clock.serverNow();
    // First, so that a fault below does not end it.
    this.tickTimer = setTimeout(() => this.tick(), 1_000 - (now % 1_000));
    for (const view of this.views) view.tick(now, this);
  }

  showKept(cards) {
    if (this.left) return;
    this.keepsCards = cards.length > 0;
    this.place(cards);
    for (const view of this.views) view.keep(cards.find((card) => card.card === view.id));
    this.tick();
  }

  place() {}

  // --- what the server says ---

  async ask(measurements) {
    if (this.asking || this.left) return;
    this.asking = true;
    clearTimeout(this.askTimer);
    let wait;
    try {
      const measured = [await this.question()];
      while (measured.length < measurements) measured.push(await clock.ask(this.words.time));
      clock.take(measured);
      this.tick();
      await this.afterwards();
      if (this.keepsCards) await saveClock(clock.measuredAhead()).catch(() => {});
      this.failures = 0;
      this.offline = false;
      wait = untilNextQuestion(clock.serverNow(), this.patience);
    } catch {
      this.failures += 1;
      this.offline = true;
      wait = retryAfter(this.failures);
    } finally {
      this.asking = false;
      this.showNews();
      this.tick();
    }
    if (!this.left) this.askTimer = setTimeout(() => this.ask(clock.isKnown() ? 1 : MEASUREMENTS), wait);
  }

  async afterwards() {}

  // Asks which cards the phone may keep, and shows those that it keeps then.
  async askWhatIsKept() {
    const { state, measured, cards } = await sync(this.words);
    if (this.left) return measured;
    if (!state.signed_in && (this.views.length > 0 || this.keepsCards)) await this.signIn();
    await this.take(state, cards);
    this.showKept(cards);
    if (cards.length > 0) this.install(state.language);
    return measured;
  }

  async signIn() {
    await sync(this.words).catch(() => {}); // lets go of what is kept, if the server says so
    return this.goTo(this.words.login);
  }

  goTo(address) {
    if (!this.left) location.replace(address);
    return new Promise(() => {}); // nothing more happens on this page
  }

  async install(language) {
    try {
      // Where there is none, or the certificate is not trusted, the key is kept but no page opens without a network.
      const registration = await navigator.serviceWorker?.register(this.words.worker);
      if (this.left) return void (await registration?.unregister());
      await this.checkPages(registration);
      if (language !== document.documentElement.lang) await registration?.update();
      // A browser may say no. Then it may clear the card away when space is short, and the card is kept anew online.
      await navigator.storage?.persist?.();
    } catch {
      // The card shows all the same for as long as there is a network, or the page is open.
      this.cannotInstall = !this.installed;
      this.showNews();
    }
  }

  // Nothing is promised that is not there.
  async checkPages(registration) {
    this.installed = Boolean(registration) && (await keepsPages());
    this.cannotInstall = !this.installed;
    this.showNews();
  }

  // --- what the page says ---

  showNews() {
    if (this.left) return;
    const off = clock.phoneIsOffBy();
    const isOff = Math.abs(off) > CLOCK_MAY_BE_OFF_BY;
    const said = [];
    if (this.keepsCards && this.installed) said.push(this.offline ? this.words.keptOffline : this.words.kept);
    else if (this.keepsCards && this.cannotInstall) said.push(this.words.keptOpen);
    if (isOff) said.push(this.words.wrongClock.replace("{minutes}", Math.max(1, Math.round(Math.abs(off) / 60_000))));
    setText(find("phone-news"), said.join(" "));
    find("phone-news").classList.toggle("warning", isOff);
  }

  // Marks the card that is in sight, where there are several.
  watchCards() {
    this.watching?.disconnect();
    if (this.views.length < 2) return;
    this.passes.tabIndex = 0;
    this.passes.setAttribute("role", "group");
    this.passes.setAttribute("aria-label", find("pass-links").getAttribute("aria-label"));
    this.watching = new IntersectionObserver(
      (seen) => {
        for (const { target, isIntersecting } of seen) {
          const link = document.querySelector(`.pass-link[href="#${target.id}"]`);
          if (isIntersecting) link?.setAttribute("aria-current", "true");
          else link?.removeAttribute("aria-current");
        }
      },
      { root: this.passes, threshold: 0.6 },
    );
    for (const view of this.views) this.watching.observe(view.slot);
  }

  // --- logging out ---

  // Nothing is asked, shown or kept from here on.
  showLeft() {
    if (this.left) return;
    this.left = true;
    clearTimeout(this.askTimer);
    clearTimeout(this.tickTimer);
    this.watching?.disconnect();
    for (const view of this.views) view.remove();
    this.views = [];
    for (const notice of document.querySelectorAll("[data-block]")) notice.hidden = true;
    for (const id of ["pass-links", "valid", "leave"]) find(id)?.setAttribute("hidden", "");
    find("phone-news").classList.remove("warning");
    for (const tabs of document.querySelectorAll(".my-tabs, .phone-nav")) tabs.hidden = true;
  }

  // Answers whether the server could be notified at the first try.
  async notifyServer() {
    let atOnce = true;
    await finishWhenOnline(this.words, () => {
      atOnce = false;
      setText(find("phone-news"), `${this.words.left} ${this.words.waiting}`);
    });
    setText(find("phone-news"), this.words.left);
    return atOnce;
  }
}
