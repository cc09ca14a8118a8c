"""The counter in a real browser: amounts, refusals, and who was served a moment ago. By keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.demo.accounts import DESKS
from tests.doors.visits import AT_MULLSJO_ONLY, CHILD
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import burst, desk_signs_in
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound

SCANNER_IS_LIFTED = 800  # milliseconds from the last key that was typed by hand
HANDS_ARE_BACK = 500  # milliseconds from the end of a scan: what comes sooner is its rest


def escape(desk: Page) -> None:
    """Press Escape by hand: a key that comes at once with a scan is the scanner's."""
    desk.wait_for_timeout(SCANNER_IS_LIFTED)
    desk.keyboard.press("Escape")


@pytest.fixture
def mullsjo(tmp_path: Path) -> Iterator[RunningPortal]:
    """A portal of this test's own, where money may change hands."""
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        yield portal


@pytest.fixture
def debtor(open_page: Opener, mullsjo: RunningPortal) -> Page:
    """The desk at Mullsjö, with somebody before it who owes 250 kr."""
    desk = open_page(base_url=mullsjo.url, viewport=COMPUTER)
    desk_signs_in(desk, mullsjo.clock, DESKS[1])
    expect(desk.locator("#run-keys")).to_be_visible()
    burst(desk, AT_MULLSJO_ONLY[0])
    expect(desk.get_by_label("Beløp (SEK)")).to_have_value("250")
    return desk


def test_an_amount_that_is_half_typed_stays_while_items_are_scanned_and_is_then_paid(debtor: Page):
    amount = debtor.get_by_label("Beløp (SEK)")
    amount.focus()
    amount.press("ControlOrMeta+A")
    debtor.keyboard.type("10", delay=250)
    debtor.wait_for_timeout(SCANNER_IS_LIFTED)
    burst(debtor, "1002")
    expect(debtor.locator(".line[data-state=refused]")).to_contain_text("Det låneren skylder, må gjøres opp først")
    expect(amount).to_have_value("10")
    expect(amount).to_be_focused()
    debtor.wait_for_timeout(HANDS_ARE_BACK)
    debtor.keyboard.type("0,5", delay=250)
    debtor.keyboard.press("Enter")
    expect(debtor.get_by_label("Beløp (SEK)")).to_be_focused()
    expect(debtor.get_by_label("Beløp (SEK)")).to_have_value("100,5")
    expect(debtor.locator("#amount-error")).to_have_text(
        "Dette er ikke et beløp. Ingenting er mottatt. Skylder i alt: 250 SEK."
    )
    expect(debtor).to_have_title("Feil: Utlån – Lånekort")
    expect(debtor).to_have_url("/desk")
    assert_sound(debtor)
    assert_fits(debtor)
    debtor.wait_for_timeout(SCANNER_IS_LIFTED)
    burst(debtor, "1002")
    expect(debtor.locator(".line[data-state=refused]")).to_have_count(2)
    debtor.wait_for_timeout(HANDS_ARE_BACK)
    debtor.keyboard.press("End")
    debtor.keyboard.type("0", delay=250)
    expect(debtor.locator("#amount-error")).to_be_visible()
    debtor.keyboard.press("Enter")
    expect(debtor.get_by_text("Mottatt 100,50 SEK. Skylder nå 149,50 SEK.")).to_be_visible()
    expect(debtor.get_by_label("Beløp (SEK)")).to_have_value("149,50")
    escape(debtor)
    expect(debtor.get_by_text("Klar for neste kort")).to_be_visible()
    expect(debtor.get_by_text("Mottatt")).to_have_count(0)


def test_a_visit_that_was_ended_by_mistake_goes_on_by_keyboard_for_ten_minutes(
    open_page: Opener, portal: RunningPortal
):
    desk = open_page(viewport=COMPUTER)
    desk.clock.install()
    desk_signs_in(desk, portal.clock)
    expect(desk.locator("#run-keys")).to_be_visible()
    burst(desk, CHILD[0])
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    escape(desk)
    again = desk.get_by_role("region", name="Nylig").get_by_role("button", name="Jonas Solvang")
    expect(again).to_be_visible()
    assert_sound(desk)
    assert_fits(desk)
    for _ in range(60):
        desk.keyboard.press("Tab")
        if again.evaluate("button => button === document.activeElement"):
            break
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", level=1)).to_have_text("Jonas Solvang")
    escape(desk)
    expect(again).to_be_visible()
    desk.clock.fast_forward("09:00")
    expect(again).to_be_visible()
    desk.clock.fast_forward("01:02")
    expect(again).to_have_count(0)
    expect(desk.get_by_role("region", name="Nylig")).to_have_count(0)


def test_after_signing_out_no_name_is_left_in_the_browser(open_page: Opener, portal: RunningPortal):
    desk = open_page(viewport=COMPUTER)
    desk_signs_in(desk, portal.clock)
    expect(desk.locator("#run-keys")).to_be_visible()
    burst(desk, CHILD[0])
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    escape(desk)
    expect(desk.get_by_role("button", name="Jonas Solvang")).to_be_visible()
    kept = desk.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "Solvang" not in kept
    desk.get_by_role("button", name="Logg ut").click()
    expect(desk).to_have_url("/desk/login")
    desk.go_back()
    expect(desk).to_have_url("/desk/login")
    assert "Solvang" not in desk.content()
    assert "Solvang" not in (desk.evaluate("sessionStorage.getItem('desk-run')") or "")


def test_a_card_that_is_scanned_on_find_patron_shows_its_patron(open_page: Opener, desk_cookies: Path):
    desk = open_page(viewport=COMPUTER, storage_state=desk_cookies)
    desk.goto("/desk/find")
    expect(desk.locator("#run-keys")).to_be_visible()
    burst(desk, "N999999999")
    expect(desk.locator(".line[data-state=refused]")).to_be_visible()
    expect(desk.get_by_label("Telefon")).to_be_visible()
    burst(desk, CHILD[0])
    expect(desk.get_by_role("heading", level=1)).to_have_text("Jonas Solvang")
    expect(desk).to_have_url("/desk")
    escape(desk)


def test_what_is_wrong_in_enrolling_is_mended_by_keyboard(open_page: Opener, desk_cookies: Path):
    desk = open_page(viewport=COMPUTER, storage_state=desk_cookies)
    desk.goto("/desk/enrol/details")
    expect(desk.locator("#run-keys")).to_be_visible()
    desk.get_by_label("Navn").fill("Ola Nordli")
    desk.get_by_role("button", name="Lag kortet").press("Enter")
    expect(desk).to_have_title("Feil: Ny låner – Lånekort")
    expect(desk.locator("#page [role=alert]")).to_be_focused()
    assert_sound(desk)
    assert_fits(desk)
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Fødselsdato")).to_be_focused()
    expect(desk.get_by_label("Navn")).to_have_value("Ola Nordli")
