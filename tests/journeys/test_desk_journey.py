"""A morning at the desk: people without a card, with one from elsewhere, and a message that somebody has died."""

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from app.demo.accounts import DESKS
from app.rules.people.national_id import NotANationalId, parse_national_id
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import Visitor, desk_signs_in, scan
from tests.journeys.server import RunningPortal
from tests.journeys.test_accessibility import assert_fits, assert_sound

A_SCANNERS_SECOND_ENTER = 400  # milliseconds


def somebodys_number(birth_day: int) -> str:
    """Return a synthetic national number (month + 80) that nobody in the demonstration has."""
    for ending in range(10_000, 100_000):
        number = f"{birth_day:02d}8590{ending}"
        try:
            parse_national_id(number, today=date(2026, 11, 22), allow_synthetic=True)
        except NotANationalId:
            continue
        return number
    raise AssertionError("unreachable")


BY_HAND = 100  # milliseconds a key; what is typed faster comes from a scanner


class Librarian:
    """Somebody at a desk, with a keyboard and a queue."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def opens(self, tab: str) -> None:
        """Open a page of the desk, which is ready when its field has the focus: what is typed before is lost."""
        name = re.compile(f"^{tab}(, .+)?$")
        link = self.page.get_by_role("navigation", name="Skranke").get_by_role("link", name=name)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        expect(self.page.locator("main [autofocus]")).to_be_focused()

    def types(self, *keys: str) -> None:
        """Type into whatever has the focus; what is in capitals and longer than a letter is a key."""
        for key in keys:
            if key in ("Enter", "Tab", "Escape", "Space"):
                self.page.keyboard.press(key)
            else:
                self.page.keyboard.type(key, delay=BY_HAND)

    def enrols(self, name: str, number: str) -> None:
        self.opens("Ny låner")
        self.types(number, "Enter")
        expect(self.page.get_by_label("Navn", exact=True)).to_be_focused()
        self.types(name)
        self.page.get_by_label("Fødselsdato").fill("1990-05-12")
        self.page.get_by_label("E-post", exact=True).fill(f"{name.split()[0].lower()}@example.org")
        self.page.get_by_label("Låneren godtar bibliotekets regler").check()
        self.types("Enter")
        self.reads("har fått kort")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    def unfolds(self, what: str) -> None:
        self.page.get_by_text(what, exact=True).click()

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def reads(self, sentence: str) -> None:
        expect(self.page.get_by_role("status").filter(has_text=sentence)).to_be_visible()

    def is_through(self) -> None:
        """End serving by a key, and be ready for the next card."""
        self.page.wait_for_load_state()
        self.types("Escape")
        expect(self.page.locator("#done")).to_be_hidden()


@pytest.fixture
def librarian(desk: Page) -> Librarian:
    return Librarian(desk)


def test_who_was_scanned_is_served_at_once_and_let_go_by_escape(librarian: Librarian, phone: Visitor) -> None:
    phone.signs_in()
    scan(librarian.page, phone.opens_the_card())
    expect(librarian.page.get_by_role("heading", level=1)).to_have_text("Ingrid Solvang")
    librarian.is_through()
    expect(librarian.page.locator("#lines .line")).to_have_count(0)
    expect(librarian.page.get_by_text("Ingrid Solvang er avsluttet")).to_be_visible()


def test_a_librarian_makes_a_card_for_somebody_who_then_opts_out_of_the_national_one(librarian: Librarian) -> None:
    number = somebodys_number(1)
    librarian.enrols("Kim Tangen", number)
    assert number not in librarian.page.content()
    librarian.unfolds("Reserver låneren mot nasjonalt lånekort")
    librarian.presses("Bekreft: bare dette biblioteket")
    librarian.reads("Kortet gjelder bare ved dette biblioteket.")
    expect(librarian.page.locator("main")).to_contain_text("Lokalt kort: gjelder bare ved dette biblioteket.")
    assert_sound(librarian.page)
    assert_fits(librarian.page)
    librarian.is_through()


def test_somebody_who_has_a_card_from_another_library_has_it_activated_and_gets_no_second_one(
    librarian: Librarian, open_page: Opener, portal: RunningPortal
) -> None:
    number = somebodys_number(2)
    elsewhere = Librarian(open_page(viewport=COMPUTER))
    desk_signs_in(elsewhere.page, portal.clock, DESKS[1])
    elsewhere.enrols("Sanna Ek", number)
    librarian.opens("Ny låner")
    librarian.types(number, "Enter")
    librarian.reads("Denne personen har kort fra før.")
    main = librarian.page.locator("main")
    expect(main).to_contain_text("Sanna Ek")
    expect(main).not_to_contain_text("sanna@example.org")
    assert_sound(librarian.page)
    expect(librarian.page.get_by_label("Jeg har sett legitimasjon med bilde, eller plastkortet")).to_be_focused()
    librarian.types("Space", "Tab", "Space", "Enter")
    librarian.reads("Kortet er aktivert her.")
    expect(main).to_contain_text("sanna@example.org")
    expect(main).to_contain_text("2 bibliotek")
    librarian.is_through()


def test_a_patron_without_a_phone_is_looked_up_and_the_card_is_blocked_and_found(librarian: Librarian) -> None:
    librarian.enrols("Liv Moe", somebodys_number(3))
    librarian.is_through()
    librarian.opens("Finn låner")
    librarian.types("moe l", "Enter")
    expect(librarian.page.get_by_role("alert").filter(has_text="Fyll ut to av feltene")).to_be_visible()
    librarian.page.get_by_label("Fødselsdato").fill("1990-05-12")
    librarian.types("Enter")
    expect(librarian.page.get_by_role("button", name="Betjen", exact=True)).to_be_focused()
    assert_sound(librarian.page)
    librarian.types("Enter")
    expect(librarian.page.get_by_role("link", name="Gå til utlån")).to_be_focused()
    librarian.unfolds("Kortet er mistet")
    librarian.presses("Sperr kortet")
    librarian.reads("Kortet er sperret overalt")
    librarian.presses("Kortet er funnet")
    librarian.reads("Kortet virker igjen.")
    librarian.is_through()


def test_a_death_is_reported_after_one_more_look_and_taken_back_when_it_was_a_mistake(librarian: Librarian) -> None:
    librarian.enrols("Arne Fjeld", somebodys_number(4))
    librarian.page.get_by_role("link", name="Meld dødsfall").click()
    expect(librarian.page.get_by_role("link", name="Avbryt")).to_be_focused()
    expect(librarian.page.locator("main")).to_contain_text("Innen 24 timer slettes alt om personen")
    assert_sound(librarian.page)
    assert_fits(librarian.page)
    librarian.page.get_by_label("Beskjeden om dødsfallet er sikker").check()
    librarian.presses("Bekreft: meld dødsfallet")
    librarian.reads("Dødsfallet er meldt. Kortet er stengt.")
    expect(librarian.page.locator("main")).not_to_contain_text("arne@example.org")
    assert_sound(librarian.page)
    librarian.presses("Trekk meldingen tilbake")
    librarian.reads("Meldingen er trukket tilbake.")
    expect(librarian.page.locator("main")).to_contain_text("arne@example.org")
    librarian.is_through()


def test_without_javascript_a_card_is_made_and_corrected(open_page: Opener, portal: RunningPortal) -> None:
    page = open_page(viewport=COMPUTER, java_script_enabled=False)
    desk_signs_in(page, portal.clock)
    librarian = Librarian(page)
    librarian.enrols("Ida Vik", somebodys_number(5))
    page.get_by_role("link", name="Rett", exact=True).click()
    page.get_by_label("Telefon").fill("12")
    librarian.presses("Lagre")
    expect(page.locator("main")).to_contain_text("Dette er ikke et telefonnummer.")
    page.get_by_label("Telefon").fill("999 00 777")
    librarian.presses("Lagre")
    librarian.reads("Endringene er lagret.")
    expect(page.locator("main")).to_contain_text("+4799900777")
    librarian.presses("Ferdig")
    expect(page).to_have_url("/desk")
