"""A library looks after itself: people, machines, opening hours and rules, without an operator's shell.

Both buildings are servers of their own, which speak HTTP with each other. The operator is needed once, at first.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyotp
import pytest
from babel.dates import format_date
from flask import current_app
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import exists, select
from werkzeug.datastructures import Authorization

from app.demo.accounts import DemoDesk
from app.messages.channels import Channels
from app.messages.smtp import Smtp
from app.work.worker import work_once
from circulation.lending.claims import run_claims
from circulation.libraries import open_libraries
from circulation.settings import Settings
from circulation.tables import Claim, Item, Loan
from tests.doors.visits import GUARDIAN
from tests.journeys.conftest import COMPUTER, PHONE, Opener
from tests.journeys.people import SCAN_FIELD, Kiosk, Visitor, desk_signs_in, scan
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound
from tests.mail import MailServer, running_mail_server

LIBRARY = "2023500"
GOOD = "frosken hopper i dammen"
NEW_FEE = "12,50"
FILM, BOOK, OTHER_BOOK = "2017", "2003", "2002"  # the guardian has the film, which is late; the books are on the shelf
WITH_PASSKEY = "Bruk ansikt, finger eller skjermlås"
_ROOT = Path(__file__).parents[2]
_LOCK = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[RunningPortal]:
    """A portal of this journey's own, whose address is a name, to which a browser binds passkeys."""
    with running_portal(tmp_path, apart=True) as running:
        yield running


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


def operator(portal: RunningPortal, *command: str) -> str:
    """Run one of the operator's commands; what it prints."""
    flask = [sys.executable, "-m", "flask", "--app", "demo", *command]
    here = os.environ | {"LANEKORT_INSTANCE": str(portal.folder)}
    return subprocess.run(flask, cwd=_ROOT, env=here, capture_output=True, text=True, check=True).stdout


def employ_first_administrator(portal: RunningPortal) -> DemoDesk:
    """Let the first administrator in, where the demonstration's own has left."""
    operator(portal, "staff", "dismiss", "admin-2023500")
    said = operator(portal, "staff", "employ", LIBRARY, "liv", "Liv Leder", "--role", "administrator")
    password, key = re.findall(r"^(?:Password|Key of the one-time codes): (\S+)$", said, re.MULTILINE)
    return DemoDesk(LIBRARY, "liv", "Liv Leder", password, key)


def give_screen_lock(page: Page, *passkeys: dict[str, Any]) -> tuple[CDPSession, str]:
    """Give a page an authenticator of its own with passkeys; return the session with it, and its id.

    It is gone once a scanner was used on the page, which ends a session of the same kind.
    """
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable", {"enableUI": False})
    lock = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": _LOCK})["authenticatorId"]
    for passkey in passkeys:
        cdp.send("WebAuthn.addCredential", {"authenticatorId": lock, "credential": passkey})
    return cdp, lock


def send_mail(portal: RunningPortal, mail: MailServer) -> str:
    """Let the worker send what is due by SMTP, and return the way of the link in the newest mail."""
    with portal.inside():
        current_app.extensions["post"] = Channels({"email": Smtp(mail.url, "lanekort@example.org")})
        while work_once():
            pass
    found = re.search(r"https?://\S+(/desk/join/\S+)", mail.received[-1].get_content())
    assert found is not None
    return found[1]


def today(portal: RunningPortal) -> date:
    return portal.clock().astimezone(ZoneInfo("Europe/Oslo")).date()


def words_of(page: Page, address: str) -> str:
    page.goto(address)
    return " ".join(page.locator("main").inner_text().split())


def cost_on(patron: Page, day: date) -> str:
    """What the guardian is told that the late loans cost on a day."""
    return words_of(patron, f"/my/loans/cost?on={day.isoformat()}")


def lend(desk: Page, barcode: str) -> str:
    """Lend to the guardian at the desk; what the line says."""
    desk.goto("/desk")
    scan(desk, GUARDIAN[0])
    return scan(desk, barcode).inner_text()


def due_on(portal: RunningPortal, barcode: str) -> date:
    """Look into the library's database for when a loan is due."""
    database = open_libraries(Settings.for_demo(instance=portal.folder))[LIBRARY].database
    with database.reading() as session:
        query = select(Loan.due_on).join(Item, Item.id == Loan.item_id).where(Item.barcode == barcode)
        day = session.scalars(query).one()
    database.close()
    return day


def is_claimed_after_the_daily_run(portal: RunningPortal, barcode: str) -> bool:
    """Make the claims that are due at the library; tell whether one was made for a copy."""
    library = open_libraries(Settings.for_demo(instance=portal.folder))[LIBRARY]
    now = portal.clock()
    run_claims(database=library.database, policy=library.policy_at(now), now=now)
    with library.database.reading() as session:
        claims = exists().where(Claim.loan_id == Loan.id, Loan.item_id == Item.id, Item.barcode == barcode)
        claimed = session.scalar(select(claims))
    library.database.close()
    return bool(claimed)


def test_a_library_looks_after_itself(open_page: Opener, portal: RunningPortal, mail: MailServer) -> None:
    liv, kari = (open_page(base_url=portal.url, viewport=COMPUTER) for _ in range(2))
    # The virtual authenticator would answer a suggestion before anybody has asked it.
    kari.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
    cdp, lock = give_screen_lock(kari)
    phone = Visitor(open_page(base_url=portal.url, viewport=PHONE))
    day = today(portal) + timedelta(days=6)
    open_weekday = (day.weekday() + 3) % 7

    # The operator lets the first administrator in, who invites a colleague.
    first = employ_first_administrator(portal)
    desk_signs_in(liv, portal.clock, first)
    for way in ("Biblioteket", "Ansatte", "Inviter en kollega"):
        liv.get_by_role("link", name=way, exact=True).click()
    for field, typed in (("Navn", "Kari Nordmann"), ("E-post", "kari@example.org"), ("Brukernavn", "kari")):
        liv.get_by_label(field, exact=True).fill(typed)
    liv.get_by_label("Rolle").select_option("administrator")
    liv.get_by_role("button", name="Send invitasjonen").click()
    expect(liv.get_by_text("Kari Nordmann er invitert.")).to_be_visible()

    # The colleague chooses a password that nobody guesses, connects an app for codes, and adds a passkey.
    link = send_mail(portal, mail)
    assert mail.received[-1]["To"] == "kari@example.org"
    kari.goto(link)
    expect(kari.locator(".join-code svg")).to_be_visible()
    key = kari.locator("main code").inner_text().replace(" ", "")
    for password in ("michaeljordan", GOOD):
        kari.get_by_label("Passord").fill(password)
        kari.get_by_label("Engangskode").fill(pyotp.TOTP(key).at(portal.clock()))
        kari.get_by_role("button", name="Fullfør og logg inn").click()
        if password != GOOD:
            expect(kari.get_by_role("alert")).to_contain_text("Dette er lett å gjette")
    expect(kari.get_by_role("heading", level=1)).to_have_text("Innloggingen din")
    kari.get_by_label("Navn", exact=True).fill("Jobbmobilen")
    kari.get_by_role("button", name="Legg til en passnøkkel").click()
    expect(kari.get_by_text("Neste gang kan du logge inn med ansikt")).to_be_visible()
    kari.get_by_role("button", name="Logg ut").click()
    kari.goto(link)
    expect(kari.get_by_role("heading", level=1)).to_have_text("Denne lenken virker ikke")

    # The passkey is enough alone, and stands for password and code where it is asked once more who it is.
    kari.goto("/desk/login")
    kari.get_by_role("button", name=WITH_PASSKEY).click()
    expect(kari.get_by_label(SCAN_FIELD)).to_be_focused()
    portal.clock.turn(seconds=11 * 60)
    kari.get_by_role("link", name="Biblioteket").click()
    kari.get_by_role("link", name="Automater og systemer").click()
    kari.get_by_label("Navn", exact=True).fill("kiosk9")
    kari.get_by_role("button", name="Koble til").click()
    expect(kari.get_by_role("heading", level=1)).to_have_text("Bekreft at det er deg")
    kari.get_by_role("button", name="Bekreft med ansikt, finger eller skjermlås").click()

    # The kiosk's password is shown once, and lets it scan.
    password = kari.locator(".secret").inner_text()
    kari.get_by_role("link", name="Jeg har den").click()
    machine = kari.locator(".machines > li").filter(has_text="2023500-kiosk9")
    expect(machine).to_contain_text("Har ikke vært innom ennå.")
    assert password not in kari.content()
    kiosk = Kiosk(portal.url, signs_on_as=Authorization("basic", {"username": "2023500-kiosk9", "password": password}))
    phone.signs_in()
    assert kiosk.scans(phone.opens_the_card())["result"] == "accepted"
    kari.reload()
    expect(machine).to_contain_text("Sist innom")

    passkeys = cdp.send("WebAuthn.getCredentials", {"authenticatorId": lock})["credentials"]

    # She changes when the library is open, and what a late film costs, from a day on.
    lend(kari, BOOK)
    before = due_on(portal, BOOK)
    kari.goto("/desk/library/hours")
    for field in kari.locator(".week-fields input").all():
        field.fill("")
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    kari.locator(f"[name={days[open_weekday]}_staffed_from]").fill("12:00")
    kari.locator(f"[name={days[open_weekday]}_staffed_to]").fill("18:30")
    kari.locator("[name=since]").fill(day.isoformat())
    kari.get_by_role("button", name="Lagre", exact=True).click()
    expect(kari.get_by_role("status").first).to_be_visible()
    assert_fits(kari)
    kari.goto("/desk/library/rules")
    kari.locator("[name='categories.dvd.overdue_per_day_ore']").fill(NEW_FEE)
    kari.get_by_label("Dager da biblioteket er stengt, koster også").check()
    kari.get_by_role("button", name="Lagre utkastet").click()
    expect(kari.locator(".rules-read", has_text=NEW_FEE)).to_have_count(1)
    assert_sound(kari)
    kari.get_by_role("link", name="Sammenlign og publiser").click()
    kari.get_by_label("Reglene gjelder fra").fill(day.isoformat())
    kari.get_by_role("button", name="Sammenlign for denne dagen").click()
    expect(kari.get_by_role("region", name="DVD-filmer")).to_contain_text(NEW_FEE)
    assert_sound(kari)
    assert_fits(kari)
    kari.get_by_role("button", name="Publiser", exact=True).click()
    expect(kari.locator("main")).to_contain_text("Nye regler gjelder fra")
    portal.work()

    # The film's first claim is about to go out; it is looked for on the shelf first.
    kari.goto("/desk/lists")
    claim = kari.get_by_role("listitem").filter(has_text="Fjellvåken over Gardermoen")
    claim.get_by_label("Hvorfor").select_option("searching")
    claim.get_by_role("button", name="Stans").click()
    expect(claim).to_contain_text("Stoppet: eksemplaret blir lett etter")

    # Until the day comes, nothing has changed for patrons. What will be asked, they are told beforehand.
    assert NEW_FEE not in words_of(phone.page, f"/libraries/{LIBRARY}/rules")
    assert NEW_FEE not in cost_on(phone.page, day - timedelta(days=1))
    assert NEW_FEE in cost_on(phone.page, day)

    # On the day: the rules page, the due date of what is lent, and what the late film costs.
    portal.clock.turn(seconds=(day - today(portal)).days * 86_400)
    assert not is_claimed_after_the_daily_run(portal, FILM)
    assert NEW_FEE in words_of(phone.page, f"/libraries/{LIBRARY}/rules")
    assert "12:00–18:30" in words_of(phone.page, f"/libraries/{LIBRARY}")
    assert NEW_FEE in cost_on(phone.page, day)

    # On another computer of hers the browser suggests the passkey in the field for the user name.
    other = open_page(base_url=portal.url, viewport=COMPUTER)
    give_screen_lock(other, *passkeys)
    other.goto("/desk/login")
    expect(other.get_by_label(SCAN_FIELD)).to_be_focused()
    line = lend(other, OTHER_BOOK)
    due = due_on(portal, OTHER_BOOK)
    assert due.weekday() == open_weekday
    assert due >= day + timedelta(days=28)
    assert format_date(due, "d. MMMM", locale="nb") in line
    assert due_on(portal, BOOK) == before
    other.goto("/desk/returns")
    scan(other, FILM)
    assert f"{NEW_FEE} kr" in words_of(phone.page, "/my/loans")

    # The administrator dismisses her: the open page is refused at once, and so is the passkey.
    desk_signs_in(liv, portal.clock, first)
    liv.goto("/desk/library/people")
    liv.get_by_role("link", name="Kari Nordmann").click()
    liv.get_by_text("Avslutt tilgangen for godt").first.click()
    liv.get_by_role("button", name="Avslutt tilgangen for godt").click()
    expect(liv.get_by_text("Kari Nordmann har ikke tilgang lenger.")).to_be_visible()
    other.get_by_role("link", name="Biblioteket").first.click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Logg inn i skranken")
    give_screen_lock(kari, *passkeys)
    kari.goto("/desk/login")
    kari.get_by_role("button", name=WITH_PASSKEY).click()
    expect(kari.get_by_role("alert")).to_contain_text("Det virket ikke.")

    liv.goto("/desk/library/acts")
    acts = [row.inner_text() for row in liv.locator("tbody tr").all()]
    done = ("Avsluttet tilgangen til kari", "Publiserte låneregler", "Lagret utkastet", "Satte åpningstidene")
    done += ("Koblet til maskinen 2023500-kiosk9", "Inviterte kari", "Gjorde liv til administrator")
    assert all(any(what in act for act in acts) for what in done), acts
    assert "liv" in acts[0]
    phone.page.goto("/card")
    assert kiosk.scans(phone.shows_code())["result"] == "accepted"
