"""A card on a phone through the months: renewed, too old, left without a network, frozen, and one after another."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.rules.card.code import group_digits
from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import Kiosk, Visitor, desk_signs_in, read_code, scan
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound
from tests.journeys.test_offline_card import KEPT, NOTHING, Phone, codes_by_python

PATIENCE = 90_000
LEFT = "Du er logget ut, og kortet er borte fra denne telefonen."
NOT_TOLD_YET = "vet ikke om det ennå"
TOO_OLD = "Du har ikke åpnet dette kortet med nett på 90 dager"
DAY = 86_400


@pytest.fixture
def own_phone(browser: Browser, portal: RunningPortal, tmp_path: Path) -> Iterator[Phone]:
    phone = Phone(browser, tmp_path / "phone", portal.url)
    yield phone
    phone.context.close()


def says(page: Page, words: str) -> None:
    expect(page.locator("main").get_by_role("status").filter(has_text=words)).to_be_visible(timeout=PATIENCE)


def expect_soon(holds: Callable[[], bool], page: Page) -> None:
    """Look again and again, for as long as a loaded machine may need."""
    give_up = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < give_up
        page.wait_for_timeout(100)


def opens_what_is_kept(phone: Phone) -> str:
    phone.page.goto("/card")
    says(phone.page, KEPT)
    return Visitor(phone.page).shows_code()


def leaves_without_network(phone: Phone) -> None:
    phone.context.set_offline(True)
    phone.page.get_by_role("button", name="Logg ut").click()


def desk_reads(browser: Browser, portal: RunningPortal, shown: Callable[[], str]) -> tuple[str, str]:
    """Sign in at the desk, for which the clock goes on, scan, and return the reason for a refusal and the headline."""
    context = browser.new_context(base_url=portal.url, locale="nb-NO", viewport=COMPUTER)  # type: ignore[arg-type]
    page = context.new_page()
    desk_signs_in(page, portal.clock)
    result = scan(page, shown())
    read = result.get_attribute("data-reason") or "", result.locator(".line-headline").inner_text()
    context.close()
    return read


def test_the_key_renews_without_a_word_and_after_ninety_days_without_a_network_the_card_says_so(
    browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        phone = Phone(browser, tmp_path / "phone", portal.url)
        phone.context.clock.install(time=portal.clock())

        def days_go_by(days: int) -> None:
            portal.clock.turn(seconds=days * DAY)
            phone.context.clock.set_system_time(portal.clock())

        phone.enrols()
        former = opens_what_is_kept(phone)[:16]
        days_go_by(20)
        assert opens_what_is_kept(phone)[:16] == former
        days_go_by(11)
        phone.page.goto("/card")
        expect(phone.page.locator("#digits")).not_to_contain_text(group_digits(former), timeout=PATIENCE)
        expect(phone.page).to_have_url("/card")
        expect(phone.page.get_by_text("Klokka på denne telefonen går")).to_have_count(0)
        renewed = Visitor(phone.page).shows_code()[:16]
        assert renewed != former
        assert desk_reads(browser, portal, lambda: codes_by_python(folder, renewed, portal)[0]) == ("", "Godtatt")

        days_go_by(1)
        assert Kiosk(portal.url).scans(codes_by_python(folder, former, portal)[0])["reason"] == "EXPIRED"

        phone.page.goto("about:blank")
        phone.context.set_offline(True)
        days_go_by(90)
        phone.page.goto("/card")
        says(phone.page, TOO_OLD)
        expect(phone.page.locator("#digits")).to_be_hidden()
        assert_sound(phone.page)
        assert_fits(phone.page)
        assert desk_reads(browser, portal, lambda: codes_by_python(folder, renewed, portal)[0])[0] == "EXPIRED"
        phone.context.close()


def test_logging_out_without_a_network_removes_all_at_once_and_ends_the_sign_in_when_it_is_back(
    own_phone: Phone, kiosk: Kiosk
) -> None:
    own_phone.enrols()
    code = opens_what_is_kept(own_phone)
    leaves_without_network(own_phone)
    says(own_phone.page, LEFT)
    says(own_phone.page, NOT_TOLD_YET)
    expect(own_phone.page.locator(".pass")).to_have_count(0)
    assert own_phone.keeps() == NOTHING
    assert_sound(own_phone.page)
    assert_fits(own_phone.page)
    own_phone.context.set_offline(False)
    expect(own_phone.page.locator("#phone-news")).to_have_text(LEFT, timeout=PATIENCE)
    assert kiosk.scans(code)["reason"] == "REVOKED"
    assert "lanekort_left" not in {cookie["name"] for cookie in own_phone.context.cookies()}
    own_phone.page.goto("/my")
    expect(own_phone.page).to_have_url("/login")
    assert own_phone.keeps() == NOTHING


def test_somebody_who_opens_a_phone_that_was_left_without_a_network_sees_nothing_and_the_sign_in_ends(
    own_phone: Phone, kiosk: Kiosk
) -> None:
    own_phone.enrols()
    code = opens_what_is_kept(own_phone)
    leaves_without_network(own_phone)
    says(own_phone.page, NOT_TOLD_YET)
    # Closed, not left for another page: one that is going may still tell the server.
    own_phone.reopen()
    # Nobody was told yet, and the key is on no phone any more.
    assert "reason" not in kiosk.scans(code)
    with own_phone.page.expect_response("**/logout", timeout=PATIENCE):
        own_phone.page.goto("/my")
    expect(own_phone.page).to_have_url("/login")
    assert "lanekort_left" not in {cookie["name"] for cookie in own_phone.context.cookies()}
    assert kiosk.scans(code)["reason"] == "REVOKED"


def test_a_page_that_the_server_drew_is_left_without_a_network_too(own_phone: Phone, kiosk: Kiosk) -> None:
    Visitor(own_phone.page).signs_in(keeps=False)
    code = Visitor(own_phone.page).opens_the_card()
    leaves_without_network(own_phone)
    says(own_phone.page, NOT_TOLD_YET)
    expect(own_phone.page.locator(".pass")).to_have_count(0)
    own_phone.context.set_offline(False)
    expect(own_phone.page.locator(".left-words")).to_have_text(LEFT, timeout=PATIENCE)
    assert kiosk.scans(code)["reason"] == "REVOKED"
    own_phone.page.goto("/card")
    expect(own_phone.page).to_have_url("/login")


def test_logging_out_in_one_window_closes_the_card_in_every_other(own_phone: Phone) -> None:
    own_phone.enrols()
    opens_what_is_kept(own_phone)
    loans = own_phone.context.new_page()
    loans.goto("/my/loans")
    other = own_phone.context.new_page()
    other.goto("/card")
    says(other, KEPT)
    leaves_without_network(own_phone)
    says(own_phone.page, LEFT)
    for page in (other, loans):
        says(page, LEFT)
        expect(page.locator(".pass, .ds-card")).to_have_count(0)
    # A window that was just putting in its worker takes it out again.
    expect_soon(lambda: own_phone.keeps() == NOTHING, own_phone.page)
    own_phone.context.set_offline(False)


def test_of_two_patrons_after_one_another_the_second_finds_nothing_of_the_first(own_phone: Phone) -> None:
    own_phone.enrols(GUARDIAN)
    first = opens_what_is_kept(own_phone)
    own_phone.page.get_by_role("button", name="Logg ut").click()
    expect(own_phone.page).to_have_url("/")
    own_phone.enrols(CHILD)
    assert opens_what_is_kept(own_phone)[:16] != first[:16]
    own_phone.context.set_offline(True)
    own_phone.shows_without_network()
    expect(own_phone.page.locator(".pass-name")).to_have_text(["Jonas Solvang"])
    names = own_phone.page.evaluate(
        """() => new Promise((resolve) => {
            const opening = indexedDB.open("lanekort");
            opening.onsuccess = () => {
                const reading = opening.result.transaction("cards").objectStore("cards").getAll();
                reading.onsuccess = () => resolve(reading.result.map((card) => card.name));
                opening.result.close();
            };
        })"""
    )
    assert names == ["Jonas Solvang"]
    own_phone.context.set_offline(False)


def test_a_browser_without_a_database_shows_the_card_that_the_server_draws(open_page: Opener, kiosk: Kiosk) -> None:
    phone = Visitor(open_page())
    phone.page.context.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    phone.signs_in()
    phone.opens_the_card()
    expect(phone.page.locator("#countdown")).to_be_visible(timeout=PATIENCE)
    phone.page.goto("/card/app")
    expect(phone.page).to_have_url("/card", timeout=PATIENCE)
    expect(phone.page.get_by_text(KEPT)).to_have_count(0)
    assert kiosk.scans(read_code(phone.page, "QRCode"))["result"] == "accepted"
    phone.signs_out()


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_phone_whose_clock_is_set_wrong_is_told_and_shows_the_right_code_with_a_network(
    own_phone: Phone, portal: RunningPortal, kiosk: Kiosk, hours: int
) -> None:
    own_phone.context.clock.install(time=portal.clock().timestamp() + hours * 3600)
    own_phone.enrols()
    own_phone.page.goto("/card")
    says(own_phone.page, "Klokka på denne telefonen går 120 min feil")
    assert kiosk.scans(Visitor(own_phone.page).shows_code())["result"] == "accepted"


def test_a_frozen_card_says_so_on_the_phone_and_is_kept_there_no_longer(
    own_phone: Phone, freezer: tuple[str, str]
) -> None:
    own_phone.enrols(freezer)
    own_phone.page.goto("/my/data")
    own_phone.page.get_by_text("Se hva det innebærer, og frys").click()
    # By key: the page moves while the fold opens, and a tap may then miss.
    own_phone.page.get_by_role("button", name="Frys kortet mitt").press("Enter")
    expect(own_phone.page.get_by_role("button", name="Åpne kortet igjen")).to_be_visible()
    own_phone.page.goto("/card")
    notice = own_phone.page.get_by_role("heading", name="Kortet ditt er fryst")
    expect(notice).to_be_visible(timeout=PATIENCE)
    own_phone.context.set_offline(True)
    own_phone.page.goto("/card")
    expect(own_phone.page.get_by_role("heading", name="Ingen nettforbindelse")).to_be_visible()
    own_phone.context.set_offline(False)
    own_phone.page.goto("/my/data")
    own_phone.page.get_by_role("button", name="Åpne kortet igjen").click()
    own_phone.page.goto("/card")
    expect(notice).to_be_hidden(timeout=PATIENCE)
