"""After an act the focus is on what changed, and the page says its name, with a script and without one."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doors.visits import GUARDIAN
from tests.journeys.conftest import PHONE, Opener
from tests.journeys.people import Visitor
from tests.journeys.server import RunningPortal


@pytest.mark.parametrize("script", [True, False])
def test_a_renewed_loan_has_the_focus_and_is_named(open_page: Opener, patron_cookies: Path, script: bool) -> None:
    page = open_page(storage_state=patron_cookies, viewport=PHONE, java_script_enabled=script)
    page.goto("/my/loans")
    loan = page.locator(".loan", has=page.get_by_role("button", name="Forny", exact=True)).last
    title = loan.locator(".loan-title").inner_text()
    loan.get_by_role("button", name="Forny", exact=True).click()
    expect(page.locator(".loan", has_text=title).and_(page.locator(":target"))).to_be_visible()
    said = page.get_by_role("status").filter(has_text=title)
    expect(said).to_contain_text("er fornyet til")
    if script:
        expect(page.locator(":target")).to_be_focused()
        expect(said).to_be_in_viewport()


def test_without_anything_that_changed_the_words_have_the_focus(open_page: Opener, patron_cookies: Path) -> None:
    page = open_page(storage_state=patron_cookies, viewport=PHONE)
    page.goto("/my/reminders")
    page.get_by_role("button", name="Lagre").click()
    expect(page.get_by_role("status").filter(has_text="Lagret")).to_be_focused()


def assert_here(page: Page, place: str, *said: str) -> None:
    """Assert that this has the focus, and that the message, which is in view, names what was changed."""
    focused = page.locator(f"#{place}")
    expect(focused).to_be_focused()
    expect(focused).to_be_in_viewport()
    message = page.locator("main > .said").first
    for words in said:
        expect(message).to_contain_text(words)
    expect(message).to_be_in_viewport()


def test_each_act_keeps_somebody_where_they_were(phone: Visitor, freezer: tuple[str, str]) -> None:
    phone.signs_in(*freezer)
    page = phone.page
    page.goto("/my/settings")
    page.get_by_label("Gi tillatelse til å se mine lån").fill(GUARDIAN[0])
    page.get_by_role("button", name="Send tillatelse").click()
    given = page.locator(".permissions strong", has_text=GUARDIAN[0])
    assert_here(page, given.get_attribute("id") or "", GUARDIAN[0])
    page.get_by_role("button", name="La den foresatte ha kortet mitt").click()
    assert_here(page, given.get_attribute("id") or "", GUARDIAN[0])
    page.goto("/my/data")
    page.get_by_text("Se hva det innebærer, og frys").click()
    page.get_by_role("button", name="Frys kortet mitt").click()
    assert_here(page, "frozen", "Kortet er fryst")
    page.get_by_role("button", name="Åpne kortet igjen").click()
    assert_here(page, "freeze", "Kortet kan brukes igjen")
    page.get_by_role("link", name="Endre", exact=True).click()
    page.get_by_label("Poststed").fill("Kløfta")
    page.get_by_role("button", name="Lagre").click()
    assert_here(page, "your-address", "Lagret: Poststed")
    page.goto("/my/settings")
    page.get_by_role("button", name="Trekk tilbake tillatelse").click()
    withdrawn = page.get_by_role("status").filter(has_text=GUARDIAN[0])
    expect(withdrawn).to_be_focused()


@pytest.mark.parametrize("script", [True, False])
def test_a_reservation_that_was_paused_has_the_focus(
    open_page: Opener, portal: RunningPortal, patron_cookies: Path, script: bool
) -> None:
    page = open_page(storage_state=patron_cookies, viewport=PHONE, java_script_enabled=script)
    page.goto("/my/loans")
    waiting = page.locator(".rows > li", has_text="Nummer 1 i køen").first
    title = waiting.locator(".row-text > span").first.inner_text()
    waiting.get_by_text("Endre eller avbestill").click()
    waiting.get_by_label("Siste dag i pausen").fill((portal.clock() + timedelta(days=9)).date().isoformat())
    waiting.get_by_role("button", name="Sett reserveringen på pause").click()
    expect(page.locator(":target")).to_have_text(title)
    expect(page.get_by_role("status").filter(has_text=title)).to_contain_text("på pause til og med")
    if script:
        expect(page.locator(":target")).to_be_focused()
    waiting.get_by_text("Endre eller avbestill").click()
    waiting.get_by_role("button", name="Avslutt pausen").click()
    expect(page.locator(":target")).to_have_text(title)
