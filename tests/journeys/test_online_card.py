"""From the start page to a card that turns and is scanned, with the real sign-in service between them."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.config import demo_settings
from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.work.worker import work_once
from tests.journeys.conftest import Opener
from tests.journeys.people import Kiosk, Visitor, desk_signs_in, scan
from tests.journeys.server import RunningPortal, TurnedDemonstration, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound

Look = Callable[[Page], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    return tmp_path_factory.mktemp("online")


@pytest.fixture(scope="module")
def portal(folder) -> Iterator[RunningPortal]:
    """A portal of its own: the sign-in service's clock is the true one, so this one is hardly turned."""
    with running_portal(folder, eid=True) as running:
        yield running


@pytest.fixture(scope="module")
def worker(folder, portal: RunningPortal) -> Iterator[Flask]:
    app = TurnedDemonstration(folder, demo_settings(folder)).build()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def read_code(worker: Flask) -> Callable[[], str]:
    """Let the worker send what is due, and read the code in the newest message."""

    def read() -> str:
        with worker.app_context():
            while work_once():
                pass
            db.session.remove()
        inbox: Inbox = worker.extensions["post"]
        codes = [re.search(r"^\d{6}$", letter.body, re.MULTILINE) for letter in inbox.read()]
        return next(code.group() for code in codes if code)

    return read


def no_look(_page: Page) -> None:
    pass


def look_closely(page: Page) -> None:
    size = page.viewport_size
    assert_sound(page)
    assert_fits(page)
    assert size is not None
    page.set_viewport_size(size)


def go_on(page: Page, name: str = "Gå videre") -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def sign_in_as(page: Page, name: str) -> None:
    """Choose a test person at the service, and come back; without JavaScript one presses the button there."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Velg testperson")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(re.compile(r"/(register|card|my|sign-in/return)"))
    if "/sign-in/return" in page.url and page.locator("#answer").count():
        go_on(page)


def fill_in(page: Page, read_code: Callable[[], str], *, email: str, look: Look = no_look) -> None:
    expect(page).to_have_url("/register/details")
    look(page)
    page.get_by_role("textbox", name="E-post").fill(email)
    page.get_by_text("Telefon og postadresse, hvis du vil").click()
    look(page)
    page.get_by_label("Postnummer").fill("2050")
    page.get_by_label("Poststed").fill("Jessheim")
    page.get_by_label("Adresse", exact=True).fill("Storgata 2")
    go_on(page)
    expect(page).to_have_url("/register/library")
    look(page)
    page.get_by_label("Søk på navn eller sted").fill("jessheim")
    page.keyboard.press("Enter")
    page.wait_for_url("**/register/library?q=jessheim")
    expect(page.get_by_label("Ullensaker bibliotek")).to_be_checked()
    go_on(page)
    expect(page).to_have_url("/register/email")
    look(page)
    go_on(page, "Send meg en kode")
    expect(page.get_by_label("Kode", exact=True)).to_be_visible()
    look(page)
    page.get_by_label("Kode", exact=True).fill("00")
    go_on(page, "Bekreft")
    expect(page.locator("#code-error")).to_have_text("Koden er feil eller for gammel.")
    page.get_by_label("Kode", exact=True).fill(read_code())
    go_on(page, "Bekreft")


def agree(page: Page) -> None:
    page.get_by_label("Jeg godtar reglene for lånekortet").check()
    page.get_by_label("Jeg har lest hva som lagres om meg, og hvorfor").check()


def test_from_the_start_page_to_a_card_that_turns_and_is_scanned(
    open_page: Opener, portal: RunningPortal, read_code: Callable[[], str], kiosk: Kiosk
) -> None:
    phone = Visitor(open_page(device_scale_factor=2, is_mobile=True, has_touch=True))
    page = phone.page
    page.goto("/")
    page.get_by_role("link", name="Få digitalt lånekort").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Få digitalt lånekort")
    look_closely(page)
    page.get_by_role("link", name="Gå videre med ID-porten").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Velg testperson")
    look_closely(page)
    sign_in_as(page, "Anne Dahl")
    fill_in(page, read_code, email="anne@example.org", look=look_closely)
    expect(page).to_have_url("/register/finish")
    look_closely(page)
    go_on(page, "Lag kortet mitt")
    expect(page).to_have_url("/register/finish")
    agree(page)
    go_on(page, "Lag kortet mitt")
    expect(page).to_have_url("/card")
    assert_sound(page)
    first = phone.shows_code()
    desk = open_page(viewport={"width": 1280, "height": 900})
    desk_signs_in(desk, portal.clock)
    page.reload()
    code = phone.shows_code()
    assert code != first, "the card turns"
    result = scan(desk, code)
    expect(result).to_contain_text("Anne Dahl")
    assert kiosk.scans(code)["reason"] == "REPLAY"


def test_every_step_works_without_javascript(
    open_page: Opener, portal: RunningPortal, read_code: Callable[[], str]
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Få digitalt lånekort").click()
    page.get_by_role("link", name="Kort til barnet mitt").click()
    sign_in_as(page, "Lars Dahl")
    expect(page).to_have_url("/register/child")
    page.get_by_label("Barnets fulle navn").fill("Emil Dahl")
    page.get_by_label("Barnets fødselsdato").fill("2017-06-03")
    page.get_by_label("Barnets fødselsnummer").fill("03861770027")
    page.get_by_label("Jeg er barnets foresatte").check()
    go_on(page)
    fill_in(page, read_code, email="lars@example.org")
    agree(page)
    page.get_by_label("En jeg velger selv").check()
    page.get_by_label("Din egen PIN-kode").fill("1234")
    go_on(page, "Lag kortet til barnet")
    expect(page).to_have_url("/register/finish")
    page.get_by_label("Din egen PIN-kode").fill("7194")
    agree(page)
    go_on(page, "Lag kortet til barnet")
    expect(page).to_have_url("/register/child-card")
    expect(page.get_by_role("heading", level=1)).to_have_text("Emil Dahl har fått lånekort")
    number = page.locator("main strong").inner_text()
    child = Visitor(open_page(java_script_enabled=False))
    child.signs_in(number, "7194")
    child.opens_the_card()


def test_a_child_of_fourteen_and_a_guardian_finish_it_on_one_phone(
    open_page: Opener, portal: RunningPortal, read_code: Callable[[], str]
) -> None:
    page = open_page()
    page.goto("/register")
    page.get_by_role("link", name="Gå videre med ID-porten").click()
    sign_in_as(page, "Mina Berg")
    fill_in(page, read_code, email="mina@example.org")
    expect(page).to_have_url("/register/guardian")
    look_closely(page)
    page.get_by_role("link", name="Den foresatte logger inn med ID-porten").click()
    sign_in_as(page, "Ingrid Solvang")
    agree(page)
    go_on(page, "Lag kortet mitt")
    expect(page).to_have_url("/card")


def test_somebody_who_cancels_at_the_service_is_led_on(open_page: Opener, portal: RunningPortal) -> None:
    page = open_page()
    page.goto("/login")
    page.get_by_role("link", name="Logg inn med ID-porten").click()
    page.get_by_role("button", name="Avbryt").click()
    expect(page.get_by_role("main")).to_contain_text("Innloggingen med ID-porten ble avbrutt")
    look_closely(page)
    page.get_by_role("link", name="Prøv igjen med ID-porten").click()
    sign_in_as(page, "Ingrid Solvang")
    expect(page.get_by_role("heading", level=1)).to_have_text("Min side")
    page.goto("/my/libraries")
    look_closely(page)
    page.goto("/my/libraries/Mull")
    look_closely(page)


def test_somebody_without_a_card_who_wants_to_log_in_is_told_how_to_get_one(
    open_page: Opener, portal: RunningPortal
) -> None:
    page = open_page()
    page.goto("/login")
    page.get_by_role("link", name="Logg inn med ID-porten").click()
    page.get_by_role("button", name="Sara Dahl").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Du har ikke lånekort ennå")
    look_closely(page)
    # The back button leads to no second use of the answer.
    page.go_back()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Min side")
