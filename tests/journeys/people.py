"""What people do with a phone, at a desk and at a kiosk, in words."""

import json
from io import BytesIO
from urllib.request import Request, urlopen

import pyotp
import zxingcpp
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from werkzeug.datastructures import Authorization

from app.demo.accounts import DESKS, DemoDesk
from tests.doors.visits import GUARDIAN, KIOSK_2
from tests.journeys.server import TurnedClock


class Visitor:
    """A patron with a phone."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def signs_in(self, card_number: str = GUARDIAN[0], pin: str = GUARDIAN[1], *, keeps: bool = True) -> None:
        self.page.goto("/login")
        self.page.get_by_label("Lånekortnummer").fill(card_number)
        self.page.get_by_label("PIN-kode").fill(pin)
        if keeps:
            self.page.locator("[name=remember]").check()
        self.page.get_by_role("button", name="Logg inn").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Min side")

    def opens_the_card(self) -> str:
        """Open the card from Min side, and return what a scanner reads on the screen."""
        self.page.get_by_role("navigation", name="Min side").get_by_role("link", name="Lånekort").click()
        expect(self.page).to_have_url("/card")
        return self.shows_code()

    def shows_code(self) -> str:
        code = self.page.get_by_role("img", name="Koden på lånekortet")
        expect(code).to_be_visible()
        # A notice above it may leave it below the screen's edge.
        code.scroll_into_view_if_needed()
        return read_code(self.page, "QRCode")

    def signs_out(self) -> None:
        self.page.get_by_role("button", name="Logg ut").click()
        expect(self.page).to_have_url("/")


def read_code(page: Page, kind: str) -> str:
    """Hold the screen before a scanner, which looks until it sees one code of this kind, for ten seconds at most."""
    for _ in range(40):
        picture = Image.open(BytesIO(page.screenshot()))
        match [str(found.text) for found in zxingcpp.read_barcodes(picture) if found.format.name == kind]:
            case [code]:
                return code
        page.wait_for_timeout(250)
    raise AssertionError(f"no scanner sees one {kind} on {page.url}")


def desk_signs_in(page: Page, clock: TurnedClock, desk: DemoDesk = DESKS[0]) -> None:
    """Sign in with password and one-time code, which counts once: each time is a step later."""
    clock.turn_into_step(seconds=1)
    page.goto("/desk/login")
    page.locator("[name=username]").fill(desk.username)
    page.locator("[name=password]").fill(desk.password)
    page.locator("[name=code]").fill(pyotp.TOTP(desk.totp_secret).at(clock()))
    page.get_by_role("button", name="Logg inn").click()
    expect(page.get_by_label("Skann lånekort")).to_be_focused()


def scan(desk: Page, payload: str) -> Locator:
    """Type like a scanner: into whatever has the focus, with Enter behind. Returns the result on the page."""
    expect(desk.get_by_label("Skann lånekort")).to_be_focused()
    with desk.expect_navigation():
        desk.keyboard.type(payload)
        desk.keyboard.press("Enter")
    expect(desk.get_by_label("Skann lånekort")).to_be_focused()
    expect(desk.get_by_label("Skann lånekort")).to_have_value("")
    return desk.locator("#result")


class Kiosk:
    """A self-check kiosk, which speaks HTTP."""

    def __init__(self, url: str, *, signs_on_as: Authorization = KIOSK_2) -> None:
        self._url = url
        self._password = signs_on_as.to_header()

    def scans(self, payload: str) -> dict[str, str]:
        request = Request(f"{self._url}/api/v1/scan", data=json.dumps({"payload": payload}).encode())
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", self._password)
        with urlopen(request) as answer:
            told: dict[str, str] = json.load(answer)
        return told
