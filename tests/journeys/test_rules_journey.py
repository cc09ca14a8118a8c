"""An administrator changes what a late film costs: patrons read it, and are charged by it, from the chosen day on."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from app.demo.accounts import ADMINISTRATORS
from tests.journeys.conftest import COMPUTER, PHONE, Opener
from tests.journeys.people import Visitor, desk_signs_in
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound

RULES = "/libraries/2023500/rules"
NEW_FEE = "12,50"


@pytest.fixture
def ullensaker(tmp_path: Path) -> Iterator[RunningPortal]:
    """A portal of this test's own: its rules change."""
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        yield portal


def today(portal: RunningPortal) -> date:
    return portal.clock().astimezone(ZoneInfo("Europe/Oslo")).date()


def cost_on(patron: Page, day: date) -> str:
    patron.goto(f"/my/loans/cost?on={day.isoformat()}")
    return " ".join(patron.locator("main").inner_text().split())


@pytest.mark.parametrize("scripted", [True, False], ids=["with a script", "without a script"])
def test_a_fee_changes_on_the_day_that_was_chosen(open_page: Opener, ullensaker: RunningPortal, scripted: bool) -> None:
    # By then the film is late, whatever days the library is closed.
    day = today(ullensaker) + timedelta(days=4)
    desk = open_page(base_url=ullensaker.url, viewport=COMPUTER, java_script_enabled=scripted)
    signs_in(desk, ullensaker)
    desk.goto("/desk/library")
    desk.get_by_role("link", name="Låneregler").click()
    desk.locator("[name='categories.dvd.overdue_per_day_ore']").fill(NEW_FEE)
    desk.get_by_label("Dager da biblioteket er stengt, koster også").check()
    desk.get_by_role("button", name="Lagre utkastet").click()
    expect(desk.locator("main")).to_contain_text("Dette er et utkast")
    expect(desk.locator(".rules-read", has_text=NEW_FEE)).to_have_count(1)
    if scripted:
        assert_sound(desk)
        assert_fits(desk)
    desk.get_by_role("link", name="Sammenlign og publiser").click()
    desk.get_by_label("Reglene gjelder fra").fill(day.isoformat())
    desk.get_by_role("button", name="Sammenlign for denne dagen").click()
    expect(desk.get_by_role("region", name="DVD-filmer")).to_contain_text(NEW_FEE)
    expect(desk.locator("main")).to_contain_text("De beholder fristen sin.")
    if scripted:
        assert_sound(desk)
        assert_fits(desk)
    desk.get_by_role("button", name="Publiser", exact=True).click()
    expect(desk.locator("main")).to_contain_text("Nye regler gjelder fra")
    desk.get_by_role("link", name="Hva de endret").click()
    expect(desk.get_by_role("region", name="DVD-filmer")).to_contain_text(NEW_FEE)
    if scripted:
        assert_sound(desk)
        assert_fits(desk)

    patron = Visitor(open_page(base_url=ullensaker.url, viewport=PHONE))
    patron.signs_in()
    patron.page.goto(RULES)
    expect(patron.page.locator("main")).not_to_contain_text(NEW_FEE)
    expect(patron.page.locator("main")).to_contain_text("Nye regler fra")
    patron.page.get_by_role("link", name="Les hva som endrer seg").click()
    expect(patron.page.get_by_role("region", name="DVD-filmer")).to_contain_text(NEW_FEE)
    if scripted:
        assert_sound(patron.page)
        assert_fits(patron.page)
    patron.page.get_by_role("link", name="Åpningstider og kontakt").click()
    patron.page.get_by_role("link", name="Låneregler").click()
    assert patron.page.url.endswith(RULES)
    assert NEW_FEE not in cost_on(patron.page, day - timedelta(days=1))
    # What is asked beforehand is what will be charged: one day, then two.
    assert NEW_FEE in cost_on(patron.page, day)
    assert "25 kr" in cost_on(patron.page, day + timedelta(days=1))

    ullensaker.clock.turn(seconds=4 * 86400)
    later = Visitor(open_page(base_url=ullensaker.url, viewport=PHONE))
    later.signs_in()
    later.page.goto(RULES)
    expect(later.page.locator("main")).to_contain_text(NEW_FEE)
    assert NEW_FEE in cost_on(later.page, day)


@pytest.mark.parametrize("scripted", [True, False], ids=["with a script", "without a script"])
def test_a_fault_far_down_the_form_is_reached_and_mended_by_the_keyboard_alone(
    open_page: Opener, ullensaker: RunningPortal, scripted: bool
) -> None:
    desk = open_page(base_url=ullensaker.url, viewport=PHONE, java_script_enabled=scripted)
    signs_in(desk, ullensaker)
    desk.goto("/desk/library/rules")
    field = desk.get_by_label("Dager før det slettes hvem som kom inn")
    field.focus()
    desk.keyboard.type("mange")
    desk.keyboard.press("Enter")
    # What is wrong has the focus; its first link leads to the field.
    expect(desk.locator(".ds-alert[role=alert]")).to_be_focused()
    if scripted:
        assert_sound(desk)
        assert_fits(desk)
    desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    desk.keyboard.press("ControlOrMeta+a")
    desk.keyboard.type("14")
    desk.keyboard.press("Enter")
    expect(desk.locator("main")).to_contain_text("Dette er et utkast")
    expect(desk.locator(".rules-read", has_text="sletter det etter 14 dager")).to_have_count(1)


def signs_in(desk: Page, portal: RunningPortal) -> None:
    desk_signs_in(desk, portal.clock, ADMINISTRATORS[0])
