"""Whoever reads with letters twice as large as others' has every page whole on a phone, too (WCAG 1.4.4)."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from apiflask import APIFlask
from playwright.sync_api import Browser, Page, StorageState, expect

from app.web.access import Audience
from tests.journeys.conftest import PHONE, Launcher
from tests.journeys.patron_pages import list_addresses
from tests.journeys.people import Visitor, scan
from tests.journeys.server import RunningPortal
from tests.journeys.test_accessibility import FOR_ANYONE, FOR_STAFF, WHILE_SERVING

Reader = Callable[[Sequence[str], StorageState | Path | None], None]


@pytest.fixture(scope="module")
def browser_with_large_letters(launch: Launcher) -> Iterator[Browser]:
    with launch("--blink-settings=defaultFontSize=32") as chromium:
        yield chromium


@pytest.fixture
def read(browser_with_large_letters: Browser, portal: RunningPortal) -> Reader:
    """Open page after page, and look whether any is wider than the phone."""

    def read_all(paths: Sequence[str], state: StorageState | Path | None) -> None:
        context = browser_with_large_letters.new_context(
            base_url=portal.url, locale="nb-NO", viewport=PHONE, reduced_motion="reduce", storage_state=state
        )
        page = context.new_page()
        widths = {path: width_of(page, path) for path in paths}
        context.close()
        assert {path: width for path, width in widths.items() if width > PHONE["width"]} == {}

    return read_all


def width_of(page: Page, path: str) -> int:
    page.goto(path)
    expect(page).to_have_url(path)
    for fold in page.locator("summary").all():
        fold.click()
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 32
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_pages_for_anyone_fit(app: APIFlask, read: Reader) -> None:
    read((*FOR_ANYONE, *list_addresses(app, Audience.ANYONE)), None)


def test_a_patrons_pages_fit(app: APIFlask, read: Reader, patron_cookies: Path) -> None:
    read(list_addresses(app, Audience.PATRON), patron_cookies)


def test_the_desks_pages_fit(read: Reader, desk_cookies: Path) -> None:
    read(FOR_STAFF, desk_cookies)


def test_what_is_seen_while_serving_fits(read: Reader, desk: Page, phone: Visitor) -> None:
    phone.signs_in()
    scan(desk, phone.opens_the_card())
    read(WHILE_SERVING, desk.context.storage_state())
