"""A real browser, and a running portal whose clock can be turned. Each worker has one of both."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize, expect, sync_playwright
from sqlalchemy import select

from app.register.change.freezing import thaw_card
from app.register.store.transaction import db, writing
from app.register.tables.patrons import Patron
from tests.journeys.people import Kiosk, Visitor, desk_signs_in
from tests.journeys.server import RunningPortal, running_portal

PHONE: ViewportSize = {"width": 390, "height": 844}
COMPUTER: ViewportSize = {"width": 1280, "height": 900}
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


# What is to come, comes; on a machine that is busy not within five seconds.
expect.set_options(timeout=90_000)

Launcher = Callable[..., AbstractContextManager[Browser]]


def find_chromium() -> str:
    """Return the browser's path."""
    found = os.environ.get("LANEKORT_CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    return found or pytest.fail("there is no Chromium on this machine; set LANEKORT_CHROMIUM to its path")


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with running_portal(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def launch(playwright: Playwright) -> Launcher:
    """Start a browser of one's own, with further arguments."""

    @contextmanager
    def start(*arguments: str) -> Iterator[Browser]:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=[*_QUIET, *arguments])
        yield chromium
        chromium.close()

    return start


@pytest.fixture(scope="session")
def browser(launch: Launcher) -> Iterator[Browser]:
    with launch() as chromium:
        yield chromium


Opener = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, portal: RunningPortal) -> Iterator[Opener]:
    """Open a window with cookies of its own. When the test is over, no page may have complained of anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_window(**options: object) -> Page:
        given = {"base_url": portal.url, "locale": "nb-NO", "viewport": PHONE, "reduced_motion": "reduce"}
        context = browser.new_context(**given | options)  # type: ignore[arg-type]
        context.set_default_timeout(90_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        return page

    yield open_window
    for context in contexts:
        context.close()
    ours = [complaint for complaint in complaints if "Failed to load resource" not in complaint]
    assert not ours, ours


@pytest.fixture
def phone(open_page: Opener) -> Visitor:
    """Somebody's phone."""
    return Visitor(open_page(device_scale_factor=2, is_mobile=True, has_touch=True))


class SignedIn:
    """Cookies of a browser that has signed in; anew where the clock was turned on so far that the session may end."""

    def __init__(self, browser: Browser, portal: RunningPortal, kept: Path) -> None:
        self._browser, self._portal, self._kept = browser, portal, kept
        self._since: datetime | None = None

    def cookies(self, sign_in: Callable[[Page], None], viewport: ViewportSize) -> Path:
        if self._since is None or self._portal.clock() - self._since > timedelta(minutes=5):
            context = self._browser.new_context(base_url=self._portal.url, locale="nb-NO", viewport=viewport)
            sign_in(context.new_page())
            context.storage_state(path=self._kept)
            context.close()
            self._since = self._portal.clock()
        return self._kept


@pytest.fixture(scope="session")
def signed_in_desk(browser: Browser, portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> SignedIn:
    return SignedIn(browser, portal, tmp_path_factory.mktemp("desk") / "cookies.json")


@pytest.fixture(scope="session")
def signed_in_patron(browser: Browser, portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> SignedIn:
    return SignedIn(browser, portal, tmp_path_factory.mktemp("patron") / "cookies.json")


@pytest.fixture
def desk_cookies(signed_in_desk: SignedIn, portal: RunningPortal) -> Path:
    """Sign in at the desk for several tests; a one-time code counts once."""
    return signed_in_desk.cookies(lambda page: desk_signs_in(page, portal.clock), COMPUTER)


@pytest.fixture
def patron_cookies(signed_in_patron: SignedIn) -> Path:
    """Sign the guardian in for several tests that are about the pages behind the door."""
    return signed_in_patron.cookies(lambda page: Visitor(page).signs_in(), PHONE)


@pytest.fixture
def own_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal in which nobody but this test does anything."""
    with running_portal(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture
def desk(open_page: Opener, desk_cookies: Path) -> Page:
    """The computer at Ullensaker's desk, ready for the next card."""
    page = open_page(viewport=COMPUTER, storage_state=desk_cookies)
    page.goto("/desk")
    return page


@pytest.fixture
def kiosk(portal: RunningPortal) -> Kiosk:
    return Kiosk(portal.url)


@pytest.fixture
def freezer(portal: RunningPortal) -> Iterator[tuple[str, str]]:
    """Somebody who may freeze the card. It is open for the next test, also where this one has failed."""
    number, pin = "N000100003", "5938"
    yield number, pin
    with portal.inside(), writing():
        patron_id = db.session.scalars(select(Patron.id).where(Patron.card_number == number)).one()
        thaw_card(patron_id=patron_id, now=portal.clock())
