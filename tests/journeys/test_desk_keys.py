"""The desk's keys, and what waits beside its tabs."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from app.demo.accounts import DESKS
from tests.doors.visits import CHILD
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import SCAN_FIELD, burst, desk_signs_in, scan
from tests.journeys.server import RunningPortal
from tests.journeys.test_accessibility import assert_sound

LONGER_THAN_A_SCAN = 300  # milliseconds


def test_the_tabs_have_plain_names_in_their_order(desk: Page) -> None:
    tabs = desk.get_by_role("navigation", name="Skranke").get_by_role("link")
    lending = ["Utlån", "Innlevering", "Finn låner", "Ny låner", "Fjernlån", "Meråpent"]
    names = [*lending, "Lister", "Post", "Beskjeder", "Kortnumre"]
    expect(tabs).to_have_text([re.compile(f"^{name}") for name in names])


def test_each_key_does_what_its_list_says(desk: Page) -> None:
    for key, path in (("F2", "/desk/returns"), ("F3", "/desk/find")):
        desk.keyboard.press(key)
        expect(desk).to_have_url(path)
    expect(desk.locator("main [name=name]")).to_be_focused()
    desk.keyboard.press("Escape")
    desk.locator("main").focus()
    desk.keyboard.press("F3")
    expect(desk.locator("main [name=name]")).to_be_focused()
    desk.locator("main").focus()
    desk.keyboard.press("/")
    expect(desk.get_by_label(SCAN_FIELD)).to_be_focused()
    expect(desk.get_by_label(SCAN_FIELD)).to_have_value("")
    desk.keyboard.press("?")
    keys = desk.get_by_role("dialog", name="Taster i skranken")
    expect(keys).to_be_visible()
    expect(keys.locator("dt")).to_have_text(["/", "F2", "F3", "Esc", "Ctrl P", "?"])
    assert_sound(desk)
    desk.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_escape_closes_the_list_and_does_not_end_the_visit(desk: Page) -> None:
    scan(desk, CHILD[0])
    desk.get_by_role("button", name="Taster").click()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog")).to_be_hidden()
    desk.wait_for_timeout(LONGER_THAN_A_SCAN)
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    desk.keyboard.press("Escape")
    expect(desk.locator("#run")).to_be_hidden()


def test_no_sign_is_a_key_while_somebody_types(desk: Page) -> None:
    desk.goto("/desk/find")
    name = desk.locator("main [name=name]")
    for sign in "a/b?":
        name.press(sign)
        desk.wait_for_timeout(LONGER_THAN_A_SCAN)
    expect(name).to_have_value("a/b?")
    expect(desk.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("scanned", ["/2002", "?2002", "20/02?", "2002?", "2002/"])
def test_no_sign_of_a_scan_is_a_key(desk: Page, scanned: str) -> None:
    desk.locator("main").focus()
    before = desk.locator(".line").count()
    burst(desk, scanned, pause=0)
    line = desk.locator(".line").first
    expect(desk.locator(".line")).to_have_count(before + 1)
    expect(line).to_contain_text(scanned)
    desk.wait_for_timeout(LONGER_THAN_A_SCAN)
    expect(desk.get_by_role("dialog")).to_be_hidden()
    expect(desk.get_by_label(SCAN_FIELD)).not_to_be_focused()
    expect(desk.get_by_label(SCAN_FIELD)).to_have_value("")


def test_a_scan_closes_the_list_of_keys(desk: Page) -> None:
    desk.get_by_role("button", name="Taster").click()
    expect(desk.get_by_role("dialog")).to_be_visible()
    burst(desk, "2002")
    expect(desk.get_by_role("dialog")).to_be_hidden()
    expect(desk.locator(".line").first).to_contain_text("2002")


def test_the_signs_can_be_turned_off_on_this_computer(desk: Page) -> None:
    desk.get_by_role("button", name="Taster").click()
    desk.get_by_label("Bruk / og ? som taster").uncheck()
    desk.get_by_role("button", name="Lukk").click()
    desk.reload()
    for sign in "/?":
        desk.locator("main").focus()
        desk.keyboard.press(sign)
        desk.wait_for_timeout(LONGER_THAN_A_SCAN)
    expect(desk.get_by_role("dialog")).to_be_hidden()
    expect(desk.get_by_label(SCAN_FIELD)).not_to_be_focused()
    desk.keyboard.press("F2")
    expect(desk).to_have_url("/desk/returns")


def test_what_waits_stands_beside_its_tab_once_the_page_stands(open_page: Opener, own_portal: RunningPortal) -> None:
    desk = open_page(base_url=own_portal.url, viewport=COMPUTER)
    held: list[Route] = []
    desk.route("**/desk/badges", lambda route: held.append(route))
    with desk.expect_request("**/desk/badges"):
        desk_signs_in(desk, own_portal.clock, DESKS[1])
    assert scan(desk, "1002").get_attribute("data-state") == "done", "nothing waits for the library's system"
    tab = desk.get_by_role("navigation", name="Skranke").get_by_role("link", name="Fjernlån")
    expect(tab).to_have_accessible_name("Fjernlån")
    held[0].continue_()
    expect(tab).to_have_accessible_name("Fjernlån, 1 venter")
    assert_sound(desk)
    tab.click()
    expect(desk.locator("#requests + ul > li")).to_have_count(1)
