"""Every page for everyone: axe finds nothing, in both colour schemes, on a phone and on a computer."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import COMPUTER, PHONE, Opener
from tests.journeys.people import Visitor, scan

FOR_ANYONE = (
    "/",
    "/login",
    "/accessibility",
    "/desk/login",
    "/api",
    "/nowhere",
    "/demo/inbox",
    "/libraries/Mull/rules",
    "/privacy",
)
FOR_PATRONS = (
    "/my",
    "/card",
    "/card/devices",
    "/card/wallet",
    "/my/settings",
    "/my/loans",
    "/my/loans/cost",
    "/my/interlibrary",
    "/my/data",
    "/my/data/looks",
)
# Pages before which the PIN is asked for once more, so that whoever opens them has just signed in.
AFTER_THE_PIN = ("/my/data/edit", "/my/data/download", "/my/data/print")
FOR_STAFF = (
    "/desk",
    "/desk/returns",
    "/desk/interlibrary",
    "/desk/find",
    "/desk/enrol",
    "/desk/enrol/details",
    "/desk/numbers",
    "/desk/notices",
)
WHILE_SERVING = ("/desk/patron", "/desk/patron/contact", "/desk/patron/death", "/desk/counter", "/desk/agreements")

# What a colour scheme can spoil. Everything else is the same in the dark.
COLOURS = ["color-contrast", "link-in-text-block"]


def assert_sound(page: Page) -> None:
    """Assert that axe has no complaint of the page as it stands, however it is looked at."""
    page.evaluate(Axe().axe_script)
    for viewport in (PHONE, COMPUTER):
        page.set_viewport_size(viewport)
        for scheme, rules in (("light", None), ("dark", COLOURS)):
            page.emulate_media(color_scheme=scheme)
            options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": rules} if rules else {})
            found = page.evaluate("options => axe.run(options)", options)
            told = [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]
            assert not told, f"{page.url} {viewport['width']} {scheme}: {told}"


def assert_fits(page: Page) -> None:
    """Assert that nothing is wider than the narrowest screen, which is 1280 pixels at 400 % (WCAG 1.4.10)."""
    page.set_viewport_size({"width": 320, "height": 640})
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, f"{page.url} is {width} wide"


@pytest.mark.parametrize("path", FOR_ANYONE)
def test_a_page_for_anyone_is_accessible(open_page: Opener, path: str) -> None:
    page = open_page()
    page.goto(path)
    assert_sound(page)
    assert_fits(page)


@pytest.mark.parametrize("path", FOR_PATRONS)
def test_a_patrons_page_is_accessible(open_page: Opener, patron_cookies: Path, path: str) -> None:
    page = open_page(storage_state=patron_cookies)
    page.goto(path)
    expect(page).to_have_url(path)
    for fold in page.locator("summary").all():
        fold.click()
    assert_sound(page)
    assert_fits(page)


@pytest.mark.parametrize("path", AFTER_THE_PIN)
def test_a_page_behind_the_pin_is_accessible(phone: Visitor, path: str) -> None:
    phone.signs_in()
    phone.page.goto(path)
    expect(phone.page).to_have_url(path)
    assert_sound(phone.page)
    assert_fits(phone.page)


def test_what_cannot_be_saved_is_explained_accessibly(phone: Visitor) -> None:
    phone.signs_in()
    phone.page.goto("/my/data/edit")
    phone.page.get_by_label("E-post", exact=True).fill("nobody")
    phone.page.get_by_role("button", name="Lagre").click()
    expect(phone.page.get_by_role("alert")).to_be_focused()
    assert_sound(phone.page)
    assert_fits(phone.page)


def test_a_refused_sign_in_is_accessible_and_read_first(open_page: Opener) -> None:
    page = open_page()
    page.goto("/login")
    page.get_by_label("Lånekortnummer").fill("N000999999")
    page.get_by_label("PIN-kode").fill("0000")
    page.get_by_role("button", name="Logg inn").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert_sound(page)


@pytest.mark.parametrize("path", FOR_STAFF)
def test_a_page_at_the_desk_is_accessible(desk: Page, path: str) -> None:
    desk.goto(path)
    expect(desk).to_have_url(path)
    assert_sound(desk)
    assert_fits(desk)


def test_what_is_seen_while_serving_is_accessible(desk: Page, phone: Visitor) -> None:
    phone.signs_in()
    scan(desk, phone.opens_the_card())
    for path in WHILE_SERVING:
        desk.goto(path)
        expect(desk).to_have_url(path)
        for fold in desk.locator("summary").all():
            fold.click()
        assert_sound(desk)
        assert_fits(desk)


def test_what_a_scan_shows_is_accessible(desk: Page, phone: Visitor) -> None:
    phone.signs_in()
    scan(desk, phone.opens_the_card())
    assert_sound(desk)
    assert_fits(desk)
    scan(desk, "9788202123456")
    assert_sound(desk)
    assert_fits(desk)
