"""The card without a network: kept on the phone, accepted once, never taken out of it, and gone after signing out."""

import random
import re
from base64 import b32encode
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from sqlalchemy import create_engine, text

from app.config import demo_settings
from app.register.card.cards import KEY_COLUMN
from app.register.keys.vault import Vault
from tests.doors.visits import CHILD, GUARDIAN, KIOSK_1
from tests.journeys.conftest import PHONE, Opener, find_chromium
from tests.journeys.people import Kiosk, Visitor, read_code
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound
from tests.journeys.test_family_journey import opens_settings, switches_on

KEPT = "Kortet ligger på denne telefonen"
WITHOUT_NETWORK = "Du er uten nett. Kortet virker likevel."
PAIRS = 2000


class Phone:
    """A phone with a browser that still has what it kept when it is closed and opened again."""

    def __init__(self, browser: Browser, folder: Path, url: str) -> None:
        self._browser = browser
        self._folder = folder
        self._url = url
        self.open()

    def open(self) -> None:
        self.context: BrowserContext = self._browser.browser_type.launch_persistent_context(
            self._folder,
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
            base_url=self._url,
            locale="nb-NO",
            viewport=PHONE,
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
        )
        self.context.set_default_timeout(90_000)
        self.page: Page = self.context.pages[0]

    def reopen(self) -> None:
        self.context.close()
        self.open()

    def enrols(self, who: tuple[str, str] = GUARDIAN) -> None:
        Visitor(self.page).signs_in(*who)
        self.page.goto("/card")
        expect(self.page.get_by_text(KEPT)).to_be_visible(timeout=90_000)
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    def shows_without_network(self) -> str:
        self.page.goto("/card")
        expect(self.page.get_by_text(WITHOUT_NETWORK)).to_be_visible(timeout=90_000)
        return Visitor(self.page).shows_code()

    def keeps(self) -> dict[str, int]:
        """Count what lies on the phone."""
        counted: dict[str, int] = self.page.evaluate(
            """async () => ({
                databases: (await indexedDB.databases()).length,
                caches: (await caches.keys()).length,
                workers: (await navigator.serviceWorker.getRegistrations()).length,
                storage: localStorage.length + sessionStorage.length,
            })"""
        )
        return counted


NOTHING = {"databases": 0, "caches": 0, "workers": 0, "storage": 0}


@pytest.fixture
def own_phone(browser: Browser, portal: RunningPortal, tmp_path: Path) -> Iterator[Phone]:
    phone = Phone(browser, tmp_path / "phone", portal.url)
    yield phone
    phone.context.close()


def codes_by_python(folder: Path, head: str, portal: RunningPortal) -> list[str]:
    """Work out the card's code at this moment, and half a minute ago, from what the register has sealed."""
    settings = demo_settings(folder)
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        query = text("SELECT sealed_key FROM credentials WHERE number = :number AND key_on_phone")
        sealed = connection.execute(query, {"number": head[3:15]}).scalar_one()
    engine.dispose()
    key = Vault(settings.vault_keys).open(sealed, column=KEY_COLUMN)
    totp = pyotp.TOTP(b32encode(key).decode(), digits=8)
    return [head + totp.at(portal.clock().timestamp() - ago) for ago in (0, 30)]


def test_the_card_shows_with_the_server_stopped_and_is_accepted_once_when_it_is_back(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "portal"
    folder.mkdir()
    with ExitStack() as stack:
        portal = stack.enter_context(running_portal(folder))
        phone = Phone(browser, tmp_path / "phone", portal.url)
        phone.enrols()
    phone.reopen()
    shown = phone.shows_without_network()
    assert shown in codes_by_python(folder, shown[:16], portal)
    assert phone.page.locator("#digits").inner_text().replace(" ", "")[:16] == shown[:16]
    phone.page.goto("/my/loans")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Ingen nettforbindelse")
    with running_portal(folder, port=urlsplit(portal.url).port or 0):
        phone.page.get_by_role("link", name="Vis lånekortet").click()
        expect(phone.page.get_by_text(KEPT)).to_be_visible(timeout=90_000)
        code = Visitor(phone.page).shows_code()
        assert code[:16] == shown[:16]
        assert Kiosk(portal.url).scans(code)["result"] == "accepted"
        assert Kiosk(portal.url, signs_on_as=KIOSK_1).scans(code)["reason"] == "REPLAY"
        phone.context.close()


def test_the_key_cannot_be_taken_out_of_the_phone(own_phone: Phone) -> None:
    own_phone.enrols()
    found = own_phone.page.evaluate(
        """async () => {
            const database = await new Promise((resolve) => {
                const opening = indexedDB.open("lanekort");
                opening.onsuccess = () => resolve(opening.result);
            });
            const [card] = await new Promise((resolve) => {
                const reading = database.transaction("cards").objectStore("cards").getAll();
                reading.onsuccess = () => resolve(reading.result);
            });
            database.close();
            const told = [];
            for (const format of ["raw", "jwk"]) {
                told.push(await crypto.subtle.exportKey(format, card.key).catch((error) => error.name));
            }
            return { told, extractable: card.key.extractable, copy: structuredClone(card.key).extractable,
                     uses: card.key.usages, inText: JSON.stringify(card.key) };
        }"""
    )
    assert found == {
        "told": ["InvalidAccessError", "InvalidAccessError"],
        "extractable": False,
        "copy": False,
        "uses": ["sign"],
        "inText": "{}",
    }


def test_after_signing_out_nothing_is_left_on_the_phone_but_that_it_is_known(own_phone: Phone) -> None:
    own_phone.enrols()
    assert own_phone.keeps() == {"databases": 1, "caches": 1, "workers": 1, "storage": 0}
    own_phone.page.goto("/card")
    own_phone.page.get_by_role("button", name="Logg ut").click()
    expect(own_phone.page).to_have_url("/")
    assert own_phone.keeps() == NOTHING
    assert "lanekort_device" in {cookie["name"] for cookie in own_phone.context.cookies()}
    own_phone.page.goto("/card")
    expect(own_phone.page).to_have_url("/login")


def test_what_is_kept_holds_no_loans_and_no_personal_page(own_phone: Phone) -> None:
    own_phone.enrols()
    for path in ("/my", "/my/loans", "/card", "/my/settings"):
        own_phone.page.goto(path)
    kept = own_phone.page.evaluate(
        """async () => {
            const found = {};
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                    found[new URL(request.url).pathname] = await (await cache.match(request)).text();
                }
            }
            return found;
        }"""
    )
    pages = {path for path in kept if not path.startswith("/static/")}
    assert pages == {"/card/app", "/offline"}
    for path in pages:
        assert not re.search("Solvang|100 001|Et dukkehjem|csrf_token", kept[path]), path


def test_a_borrowed_phone_keeps_nothing(own_phone: Phone) -> None:
    Visitor(own_phone.page).signs_in(keeps=False)
    assert len(Visitor(own_phone.page).opens_the_card()) == 24
    expect(own_phone.page.locator("#countdown")).to_be_visible()
    assert own_phone.keeps() == NOTHING


def test_somebody_who_signs_in_next_finds_nothing_of_the_one_before(own_phone: Phone) -> None:
    own_phone.enrols()
    Visitor(own_phone.page).signs_in(*CHILD, keeps=False)
    assert own_phone.keeps() == NOTHING
    own_phone.page.goto("/card")
    expect(own_phone.page.locator(".pass-name")).to_have_text("Jonas Solvang")


def test_a_card_that_was_taken_off_the_phone_is_thrown_away_when_it_is_online(
    own_phone: Phone, open_page: Opener, kiosk: Kiosk
) -> None:
    own_phone.enrols()
    own_phone.page.goto("/card")
    expect(own_phone.page.get_by_text(KEPT)).to_be_visible()
    own_phone.context.set_offline(True)
    code = own_phone.shows_without_network()
    elsewhere = Visitor(open_page())
    elsewhere.signs_in()
    elsewhere.page.goto("/card/devices")
    this_device = elsewhere.page.get_by_text("Denne enheten", exact=True)
    lost = elsewhere.page.locator("li.ds-card").filter(has_not=this_device).first
    lost.get_by_text("Mistet telefon").click()
    lost.get_by_role("button", name="Fjern kortet fra denne enheten").click()
    expect(elsewhere.page.get_by_role("status").first).to_be_visible()
    assert kiosk.scans(code)["reason"] == "REVOKED"
    own_phone.context.set_offline(False)
    expect(own_phone.page).to_have_url("/login", timeout=90_000)
    assert own_phone.keeps()["databases"] == 0


def test_a_phone_whose_clock_is_wrong_is_told_so_and_shows_the_right_code(
    own_phone: Phone, portal: RunningPortal, kiosk: Kiosk
) -> None:
    portal.clock.turn(seconds=600)
    own_phone.enrols()
    expect(own_phone.page.get_by_text("Klokka på denne telefonen går")).to_be_visible()
    own_phone.context.set_offline(True)
    assert kiosk.scans(own_phone.shows_without_network())["result"] == "accepted"
    own_phone.context.set_offline(False)


def test_a_childs_card_is_on_the_guardians_phone_without_a_network_until_the_child_ends_it(
    own_phone: Phone, phone: Visitor, kiosk: Kiosk
) -> None:
    phone.signs_in(*CHILD, keeps=False)
    page = opens_settings(phone)
    page.get_by_label("Gi tillatelse til å se mine lån").fill(GUARDIAN[0])
    page.get_by_label("Den foresatte kan ha kortet mitt på sin telefon").check()
    page.get_by_role("button", name="Send tillatelse").click()
    expect(page.get_by_role("status").first).to_contain_text("Tillatelsen er sendt")

    guardian = Visitor(own_phone.page)
    guardian.signs_in()
    switches_on(opens_settings(guardian), "Jonas Solvang")
    own_phone.page.goto("/card")
    expect(own_phone.page.get_by_text(KEPT)).to_be_visible(timeout=90_000)
    own_phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    own_phone.context.set_offline(True)
    own_phone.shows_without_network()
    expect(own_phone.page.locator(".pass-name")).to_have_text(["Ingrid Solvang", "Jonas Solvang"])
    own_phone.page.get_by_role("link", name="Jonas Solvang").press("Enter")
    expect(own_phone.page.locator(".pass-link[aria-current]")).to_have_text("Jonas Solvang")
    expect(own_phone.page.locator(".pass-slot").nth(1)).to_be_in_viewport(ratio=0.98)
    code = read_code(own_phone.page, "QRCode")
    own_phone.context.set_offline(False)
    assert_sound(own_phone.page)
    assert_fits(own_phone.page)
    assert kiosk.scans(code)["patron"]["name"] == "Jonas Solvang"  # type: ignore[index]

    phone.page.goto("/my/settings")
    phone.page.get_by_role("button", name="Trekk tilbake tillatelse").click()
    expect(phone.page.get_by_role("status").first).to_contain_text("trukket tilbake")
    assert kiosk.scans(code)["reason"] == "REVOKED"
    own_phone.page.goto("/card")
    expect(own_phone.page.locator(".pass-name")).to_have_text(["Ingrid Solvang"], timeout=90_000)


def test_webcrypto_and_python_work_out_the_same_codes(open_page: Opener) -> None:
    draw = random.Random()
    pairs = [(draw.randbytes(20), draw.randrange(2**33)) for _ in range(PAIRS)]
    page = open_page()
    page.goto("/offline")
    worked_out = page.evaluate(
        """async (pairs) => {
            const { totp } = await import("/static/js/card/keys.js");
            const codes = [];
            for (const [hex, step] of pairs) {
                const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
                const algorithm = { name: "HMAC", hash: "SHA-1" };
                const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
                codes.push(await totp(key, step));
            }
            return codes;
        }""",
        [(key.hex(), instant // 30) for key, instant in pairs],
    )
    assert worked_out == [pyotp.TOTP(b32encode(key).decode(), digits=8).at(instant) for key, instant in pairs]


@pytest.mark.parametrize("path", ["/card/app", "/offline"])
def test_the_pages_that_are_kept_are_accessible(open_page: Opener, path: str) -> None:
    page = open_page()
    with suppress(Error):
        page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_sound(page)
    assert_fits(page)
