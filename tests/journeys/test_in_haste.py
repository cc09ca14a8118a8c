"""Nobody at the desk waits for answers: what is pressed next is meant for what is scanned next."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.people import SCAN_FIELD, burst, desk_signs_in, scan
from tests.journeys.server import RunningPortal
from tests.journeys.test_busy_desk import FREE, all_answered, empty_shelves, outcomes, posted

__all__ = ["empty_shelves"]

LATENCY = 400  # milliseconds
LATER = 800  # when a late answer would have come


@contextmanager
def far_away(desk: Page, latency: int = LATENCY) -> Iterator[None]:
    """Each answer takes so many milliseconds longer."""
    session = desk.context.new_cdp_session(desk)
    given = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {**given, "latency": latency})
    yield
    session.detach()


def sent_payloads(desk: Page) -> list[str]:
    """What the page sends of the scans from now on, in its order."""
    found: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).path == "/desk/scans":
            found.append((request.post_data or "").partition('name="payload"')[2].split()[0])

    desk.on("request", note)
    return found


def scan_at_once(desk: Page, *payloads: str) -> None:
    """Scan all of them within a moment, as a camera could."""
    send = "all => all.forEach(detail => document.dispatchEvent(new CustomEvent('scan', { detail })))"
    desk.evaluate(send, list(payloads))


@pytest.mark.usefixtures("empty_shelves")
def test_what_is_scanned_in_one_moment_keeps_its_order_also_where_the_clock_is_turned_back(desk: Page) -> None:
    sent = sent_payloads(desk)
    with far_away(desk):
        desk.clock.set_fixed_time(datetime(2026, 11, 30, 12, tzinfo=UTC))
        scan_at_once(desk, GUARDIAN[0], *FREE[:4])
        desk.clock.set_fixed_time(datetime(2026, 11, 30, 11, tzinfo=UTC))
        scan_at_once(desk, *FREE[4:])
        assert all_answered(desk, 7)[1:] == [("done", barcode) for barcode in FREE]
    assert sent == [GUARDIAN[0], *FREE]


@pytest.mark.usefixtures("empty_shelves")
@pytest.mark.parametrize("answered", [False, True])
def test_a_return_is_no_loan_where_what_was_scanned_before_has_no_answer_yet(desk: Page, answered: bool) -> None:
    for payload in (GUARDIAN[0], *FREE[:3]):
        burst(desk, payload)
    all_answered(desk, 4)
    with far_away(desk):
        burst(desk, CHILD[0])
        if answered:
            expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
        for payload in FREE[3:]:
            burst(desk, payload)
        desk.keyboard.press("F2")
        for barcode in FREE[:3]:
            burst(desk, barcode)
        assert all_answered(desk, 3, "#return-lines") == [("done", barcode) for barcode in FREE[:3]]
    desk.wait_for_timeout(LATER)
    expect(desk).to_have_url("/desk/returns")
    assert outcomes(desk)[1:] == [("done", barcode) for barcode in FREE[3:]]
    expect(desk.locator("#return-lines [data-returned]")).to_have_count(3)


def test_a_card_on_the_page_of_returns_begins_a_visit_in_which_items_are_lent(desk: Page, empty_shelves: None) -> None:
    desk.keyboard.press("F2")
    expect(desk).to_have_url("/desk/returns")
    with far_away(desk):
        for payload in (GUARDIAN[0], *FREE[:2]):
            burst(desk, payload)
        assert all_answered(desk, 3)[1:] == [("done", barcode) for barcode in FREE[:2]]
        expect(desk).to_have_url("/desk")
    expect(desk.locator("#return-lines .line")).to_have_count(0)


def test_what_is_typed_to_find_somebody_stays_where_a_card_is_answered_meanwhile(desk: Page) -> None:
    with far_away(desk, 1_500):
        burst(desk, GUARDIAN[0])
        desk.keyboard.press("F3")
        name = desk.locator("main [name=name]")
        expect(name).to_be_focused()
        name.press_sequentially("Sol", delay=100)
        expect(desk.locator("#run-who")).to_have_text("Ingrid Solvang")
    desk.wait_for_timeout(LATER)
    expect(name).to_have_value("Sol")
    expect(desk).to_have_url("/desk/find")


def test_escape_ends_a_visit_that_is_about_to_begin(desk: Page) -> None:
    with far_away(desk):
        burst(desk, GUARDIAN[0])
        desk.keyboard.press("Escape")
        expect(desk.locator("#run-news")).to_contain_text("Ingrid Solvang")
    expect(desk.locator("#run")).to_be_hidden()
    assert "ledig" in scan(desk, FREE[0]).inner_text()


def test_escape_ends_the_visit_of_a_card_whose_scanner_sends_no_enter(desk: Page) -> None:
    burst(desk, GUARDIAN[0], pause=0, enter=False)
    # Just longer than within a scan.
    desk.wait_for_timeout(140)
    desk.keyboard.press("Escape")
    expect(desk.locator("#run-news")).to_contain_text("Ingrid Solvang")
    expect(desk.locator("#run")).to_be_hidden()


@pytest.mark.usefixtures("empty_shelves")
def test_a_page_that_is_loaded_anew_while_a_card_is_on_its_way_knows_its_visit(desk: Page) -> None:
    with far_away(desk):
        burst(desk, GUARDIAN[0])
        desk.wait_for_timeout(LATENCY / 4)
        desk.reload()
        burst(desk, FREE[0])
        assert all_answered(desk, 2)[1:] == [("done", FREE[0])]
    expect(desk.locator("#run-who")).to_have_text("Ingrid Solvang")
    expect(desk.get_by_role("rowheader", name="Peer Gynt")).to_be_visible()


@pytest.mark.usefixtures("empty_shelves")
def test_what_was_scanned_while_the_sign_in_had_ended_is_done_after_the_next(desk: Page, portal: RunningPortal) -> None:
    desk.context.clear_cookies()
    scan_at_once(desk, GUARDIAN[0], *FREE[:3])
    expect(desk).to_have_url("/desk/login")
    desk_signs_in(desk, portal.clock)
    assert all_answered(desk, 4)[1:] == [("done", barcode) for barcode in FREE[:3]]
    expect(desk.locator("#run-who")).to_have_text("Ingrid Solvang")


@pytest.mark.usefixtures("empty_shelves")
def test_two_windows_of_one_desk_lend_to_nobody_elses_patron(desk: Page) -> None:
    other = desk.context.new_page()
    other.goto("/desk")
    scan(desk, GUARDIAN[0])
    assert "ledig" in scan(other, FREE[0]).inner_text()
    scan(other, CHILD[0])
    line = scan(desk, FREE[0])
    expect(line).to_have_attribute("data-state", "refused")
    expect(line).to_contain_text("Besøket er over.")
    assert scan(other, FREE[0]).get_attribute("data-state") == "done"


@pytest.mark.usefixtures("empty_shelves")
def test_a_browser_that_can_keep_nothing_more_lends_all_the_same(desk: Page) -> None:
    fill = """() => {
      for (let size = 4_000_000, part = 0; size > 0; part += 1) {
        try { sessionStorage.setItem(`full-${part}`, "x".repeat(size)); } catch { size = Math.floor(size / 2); }
      }
    }"""
    desk.evaluate(fill)
    for payload in (GUARDIAN[0], *FREE[:3]):
        burst(desk, payload)
    assert all_answered(desk, 4)[1:] == [("done", barcode) for barcode in FREE[:3]]
    desk.evaluate("sessionStorage.clear()")


def test_a_scan_leaves_nothing_in_a_field_that_is_drawn_anew_within_it(desk: Page) -> None:
    desk.goto("/desk/find")
    field = desk.locator("main [name=name]")
    field.focus()
    session = desk.context.new_cdp_session(desk)
    pressed = time.time()
    for place, sign in enumerate("2002"):
        key = {"key": sign, "code": f"Digit{sign}", "text": sign, "timestamp": pressed + place / 100}
        session.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
        if place == 1:
            # As js/desk/pages.js does where an answer has changed the page.
            desk.evaluate("""() => {
              const old = document.getElementById("page"), fresh = old.cloneNode(true);
              const focused = document.activeElement.id;
              old.replaceWith(fresh);
              document.getElementById(focused).focus();
            }""")
    session.detach()
    expect(desk.locator(".line:not([data-state=waiting])")).to_have_count(1)
    expect(field).to_have_value("")


def test_a_blank_in_a_code_presses_no_button(desk: Page) -> None:
    desk.goto("/desk/find")
    sent = posted(desk)
    for code in ("A 12345", "AB 1234", "ABC 123"):
        desk.locator("#page button").first.focus()
        before = desk.locator(".line").count()
        burst(desk, code)
        expect(desk.locator(".line:not([data-state=waiting])")).to_have_count(before + 1)
    assert sent == ["/desk/scans"] * 3
    expect(desk.get_by_label(SCAN_FIELD)).to_have_value("")


def test_the_end_of_a_scan_that_is_told_of_too_late_presses_no_button(desk: Page) -> None:
    desk.goto("/desk/find")
    sent = posted(desk)
    for place, selector in enumerate(("#page button", "#page input:not([type=hidden])")):
        where = desk.locator(selector).first
        where.focus()
        burst(desk, "2002 345", late=1_500, late_after=5)
        # Its first part was taken for the whole.
        expect(desk.locator(".line:not([data-state=waiting])")).to_have_count(place + 1)
        desk.wait_for_timeout(500)
        assert sent == ["/desk/scans"] * (place + 1)
        assert where.evaluate("e => e.value") == ""


def test_a_scan_whose_end_is_not_known_yet_when_another_page_is_loaded_is_taken_there(desk: Page) -> None:
    for code, name in ((CHILD[0], "Jonas Solvang"), (GUARDIAN[0], "Ingrid Solvang")):
        burst(desk, code, pause=0, enter=False)
        desk.goto("/desk/find")
        expect(desk.locator("#run-who")).to_have_text(name)


def test_a_scan_leaves_no_part_of_a_date(desk: Page) -> None:
    desk.goto("/desk/find")
    day = desk.locator("main [name=name]")
    day.evaluate("field => (field.type = 'date')")
    for before in ("", "2026-12-01"):
        day.fill(before)
        day.focus()
        count = desk.locator(".line").count()
        burst(desk, "2002", pause=20)
        expect(desk.locator(".line:not([data-state=waiting])")).to_have_count(count + 1)
        expect(day).to_have_value(before)
        assert not day.evaluate("field => field.validity.badInput")


def test_a_key_leads_away_from_the_list_of_keys(desk: Page) -> None:
    desk.locator("main").focus()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_be_visible()
    desk.keyboard.press("F3")
    expect(desk.get_by_role("dialog")).to_be_hidden()
    expect(desk.locator("main [name=name]")).to_be_focused()
