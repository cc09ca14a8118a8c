"""Face, finger or screen lock in place of card number, PIN and code, in a browser with an authenticator of its own."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect
from sqlalchemy import delete

from app.register.store.transaction import db, writing
from app.register.tables.devices import Passkey
from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.conftest import PHONE
from tests.journeys.people import Kiosk, Visitor
from tests.journeys.server import RunningPortal, running_portal

LOG_IN = "Logg inn med ansikt, finger eller skjermlås"
CONFIRM = "Bekreft med ansikt, finger eller skjermlås"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal whose address is a name, and which asks for a code on a new device."""
    with running_portal(tmp_path_factory.mktemp("named"), code=True) as running:
        yield running


@dataclass
class Phone:
    """A phone with a screen lock, which its owner opens at once when it asks, also where it only suggests a passkey."""

    page: Page
    portal: RunningPortal
    cdp: CDPSession
    id: str
    complaints: list[str] = field(default_factory=list)

    def copies_to(self, other: "Phone") -> None:
        """Copy its passkeys to another phone, as the owner's account does."""
        for passkey in self.passkeys():
            other.cdp.send("WebAuthn.addCredential", {"authenticatorId": other.id, "credential": passkey})

    def passkeys(self) -> list[dict[str, Any]]:
        return self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def signs_in(self, card_number: str, pin: str, *, code: bool) -> None:
        page = self.page
        page.goto("/login")
        page.get_by_label("Lånekortnummer").fill(card_number)
        page.get_by_label("PIN-kode").fill(pin)
        page.get_by_label("Hold meg innlogget").check()
        page.get_by_role("button", name="Logg inn", exact=True).click()
        if code:
            expect(page).to_have_url(re.compile("/login/code$"))
            self.portal.work()
            page.get_by_label("Kode").fill(self.newest_code())
            page.get_by_role("button", name="Logg inn").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Min side")

    def newest_code(self) -> str:
        inbox = self.page.context.new_page()
        inbox.goto("/demo/inbox")
        code = re.compile(r"\b\d{6}\b")
        found = code.search(inbox.get_by_role("listitem").filter(has_text=code).first.inner_text())
        inbox.close()
        assert found is not None
        return found[0]

    def switches_on(self) -> None:
        """Take what Min side offers right after the sign-in."""
        self.page.get_by_role("button", name="Slå på for denne enheten").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Mine enheter")
        expect(self.page.get_by_role("status").first).to_contain_text("Neste gang kan du logge inn med ansikt")

    def signs_out(self) -> None:
        self.page.get_by_role("button", name="Logg ut").first.click()
        expect(self.page).to_have_url(f"{self.portal.url}/")


@pytest.fixture(autouse=True)
def no_passkeys(named: RunningPortal) -> None:
    """Leave nobody a passkey from another test: who has one is offered none."""
    with named.inside(), writing():
        db.session.execute(delete(Passkey))


@pytest.fixture
def unlock(browser: Browser, named: RunningPortal) -> Iterator[Callable[..., Phone]]:
    """Hand out phones, each with a screen lock of its own."""
    contexts: list[BrowserContext] = []
    phones: list[Phone] = []

    def hand_out(*, suggests: bool = False, **options: Any) -> Phone:
        context = browser.new_context(
            **{"base_url": named.url, "locale": "nb-NO", "viewport": PHONE, "reduced_motion": "reduce"} | options
        )
        context.set_default_timeout(90_000)
        if not suggests:
            context.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
        contexts.append(context)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable", {"enableUI": False})
        lock = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": lock})
        phone = Phone(page, named, cdp, added["authenticatorId"])
        page.on("pageerror", lambda error: phone.complaints.append(str(error)))
        phones.append(phone)
        return phone

    yield hand_out
    for context in contexts:
        context.close()
    assert [complaint for phone in phones for complaint in phone.complaints] == []


def test_a_patron_switches_it_on_signs_in_by_button_and_by_suggestion_and_takes_it_away(
    unlock: Callable[..., Phone],
) -> None:
    phone, other = unlock(), unlock(suggests=True)
    page = phone.page
    phone.signs_in(*GUARDIAN, code=True)
    phone.switches_on()
    (kept,) = phone.passkeys()
    assert kept["rpId"] == "localhost"
    assert kept["isResidentCredential"]

    phone.signs_out()
    page.goto("/login")
    page.get_by_role("button", name=LOG_IN).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Min side")
    phone.copies_to(other)
    other.page.goto("/login")
    expect(other.page.get_by_role("heading", level=1)).to_have_text("Min side")

    page.goto("/card/devices")
    page.get_by_text("Endre navn eller fjern").click()
    page.get_by_label("Navn").fill("Min gamle telefon")
    page.get_by_role("button", name="Lagre navnet").click()
    expect(page.get_by_role("heading", name="Min gamle telefon")).to_be_visible()
    page.get_by_text("Endre navn eller fjern").click()
    page.get_by_role("button", name="Fjern passnøkkelen").click()
    expect(page.get_by_text("Ingen kan lenger logge inn med passnøkkelen Min gamle telefon.")).to_be_visible()

    phone.signs_out()
    page.goto("/login")
    page.get_by_role("button", name=LOG_IN).click()
    expect(page.get_by_role("alert")).to_contain_text("Det virket ikke, eller kortet er sperret.")
    # After a refusal nothing is suggested: the PIN is next.
    other.signs_out()
    other.page.goto("/login")
    expect(other.page.get_by_role("alert")).to_contain_text("Det virket ikke, eller kortet er sperret.")


def test_from_a_locked_phone_to_a_card_that_is_scanned_in_two_taps(
    unlock: Callable[..., Phone], named: RunningPortal
) -> None:
    touched = {"device_scale_factor": 2, "is_mobile": True, "has_touch": True}
    phone, other = unlock(**touched), unlock(suggests=True, **touched)
    phone.signs_in(*GUARDIAN, code=True)
    phone.switches_on()

    # Kept signed in: the app's icon opens the card.
    phone.page.goto("/card")
    assert is_scanned(phone)

    # Signed out: the icon, and then the button. The phone sees its owner's face by itself.
    phone.signs_out()
    phone.page.goto("/card")
    phone.page.get_by_role("button", name=LOG_IN).tap()
    expect(phone.page).to_have_url(f"{named.url}/card")
    assert is_scanned(phone)

    # Or what the browser suggests in the place of the button.
    phone.copies_to(other)
    other.page.goto("/card")
    expect(other.page).to_have_url(f"{named.url}/card")
    assert is_scanned(other)


def is_scanned(phone: Phone) -> bool:
    # Somebody's code of this half minute may have been scanned.
    phone.portal.clock.turn_into_step(seconds=1)
    phone.page.reload()
    return Kiosk(phone.portal.url).scans(Visitor(phone.page).shows_code())["result"] == "accepted"


def test_a_child_steps_up_with_it_and_a_strangers_face_does_not(unlock: Callable[..., Phone]) -> None:
    phone = unlock()
    page = phone.page
    phone.signs_in(*CHILD, code=False)
    phone.switches_on()
    phone.portal.clock.turn(seconds=700)

    page.goto("/my/pin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bekreft at det er deg")
    phone.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": phone.id, "isUserVerified": False})
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.get_by_text("Det ble avbrutt, eller tok for lang tid.")).to_be_visible()

    phone.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": phone.id, "isUserVerified": True})
    page.get_by_role("button", name=CONFIRM).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bytt PIN-kode")


def test_each_of_two_phones_has_its_own_and_a_second_is_not_made_on_one(unlock: Callable[..., Phone]) -> None:
    phone, tablet = unlock(), unlock()
    for each in (phone, tablet):
        each.signs_in("N000100006", "7346", code=True)
        each.page.goto("/my/passkeys/add")
        each.page.get_by_label("Navn").fill("Mobilen" if each is phone else "Nettbrettet")
        each.page.get_by_role("button", name="Legg til denne enheten").click()
        expect(each.page.get_by_role("heading", level=1)).to_have_text("Mine enheter")

    tablet.page.goto("/my/passkeys/add")
    tablet.page.get_by_role("button", name="Legg til denne enheten").click()
    expect(tablet.page.get_by_text("Denne enheten har en fra før.")).to_be_visible()

    tablet.page.goto("/card/devices")
    phones = tablet.page.get_by_role("listitem").filter(has_text="Mobilen")
    phones.get_by_text("Endre navn eller fjern").click()
    phones.get_by_role("button", name="Fjern passnøkkelen").click()
    expect(tablet.page.get_by_role("heading", name="Nettbrettet")).to_be_visible()
    expect(tablet.page.get_by_role("heading", name="Mobilen")).to_have_count(0)
    tablet.signs_out()
    tablet.page.goto("/login")
    tablet.page.get_by_role("button", name=LOG_IN).click()
    expect(tablet.page.get_by_role("heading", level=1)).to_have_text("Min side")


def test_without_a_script_or_at_another_address_no_button_is_shown(
    unlock: Callable[..., Phone], named: RunningPortal, browser: Browser
) -> None:
    elsewhere = unlock(base_url=named.url.replace("localhost", "127.0.0.1")).page
    elsewhere.goto("/login")
    expect(elsewhere.get_by_role("button", name="Logg inn", exact=True)).to_be_visible()
    expect(elsewhere.get_by_role("button", name=LOG_IN)).to_have_count(0)

    context = browser.new_context(base_url=named.url, locale="nb-NO", java_script_enabled=False)
    page = context.new_page()
    page.goto("/login")
    expect(page.get_by_role("button", name="Logg inn", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=LOG_IN)).to_have_count(0)
    context.close()
