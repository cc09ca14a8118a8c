"""What stops somebody who reads with large letters, on a small screen, in the dark or without a script.

Axe finds much of it. The rest is found here: a page that is wider than its screen, words that are cut in two, and what
is hidden or lies under something else.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, ViewportSize

SCREENS: tuple[ViewportSize, ...] = (
    {"width": 390, "height": 844},
    {"width": 844, "height": 390},
    {"width": 320, "height": 568},
    {"width": 768, "height": 1024},
    {"width": 1280, "height": 900},
)
PHONE, COMPUTER = SCREENS[0], SCREENS[-1]
ZOOMED: ViewportSize = {"width": 320, "height": 256}
"""1280 by 1024 pixels at 400 % (WCAG 1.4.10)."""
LARGE_LETTERS = "200%"
"""WCAG 1.4.4."""
MODES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "light", "forced_colors": "active"},
}
LANGUAGES = ("nb", "nn", "sv", "en", "se")
# What a colour scheme can spoil. Everything else is the same in the dark.
_COLOURS = ["color-contrast", "link-in-text-block"]
_AXE = Axe()

# Words have letters alone; an address, a number or a code may end a line anywhere. Whether a browser has a dictionary,
# by which it would put a hyphen where a word is cut, is not everybody's luck: here it must do without.
_READ = r"""
() => {
  const faults = [];
  document.documentElement.style.hyphens = "manual";
  const seen = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true}) &&
    !element.closest("code, pre, svg, .ds-skip-link, .ds-sr-only, [aria-hidden=true]");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const lines = () => {
    const tops = [];
    for (const {width, height, top} of range.getClientRects())
      if (width > 1 && !tops.some(other => Math.abs(other - top) < height / 2)) tops.push(top);
    return tops.length;
  };
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.data.trim() || !seen(text.parentElement)) continue;
    for (const {0: token, index} of text.data.matchAll(/\S+/g)) {
      if (/[@/_\d]|\.\p{L}/u.test(token)) continue;
      for (const {0: word, index: within} of token.matchAll(/\p{L}{2,}/gu)) {
        // The hyphen at the end of a line is drawn with the letter behind it.
        const behind = token[within - 1] === "\u00ad" ? 1 : 0;
        range.setStart(text, index + within + behind);
        range.setEnd(text, index + within + word.length);
        if (lines() > 1) faults.push(`cuts ${word} in ${text.parentElement.localName}.${text.parentElement.className}`);
      }
    }
  }
  for (const element of document.body.querySelectorAll("*")) {
    if (["auto", "scroll", "visible"].includes(getComputedStyle(element).overflowX)) continue;
    if (!seen(element) || !element.innerText?.trim()) continue;
    if (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1)
      faults.push(`hides a part of ${element.className}: ${element.innerText.slice(0, 40)}`);
  }
  const parts = "a[href], button, input:not([type=hidden]), select, textarea, summary, h1, h2, h3, p, dt, dd, label";
  for (const element of document.querySelectorAll(parts)) {
    if (!seen(element)) continue;
    element.scrollIntoView({block: "center", inline: "nearest", behavior: "instant"});
    const box = element.getClientRects()[0];
    if (!box || box.width < 2 || box.height < 2) continue;
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, innerHeight) / 2);
    if (!top || element.contains(top) || top.contains(element) || element.labels?.[0]?.contains(top)) continue;
    faults.push(`has ${element.localName} ${element.innerText.slice(0, 40)} under ${top.localName}.${top.className}`);
  }
  document.documentElement.style.hyphens = "";
  scrollTo(0, 0);
  return faults;
}
"""

_UNFOLD = "for (const fold of document.querySelectorAll('details:not([open])')) fold.open = fold.dataset.opened = true"
_FOLD = "for (const fold of document.querySelectorAll('[data-opened]')) fold.open = false"


def look(page: Page) -> list[str]:
    """Say what is wrong with a page as it stands, however it is looked at; the screen is a phone's again afterwards."""
    page.evaluate(_UNFOLD)
    faults = [*width_faults(page), *axe_faults(page), *faults_of_large_letters(page)]
    page.set_viewport_size(ZOOMED)
    faults += [*_width_fault(page), *(f"zoomed: {fault}" for fault in page.evaluate(_READ))]
    page.set_viewport_size(PHONE)
    page.evaluate(_FOLD)
    return faults


def look_without_script(page: Page, addresses: list[str]) -> dict[str, list[str]]:
    """Say what is wrong with pages whose scripts do not run, on a phone and all other screens.

    Axe is a script itself, and what stands in `noscript` is not drawn where there are any. So the pages' own do not
    come through, and what is meant for their absence is put in its place. A page that leads on then is not looked at.
    """

    def bring(route: Route) -> None:
        answer = route.fetch()
        head, body, rest = answer.text().partition("<body")
        route.fulfill(response=answer, body=head + body + re.sub(r"(</?)noscript\b", r"\1div", rest))

    page.route("**/*.js", lambda route: route.abort())
    page.route(lambda address: urlsplit(address).path in addresses, bring)
    faults = {}
    for address in addresses:
        page.goto(address)
        if page.evaluate("document.head.querySelector('noscript')?.textContent.includes('url=')"):
            continue
        page.evaluate(_AXE.axe_script)
        page.set_viewport_size(PHONE)
        faults[address] = [*_run_axe(page, colours=False), *width_faults(page)]
    return faults


def width_faults(page: Page) -> list[str]:
    """Say on which screens a page is wider than the screen."""
    faults = []
    for screen in SCREENS:
        page.set_viewport_size(screen)
        faults += _width_fault(page)
    return faults


def _width_fault(page: Page) -> list[str]:
    width, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"is {width} wide on a screen of {screen}"] if width > screen else []


def axe_faults(page: Page) -> list[str]:
    """Say what axe finds, on a phone and on a computer, in light and dark and in forced colours."""
    page.evaluate(_AXE.axe_script)
    faults = []
    for screen in (PHONE, COMPUTER):
        page.set_viewport_size(screen)
        for mode, media in MODES.items():
            page.emulate_media(**media)
            faults += [f"{screen['width']} {mode}: {fault}" for fault in _run_axe(page, colours=mode != "light")]
    page.emulate_media(**MODES["light"])
    return faults


def _run_axe(page: Page, *, colours: bool) -> list[str]:
    # Not every rule of WCAG 2.2 is on unless one asks.
    options: dict[str, Any] = {"runOnly": _COLOURS} if colours else {"rules": {"target-size": {"enabled": True}}}
    options |= {"resultTypes": ["violations"], "preload": False}
    found = page.evaluate("options => axe.run(options)", options)
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]


def faults_of_large_letters(page: Page) -> list[str]:
    """Say what is wrong with a page on a phone, with letters twice as large as usual, in all its folds as well."""
    page.evaluate("document.fonts.ready")  # another font has wider letters
    page.evaluate(_UNFOLD)
    page.set_viewport_size(PHONE)
    page.evaluate("size => { document.documentElement.style.fontSize = size; }", LARGE_LETTERS)
    faults = [*_width_fault(page), *(f"large letters: {fault}" for fault in page.evaluate(_READ))]
    page.evaluate("document.documentElement.style.fontSize = ''")
    return faults


def axe_version(page: Page) -> str:
    """Return the version of the axe that looks."""
    page.evaluate(_AXE.axe_script)
    return str(page.evaluate("axe.version"))
