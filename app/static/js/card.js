// Keeps the cards' codes current by the server's clock. On the patron's own phone it also keeps a key for each card, and
// the page works without a network. Without this script the page loads itself anew for each code.

import * as clock from "./card/clock.js";
import { offerToInstall, stayAwake } from "./card/device.js";
import { drawBarcode, drawQr } from "./card/draw.js";
import { codeAt, STEP } from "./card/keys.js";
import { finish, finishWhenOnline, isMarked, leaveHere, whenLeft } from "./card/leaving.js";
import { readCards, readClock, saveClock } from "./card/store.js";
import { sync } from "./card/sync.js";

const MEASUREMENTS = 3;
const RETRIES = [1_000, 2_000, 4_000, 8_000, 15_000];
// Phones ask at different moments of the half minute, or all would ask at once.
const ASK_WITHIN = 10_000;
const CLOCK_MAY_BE_OFF_BY = 30_000;
const AHEAD = 3;

const find = (id) => document.getElementById(id);
// What has not changed is not said again.
const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};
const passes = find("passes");
const page = find("words").dataset;
const isShell = "shell" in passes.dataset;
const mayKeep = isShell || "keeps" in passes.dataset;

let views = [];
let signedIn = true;
let keptHere = false;
let installed = isShell;
let cannotInstall = false;
let left = false;
let watching = null;
let offline = false;
let failures = 0;
let asking = false;
let tickTimer, askTimer;

// A card on the page. Its codes come from the server (`held`), or from the key that the phone has (`kept`).
class View {
  constructor(slot, bars) {
    this.slot = slot;
    this.bars = bars;
    this.pass = slot.querySelector(".pass");
    this.id = this.pass.dataset.card;
    this.held = [];
    this.kept = null;
    this.shown = null;
    this.filling = false;
  }

  part(name) {
    return this.slot.querySelector(`[data-part="${name}"]`);
  }

  current(now) {
    return this.held.find((code) => code.from <= now && now < code.until);
  }

  tick(now) {
    const tooOld = Boolean(this.kept) && now >= this.kept.expires;
    if (isShell && tooOld) this.held = [];
    const current = this.current(now);
    if (this.kept && !tooOld && (!current || (isShell && this.held.at(-1) === current))) this.fill(now);
    this.pass.classList.toggle("expired", !current && !this.filling);
    const news = tooOld ? page.tooOld : offline ? page.offline : "";
    setText(this.part("news"), current || this.filling ? "" : news);
    if (!current) return;
    if (current.digits !== this.shown) this.show(current.digits);
    const countdown = this.part("countdown");
    const seconds = Math.ceil((current.until - now) / 1_000);
    countdown.querySelector(".countdown-text").textContent = page.countdown.replace("{seconds}", seconds);
    countdown.querySelector(".countdown-bar").style.transform = `scaleX(${((seconds - 1) * 1_000) / STEP})`;
    countdown.hidden = false;
  }

  async fill(now) {
    if (this.filling) return;
    this.filling = true;
    const step = Math.floor(now / STEP);
    const kept = this.kept;
    const codes = await Promise.all(Array.from({ length: AHEAD }, (_, ahead) => codeAt(kept, step + ahead)));
    this.filling = false;
    if (this.kept !== kept) return;
    this.held = codes;
    tick();
  }

  show(grouped) {
    const digits = grouped.replaceAll(" ", "");
    drawQr(this.part("code"), digits);
    drawBarcode(this.bars.querySelector('[data-part="barcode"]'), digits);
    this.part("digits").textContent = grouped;
    this.shown = grouped;
  }

  // The key with which the phone works the codes out. One that was just renewed takes over with its first code.
  keep(card) {
    if (isShell && this.kept?.head !== card?.head) this.held = [];
    this.kept = card ?? null;
    if (!isShell || !card) return;
    this.part("name").textContent = card.name;
    this.part("number").textContent = card.number;
    this.part("library").textContent = card.library;
  }

  remove() {
    this.slot.remove();
    this.bars.remove();
  }
}

function tick() {
  clearTimeout(tickTimer);
  if (!clock.isKnown() || left) return;
  const now = clock.serverNow();
  for (const view of views) view.tick(now);
  tickTimer = setTimeout(tick, 1_000 - (now % 1_000));
}

// --- what the phone keeps ---

function showKept(cards) {
  if (left) return;
  keptHere = cards.length > 0;
  if (isShell) {
    const ids = cards.map((card) => card.card);
    if (views.map((view) => view.id).join() !== ids.join()) rebuild(ids);
  }
  for (const view of views) view.keep(cards.find((card) => card.card === view.id));
  if (isShell) nameCards(cards);
  tick();
}

function rebuild(ids) {
  for (const view of views) view.remove();
  views = ids.map((id, index) => {
    const which = index === 0 ? "first" : "next";
    const slot = document.createElement("div");
    slot.className = "pass-slot";
    slot.id = `pass-${id}`;
    slot.append(find(`${which}-pass`).content.cloneNode(true));
    slot.querySelector(".pass").dataset.card = id;
    passes.append(slot);
    const fold = find(`${which}-bars`).content.cloneNode(true).firstElementChild;
    find("folds").insertBefore(fold, find("folds").querySelector(":scope > :not([data-bars])"));
    return new View(slot, fold);
  });
}

function nameCards(cards) {
  const several = cards.length > 1;
  const libraries = cards[0]?.libraries.split("\n") ?? [];
  for (const notice of document.querySelectorAll("[data-block]")) notice.hidden = notice.dataset.block !== cards[0]?.block;
  find("valid").hidden = libraries.length === 0;
  find("libraries").replaceChildren(...libraries.map((name) => Object.assign(document.createElement("li"), { textContent: name })));
  find("pass-links").hidden = !several;
  find("pass-links").querySelector("ul").replaceChildren(...cards.map(linkTo));
  for (const [index, view] of views.entries()) {
    const { name } = cards[index];
    view.bars.querySelector('[data-part="whose"]').textContent = index > 0 ? `: ${name}` : "";
    view.pass.setAttribute("aria-label", `${document.title.split(" – ")[0]} ${name}`);
  }
  watchCards();
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

// --- what the server says ---

async function ask(measurements) {
  if (asking || left) return;
  asking = true;
  clearTimeout(askTimer);
  try {
    const measured = [await (isShell ? askWhatIsKept() : askCodes())];
    while (measured.length < measurements) measured.push(await clock.ask(page.time));
    clock.take(measured);
    tick();
    if (!isShell && mayKeep) await askWhatIsKept();
    if (keptHere) await saveClock(clock.measuredAhead());
    failures = 0;
    offline = false;
    if (!left) askTimer = setTimeout(ask, untilNextQuestion(), 1);
  } catch {
    failures += 1;
    offline = true;
    askTimer = setTimeout(ask, RETRIES[Math.min(failures, RETRIES.length) - 1], clock.isKnown() ? 1 : MEASUREMENTS);
  } finally {
    asking = false;
    tellNews();
    tick();
  }
}

// A card that the phone shows by itself needs the server only to hear that it was revoked.
function untilNextQuestion() {
  const nextStep = STEP - (clock.serverNow() % STEP);
  return nextStep + 1_000 + Math.random() * ASK_WITHIN + (isShell ? STEP : 0);
}

async function askCodes() {
  const { answer, ...measured } = await clock.ask(page.codes).catch(orSignIn);
  if (answer.codes.length === 0) await signIn();
  for (const view of views) view.held = view.id === "own" ? answer.codes : (answer.carried[view.id] ?? []);
  return measured;
}

function orSignIn(fault) {
  if (fault.response?.type === "opaqueredirect" || [401, 403, 404].includes(fault.response?.status)) return signIn();
  throw fault;
}

async function askWhatIsKept() {
  const { state, measured, cards } = await sync(page);
  if (left) return measured;
  signedIn = state.signed_in;
  if (!signedIn && (views.length > 0 || keptHere)) await signIn();
  if (isShell && signedIn && cards.length === 0) await goTo(page.cardPage);
  if (!isShell) {
    const gone = views.filter((view) => !state.cards.some((card) => card.card === view.id));
    for (const view of state.keeps ? gone : []) view.remove();
    views = views.filter((view) => !gone.includes(view) || !state.keeps);
  }
  showKept(cards);
  if (isShell) find("leave").hidden = !signedIn;
  if (cards.length > 0) install(state.language);
  return measured;
}

function goTo(address) {
  if (!left) location.replace(address);
  return new Promise(() => {}); // nothing more happens on this page
}

async function signIn() {
  await sync(page).catch(() => {}); // lets go of what is kept, if the server says so
  return goTo(page.login);
}

async function install(language) {
  try {
    // Where there is none, or the certificate is not trusted, the key is kept but no page opens without a network.
    const registration = await navigator.serviceWorker?.register(page.worker);
    if (left) return void (await registration?.unregister());
    installed = Boolean(registration);
    cannotInstall = !registration;
    tellNews();
    if (language !== document.documentElement.lang) await registration?.update();
    // A browser may say no. Then it may clear the card away when space is short, and the card is kept anew online.
    await navigator.storage?.persist?.();
  } catch {
    // The card shows all the same for as long as there is a network, or the page is open.
    cannotInstall = !installed;
    tellNews();
  }
}

// --- what the page says ---

function tellNews() {
  if (left) return;
  const off = clock.phoneIsOffBy();
  const said = [];
  if (keptHere && installed) said.push(offline ? page.keptOffline : page.kept);
  else if (keptHere && cannotInstall) said.push(page.keptOpen);
  if (Math.abs(off) > CLOCK_MAY_BE_OFF_BY) {
    said.push(page.wrongClock.replace("{minutes}", Math.max(1, Math.round(Math.abs(off) / 60_000))));
  }
  const news = find("phone-news");
  setText(news, said.join(" "));
  news.classList.toggle("warning", Math.abs(off) > CLOCK_MAY_BE_OFF_BY);
  if (!isShell) return;
  find("no-card").hidden = keptHere;
  document.querySelector("main").classList.remove("waiting");
}

async function leave() {
  await leaveHere();
  if (await tellServer()) location.replace(page.start);
}

// Nothing is asked, shown or kept from here on.
function showLeft() {
  if (left) return;
  left = true;
  clearTimeout(askTimer);
  clearTimeout(tickTimer);
  watching?.disconnect();
  for (const view of views) view.remove();
  views = [];
  for (const notice of document.querySelectorAll("[data-block]")) notice.hidden = true;
  for (const id of ["pass-links", "valid", "leave"]) find(id)?.setAttribute("hidden", "");
  find("phone-news").classList.remove("warning");
  for (const tabs of document.querySelectorAll("header nav")) tabs.hidden = true;
  if (!isShell) return;
  find("no-card-words").hidden = true;
  find("no-card").hidden = false;
  document.querySelector("main").classList.remove("waiting");
}

// Tells whether the server could be told at once.
async function tellServer() {
  let atOnce = true;
  await finishWhenOnline(page, () => {
    atOnce = false;
    setText(find("phone-news"), `${page.left} ${page.waiting}`);
  });
  setText(find("phone-news"), page.left);
  return atOnce;
}


function watchCards() {
  watching?.disconnect();
  if (views.length < 2) return;
  passes.tabIndex = 0;
  passes.setAttribute("role", "group");
  passes.setAttribute("aria-label", find("pass-links").getAttribute("aria-label"));
  watching = new IntersectionObserver(
    (seen) => {
      for (const { target, isIntersecting } of seen) {
        const link = document.querySelector(`.pass-link[href="#${target.id}"]`);
        if (isIntersecting) link?.setAttribute("aria-current", "true");
        else link?.removeAttribute("aria-current");
      }
    },
    { root: passes, threshold: 0.6 },
  );
  for (const view of views) watching.observe(view.slot);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  clock.wakeUp();
  tick();
  ask(MEASUREMENTS);
  stayAwake();
});
addEventListener("online", () => ask(1));
whenLeft(async ({ elsewhere, gone }) => {
  showLeft();
  await gone;
  setText(find("phone-news"), page.left);
  if (elsewhere) tellServer();
});
addEventListener("beforeinstallprompt", offerToInstall);

async function begin() {
  if (isMarked()) {
    // Somebody left, and the window was closed before all was done.
    await leaveHere();
    await finish(page).catch(() => {});
    return isShell ? undefined : location.replace(page.login);
  }
  if (isShell) {
    find("leave").addEventListener("click", leave);
    const cards = await readCards().catch(() => []);
    if (cards.length > 0) {
      clock.assume(await readClock());
      find("leave").hidden = false;
      showKept(cards);
      document.querySelector("main").classList.remove("waiting");
    }
  } else {
    views = [...passes.children].map((slot) => {
      const { card } = slot.querySelector(".pass").dataset;
      return new View(slot, document.querySelector(`[data-bars="${card}"]`));
    });
    watchCards();
    // Somebody else's card may be kept in a browser that this patron has only borrowed.
    if (!mayKeep && (await readCards().catch(() => [])).length > 0) await sync(page).catch(() => {});
  }
  stayAwake();
  await ask(MEASUREMENTS);
}

begin();
