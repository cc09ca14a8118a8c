"""Reservations at the desk: made from the line of what somebody else has, or by a title, and picked up by a scan."""

from playwright.sync_api import Page, expect

from tests.doors.visits import CHILD
from tests.journeys.people import scan
from tests.journeys.test_accessibility import assert_fits, assert_sound

NAME = "Jonas Solvang"
ON_LOAN, FREE = "2001", "2006"


def test_what_somebody_else_has_is_reserved_from_its_line_and_that_is_undone(desk: Page) -> None:
    scan(desk, CHILD[0])
    line = scan(desk, ON_LOAN)
    expect(line).to_have_attribute("data-state", "refused")
    desk.get_by_role("button", name=f"Reserver for {NAME}").click()
    first = desk.locator("#lines .line").first
    expect(first).to_have_attribute("data-state", "done")
    expect(first).to_contain_text("Reservert, som nummer 1 i køen.")
    expect(first).to_contain_text("Et dukkehjem")
    expect(desk.locator("#served")).to_contain_text("1 reservering")
    assert_sound(desk)
    first.get_by_role("button", name="Angre").click()
    expect(first).to_contain_text("Angret: ikke reservert.")
    expect(desk.locator("#served")).to_contain_text("Ingen reserveringer nå.")


def test_a_title_is_found_reserved_cancelled_reserved_again_and_lent_by_a_scan(desk: Page) -> None:
    scan(desk, CHILD[0])
    for ending in ("cancelled", "lent"):
        desk.get_by_label("Tittel, forfatter eller strekkode").fill("folkeeventyr")
        desk.get_by_role("button", name="Finn tittel").click()
        expect(desk.locator("#found")).to_contain_text("1 av 1 inne")
        assert_sound(desk)
        assert_fits(desk)
        desk.get_by_role("button", name=f"Reserver for {NAME}").click()
        expect(desk.get_by_role("status").filter(has_text="settes av til")).to_be_visible()
        expect(desk.locator("#served")).to_contain_text("På reserveringshylla til")
        if ending == "cancelled":
            desk.get_by_text("Avbestill reserveringen", exact=True).click()
            desk.get_by_role("button", name="Ja, avbestill").click()
            expect(desk.locator("#served")).to_contain_text("Ingen reserveringer nå.")
    line = scan(desk, FREE)
    expect(line).to_contain_text("Utlånt")
    expect(line).to_contain_text("Reserveringen er avsluttet.")
    expect(desk.locator("#served")).to_contain_text("Ingen reserveringer nå.")
    line.get_by_role("button", name="Angre").click()
    expect(line).to_contain_text("Angret")
    desk.get_by_text("Avbestill reserveringen", exact=True).click()
    desk.get_by_role("button", name="Ja, avbestill").click()
    expect(desk.locator("#served")).to_contain_text("Ingen reserveringer nå.")
