"""Pages of the desk and for developers, for everyone: axe finds nothing, in both colour schemes, on both screens."""

import pytest
from apiflask import APIFlask
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.demo.accounts import ADMINISTRATORS
from app.web.access import Audience
from tests.doors.pages import list_pages
from tests.journeys.conftest import COMPUTER, PHONE, Opener
from tests.journeys.people import Visitor, desk_signs_in, scan
from tests.journeys.server import RunningPortal

# The patron's pages are looked at in test_every_patron_page.py.
FOR_ANYONE = ("/desk/login", "/api")
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
WHILE_SERVING = ("/desk/patron", "/desk/patron/contact", "/desk/patron/death", "/desk", "/desk/agreements")

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


@pytest.mark.parametrize("path", FOR_STAFF)
def test_a_page_at_the_desk_is_accessible(desk: Page, path: str) -> None:
    desk.goto(path)
    expect(desk).to_have_url(path)
    assert_sound(desk)
    assert_fits(desk)


def test_every_page_of_an_administrator_is_accessible(app: APIFlask, open_page: Opener, portal: RunningPortal) -> None:
    page = open_page(viewport=COMPUTER)
    desk_signs_in(page, portal.clock, ADMINISTRATORS[0])
    paths = [*list_pages(app, Audience.ADMINISTRATOR), "/desk/library/numbers?year=2026&month=0", "/desk/sign-in"]
    for path in (*paths, "/desk/library/people/1", "/desk/lists"):
        if "text/html" in page.request.get(path).headers["content-type"]:
            page.goto(path)
            assert_sound(page)
            assert_fits(page)


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
