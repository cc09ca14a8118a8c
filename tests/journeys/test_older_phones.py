"""Older phones: what their browsers lack or get wrong. The card works, and a code that is too old never looks valid."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import PHONE, Opener
from tests.journeys.people import Kiosk, Visitor
from tests.journeys.server import RunningPortal
from tests.journeys.test_offline_card import KEPT, Phone, own_phone  # noqa: F401 - a fixture

LACKS = """
    delete AbortSignal.timeout; delete AbortSignal.any; delete globalThis.structuredClone;
    delete globalThis.BroadcastChannel; delete Array.prototype.at; delete String.prototype.at; delete Object.hasOwn;
    delete Array.prototype.findLast; delete Crypto.prototype.randomUUID; delete Navigator.prototype.locks;
    delete Navigator.prototype.wakeLock; delete Navigator.prototype.vibrate; delete StorageManager.prototype.persist;
    delete HTMLFormElement.prototype.requestSubmit; delete DataView.prototype.setBigUint64;
"""
"""What Safari had not before versions 15 and 16, and Chromium not before 100."""

# The picture of the code, and the digits under it, as they are after so many seconds in which nothing replaced them.
FADED = """([selector, seconds]) => [...document.querySelectorAll(selector)].map((part) => {
    for (const animation of part.getAnimations()) animation.currentTime = seconds * 1_000;
    return Number(getComputedStyle(part).opacity);
})"""
CODE = ".tile-code svg, .tile-digits, .tile-bars svg"


def opacities(page: Page, *, after: int) -> list[float]:
    found: list[float] = page.evaluate(FADED, [CODE, after])
    return found


def test_a_phone_that_lacks_much_keeps_the_card_and_shows_new_codes(
    own_phone: Phone,  # noqa: F811
    portal: RunningPortal,
) -> None:
    own_phone.context.add_init_script(LACKS)
    own_phone.enrols()
    own_phone.context.set_offline(True)
    own_phone.page.goto("/card")
    code = own_phone.page.locator("#digits")
    expect(code).to_have_text(re.compile(r"^92(\d| )+$"))
    before = code.inner_text()
    expect(code).not_to_have_text(before)
    assert Kiosk(portal.url).scans(code.inner_text().replace(" ", ""))["result"] == "accepted"


def test_a_borrowed_phone_that_lacks_much_asks_for_new_codes(open_page: Opener, portal: RunningPortal) -> None:
    page = open_page(viewport=PHONE)
    page.add_init_script(LACKS)
    Visitor(page).signs_in(keeps=False)
    with page.expect_response("**/card/codes.json"):
        page.goto("/card")
    expect(page.locator("#countdown")).to_be_visible()
    before = page.locator("#digits").inner_text()
    expect(page.locator("#digits")).not_to_have_text(before)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_code_that_no_script_replaces_is_marked_as_too_old(open_page: Opener, motion: str) -> None:
    page = open_page(viewport=PHONE, reduced_motion=motion)
    Visitor(page).signs_in(keeps=False)
    page.route("**/js/card_live.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto("/card")
    assert opacities(page, after=31) == [1, 1, 1]
    assert opacities(page, after=33) == [0.06, 0.06, 0.06]
    behind = page.evaluate("getComputedStyle(document.querySelector('.tile-code'), '::before').content")
    assert behind == '"Koden er for gammel. Last inn siden på nytt."'


def test_a_code_that_was_just_renewed_has_its_own_time(open_page: Opener) -> None:
    page = open_page(viewport=PHONE)
    Visitor(page).signs_in(keeps=False)
    page.goto("/card")
    expect(page.locator("#countdown")).to_be_visible()
    before = page.locator("#digits").inner_text()
    opacities(page, after=33)
    expect(page.locator("#digits")).not_to_have_text(before)
    parts = "[...document.querySelectorAll('.tile-code svg, .tile-digits')]"
    ages = page.evaluate(parts + ".map((part) => part.getAnimations()[0].currentTime)")
    assert all(age < 30_000 for age in ages)


def test_a_database_that_never_answers_holds_up_no_code(open_page: Opener) -> None:
    page = open_page(viewport=PHONE)
    page.add_init_script("indexedDB.open = () => ({})")
    Visitor(page).signs_in(keeps=True)
    page.goto("/card")
    expect(page.locator("#countdown")).to_be_visible()
    before = page.locator("#digits").inner_text()
    expect(page.locator("#digits")).not_to_have_text(before)


def test_what_the_browser_cleared_away_is_kept_again_before_it_is_promised(own_phone: Phone) -> None:  # noqa: F811
    own_phone.enrols()
    count = "caches.keys().then(async ([name]) => (await (await caches.open(name)).keys()).length)"
    whole = own_phone.page.evaluate(count)
    own_phone.page.evaluate(
        "caches.keys().then(async ([name]) => { const cache = await caches.open(name);"
        " for (const each of await cache.keys()) await cache.delete(each); })"
    )
    assert own_phone.page.evaluate(count) == 0
    own_phone.page.goto("/card")
    expect(own_phone.page.get_by_text(KEPT)).to_be_visible()
    assert own_phone.page.evaluate(count) == whole


def test_no_phone_makes_a_link_of_a_card_number(open_page: Opener) -> None:
    page = open_page(viewport=PHONE)
    page.goto("/")
    detection = page.locator("meta[name=format-detection]").get_attribute("content")
    assert detection == "telephone=no, date=no, address=no, email=no"
