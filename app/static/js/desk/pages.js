// Goes from one page of the desk to another without leaving the document: what a scanner types meanwhile would be lost
// between two documents. A page that has a program of its own is loaded by the browser.

import { keepTyped } from "./typed.js";

const form = document.getElementById("scan");
const root = new URL(form.action).pathname;
const page = () => document.getElementById("page");
const EVERYWHERE = /\/js\/(desk|desk\/early|camera|leave)\.js/;
const RETRY = 2_000;

// The page that is shown, or was asked for since.
export const asked = () => new URL(wanted?.url ?? location.href).pathname;
export const isLending = () => location.pathname === root;
export const lending = form.action;

let wanted = null;
let loading = null;
let shown = () => {};
let shownPath = "";

export function start(then) {
  shown = then;
  document.addEventListener("click", follow);
  // What came of a form stands at that form's address: from here on it is the page that can be loaded again.
  if (!isLending() && document.querySelector("nav a[aria-current=page]")?.href === lending) history.replaceState({}, "", lending);
  // Another page is gone back to; not where a link leads to a place on this one.
  shownPath = location.pathname;
  addEventListener("popstate", () => location.pathname !== shownPath && go(location.href));
  // A page that the browser kept knows nothing of what was scanned since.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

// The mark of the visit by now: a page that was asked for while a card was on its way may know nothing of it.
export async function visitNow() {
  const html = await fetch(lending).then((response) => response.text(), () => "");
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("scan");
  return (fresh ?? form).dataset.visit;
}

function follow(event) {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href);
  const isDesk = url.pathname === root || url.pathname.startsWith(`${root}/`);
  if (url.origin !== location.origin || !isDesk || url.search || url.hash) return;
  event.preventDefault();
  go(url.href);
}

// What is scanned from now on is meant for the page that is asked for.
export function go(url) {
  wanted = { url, isNew: true };
  form.elements.place.value = new URL(url).pathname === `${root}/returns` ? "return" : "";
  load();
}

// Shows what is new on the page, unless another is on its way.
export function refresh() {
  wanted ??= { url: location.href, isNew: false };
  load();
}

async function load() {
  loading?.abort();
  if (!wanted) return;
  const { url, isNew } = wanted;
  const mine = (loading = new AbortController());
  const response = await fetch(url, { signal: mine.signal }).catch(() => null);
  const html = await response?.text().catch(() => null);
  if (mine.signal.aborted) return;
  loading = null;
  if (isNew && !html) return void setTimeout(load, RETRY);
  wanted = null;
  const fresh = html && new DOMParser().parseFromString(html, "text/html");
  if (response?.ok && fresh.getElementById("page") && !programs(fresh).some((src) => !EVERYWHERE.test(src))) put(fresh, response.url, isNew);
  else if (isNew) location.assign(url);
}

const programs = (where) => [...where.querySelectorAll("script[src]")].map((script) => script.getAttribute("src"));

function put(fresh, url, isNew) {
  const sheets = [...document.querySelectorAll("link[rel=stylesheet]")].map((sheet) => sheet.getAttribute("href"));
  for (const sheet of fresh.querySelectorAll("link[rel=stylesheet]")) {
    if (!sheets.includes(sheet.getAttribute("href"))) document.head.append(document.importNode(sheet));
  }
  const [old, next] = [page(), fresh.getElementById("page")];
  const hadFocus = old.contains(document.activeElement);
  const focus = !isNew && old.dataset.visit && old.dataset.visit === next.dataset.visit ? keepTyped(old, next) : () => {};
  for (const notice of document.querySelectorAll("#main > .ds-alert")) notice.remove();
  document.getElementById("main").prepend(...fresh.querySelectorAll("#main > .ds-alert"));
  const here = fresh.querySelector("nav a[aria-current=page]")?.getAttribute("href");
  for (const tab of document.querySelectorAll("header nav a")) {
    if (tab.getAttribute("href") === here) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.getElementById("main").className = fresh.getElementById("main").className;
  const [field, there] = [form.elements.payload, fresh.getElementById("scan")];
  field.autofocus = there.elements.payload.autofocus;
  form.querySelector("button").textContent = there.querySelector("button").textContent;
  for (const token of document.querySelectorAll("[name=csrf_token]")) token.value = there.elements.csrf_token.value;
  old.replaceWith(next);
  focus();
  document.title = fresh.title;
  if (url !== location.href) history.pushState({}, "", url);
  shownPath = location.pathname;
  shown();
  document.dispatchEvent(new Event("page"));
  if (isNew) {
    scrollTo(0, 0);
    (document.querySelector("main [autofocus]") ?? document.getElementById("main")).focus();
  } else if (hadFocus && !next.contains(document.activeElement)) field.focus({ preventScroll: true });
}
