"""A reservation on the page of loans: paused for a holiday, then cancelled."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor
from tests.journeys.server import RunningPortal
from tests.journeys.test_accessibility import assert_fits, assert_sound


def test_a_reservation_is_paused_and_cancelled_on_a_phone(open_page: Opener, own_portal: RunningPortal):
    page = open_page(base_url=own_portal.url)
    Visitor(page).signs_in()
    page.goto("/my/loans")
    waiting = page.locator(".rows > li", has_text="Nummer 1 i køen")
    title = waiting.locator(".row-text > span").first.inner_text()
    waiting.get_by_text("Endre eller avbestill").click()
    waiting.get_by_label("Siste dag i pausen").fill((own_portal.clock() + timedelta(days=20)).date().isoformat())
    assert_fits(page)
    assert_sound(page)
    waiting.get_by_role("button", name="Sett reserveringen på pause").click()
    said = page.locator("main").get_by_role("status")
    expect(said).to_contain_text(f"Reserveringen av {title} er på pause til og med")
    expect(page).to_have_url(re.compile("/my/loans#hold-[0-9a-f]{12}$"))
    waiting.get_by_text("Endre eller avbestill").click()
    expect(waiting.get_by_role("button", name="Avslutt pausen")).to_be_visible()
    waiting.get_by_text("Avbestill reserveringen").click()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert_fits(page)
    waiting.get_by_role("button", name="Ja, avbestill").click()
    expect(said).to_contain_text(f"Reserveringen av {title} er avbestilt.")
    expect(waiting).to_have_count(0)
