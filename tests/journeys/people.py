"""What people do with a phone, at a desk and at a kiosk, in words."""

import json
import re
import time
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

SCAN_FIELD = "Skann kort eller eksemplar"


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
        self.page.get_by_role("button", name="Logg inn", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Min side")

    def opens_the_card(self) -> str:
        """Open the card from any of the patron's pages, and return what a scanner reads on the screen."""
        ways = self.page.get_by_role("navigation", name="Min side")
        # On a phone Min side has both.
        ways.get_by_role("link", name=re.compile("^(Kort|Lånekort)$")).first.click()
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
    expect(page.get_by_label(SCAN_FIELD)).to_be_focused()


def burst(
    desk: Page,
    text: str,
    *,
    pause: float = 5,
    enter: bool = True,
    halt: float = 0,
    late: float = 0,
    late_after: int = 2,
) -> None:
    """Type like a scanner, into whatever has the focus: `pause` milliseconds between the keys.

    A scanner keeps its pace on a busy computer too, which tells of the keys late, with the times at which they were
    pressed. So these times are given, and do not depend on how fast the test itself is.
    `halt`: milliseconds for which the computer stood still after the third key.
    `late`: milliseconds for which it told of no key after the first `late_after`, while the scanner went on.
    """
    session = desk.context.new_cdp_session(desk)
    pressed = time.time() - halt / 1000
    for place, sign in enumerate([*text, *(["Enter"] if enter else [])]):
        time.sleep(max(0, pressed - time.time(), late / 1000 if place == late_after else 0))
        key = _key(sign) | {"timestamp": pressed}
        session.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": "\r" if sign == "Enter" else sign, **key})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
        pressed += (pause + (halt if place == 2 else 0)) / 1000
    session.detach()


def _key(sign: str) -> dict[str, object]:
    if sign == "Enter":
        return {"key": sign, "code": sign, "windowsVirtualKeyCode": 13}
    if sign == " ":
        return {"key": sign, "code": "Space", "windowsVirtualKeyCode": 32}
    if not sign.isalnum():
        return {"key": sign}
    code = f"Digit{sign}" if sign.isdigit() else f"Key{sign.upper()}"
    return {"key": sign, "code": code, "windowsVirtualKeyCode": ord(sign.upper())}


def scan(desk: Page, payload: str) -> Locator:
    """Scan, and return the line that says what came of it."""
    before = [line.get_attribute("data-key") for line in desk.locator(".line").all()]
    burst(desk, payload)
    line = desk.locator(".line" + "".join(f":not([data-key='{key}'])" for key in before)).first
    expect(line).not_to_have_attribute("data-state", "waiting")
    return line


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
