"""Answers that do not come at the desk: what waits is kept, nothing is done twice, and the next patron is served."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, expect

from app.demo.accounts import DESKS
from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import burst, desk_signs_in
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_busy_desk import FREE, all_answered, empty_shelves, outcomes, posted

__all__ = ["empty_shelves"]


def lose_answers(desk: Page, *payloads: str, times: int = 10_000) -> list[str]:
    """The scans of these reach the server, and their answers are lost, so often. Returns what was lost, as it comes."""
    lost: list[str] = []

    def handle(route: Route) -> None:
        sent = route.request.post_data or ""
        found = next((payload for payload in payloads if f"\r\n\r\n{payload}\r\n" in sent), None)
        if found is None or lost.count(found) >= times:
            return route.fallback()
        route.fetch()
        lost.append(found)
        return route.abort()

    desk.route("**/desk/scans", handle)
    return lost


def refuse(desk: Page, payload: str) -> None:
    """The server is there, and has no answer to this scan."""

    def handle(route: Route) -> None:
        if payload in (route.request.post_data or ""):
            return route.fulfill(status=503)
        return route.fallback()

    desk.route("**/desk/scans", handle)


def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_done_twice(desk: Page, empty_shelves: None) -> None:
    lost = lose_answers(desk, FREE[0], times=2)
    burst(desk, GUARDIAN[0])
    burst(desk, FREE[0])
    burst(desk, FREE[1])
    assert all_answered(desk, 3)[1:] == [("done", FREE[0]), ("done", FREE[1])]
    assert lost == [FREE[0]] * 2
    expect(desk.get_by_role("table").get_by_role("rowheader", name="Peer Gynt")).to_have_count(1)
    desk.keyboard.press("F2")
    lost.clear()
    burst(desk, FREE[0])
    burst(desk, FREE[1])
    assert all_answered(desk, 2, "#return-lines") == [("done", FREE[0]), ("done", FREE[1])]


def test_a_return_whose_answer_was_lost_does_not_end_the_next_patrons_loan(
    desk: Page, open_page: Opener, portal: RunningPortal, empty_shelves: None
) -> None:
    other = open_page(viewport=COMPUTER)
    desk_signs_in(other, portal.clock, DESKS[0])
    burst(desk, GUARDIAN[0])
    burst(desk, FREE[0])
    all_answered(desk, 2)
    desk.keyboard.press("F2")
    lost = lose_answers(desk, FREE[0])
    burst(desk, FREE[0])
    expect(desk.locator("#return-lines [data-state=failed]")).to_have_count(1)
    assert len(lost) >= 4
    burst(other, CHILD[0])
    burst(other, FREE[0])
    assert all_answered(other, 2)[1] == ("done", FREE[0])
    desk.unroute("**/desk/scans")
    desk.get_by_role("button", name="Prøv igjen").click()
    expect(desk.locator("#return-lines .line").first).to_contain_text("Det er levert, og er lånt ut igjen siden.")
    other.reload()
    expect(other.get_by_role("rowheader", name="Peer Gynt")).to_be_visible()


def test_the_next_card_goes_ahead_of_an_item_without_an_answer_and_it_is_told_what_became_of_it(
    desk: Page, empty_shelves: None
) -> None:
    lose_answers(desk, FREE[0])
    refuse(desk, FREE[1])
    burst(desk, GUARDIAN[0])
    for barcode in FREE[:3]:
        burst(desk, barcode)
    burst(desk, CHILD[0])
    burst(desk, FREE[3])
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    expect(desk.locator(".line[data-state=waiting]")).to_have_count(0)
    failed = desk.locator("#lines .line[data-state=failed]")
    assert sorted(code for state, code in outcomes(desk) if state == "failed") == [FREE[0], FREE[1]]
    desk.unroute("**/desk/scans")
    failed.first.get_by_role("button", name="Prøv igjen").click()
    expect(failed).to_have_count(0)
    expect(desk.locator(".line", has_text=FREE[0])).to_contain_text("Peer Gynt")
    expect(desk.locator(".line", has_text=FREE[0])).to_contain_text("Det ble lånt ut til den låneren.")
    expect(desk.locator(".line", has_text=FREE[1])).to_contain_text("Besøket er over.")
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")


def test_what_was_scanned_after_a_card_without_an_answer_is_not_lent_to_the_next_patron(desk: Page) -> None:
    refuse(desk, GUARDIAN[0])
    burst(desk, GUARDIAN[0])
    burst(desk, FREE[0])
    burst(desk, CHILD[0])
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    expect(desk.locator(".line", has_text=FREE[0])).to_contain_text("Ikke sendt.")
    expect(desk.get_by_role("rowheader", name="Peer Gynt")).to_have_count(0)


def test_without_a_network_nothing_goes_ahead_and_all_is_sent_when_it_is_back(desk: Page, empty_shelves: None) -> None:
    burst(desk, GUARDIAN[0])
    all_answered(desk, 1)
    desk.context.set_offline(True)
    for payload in (*FREE[:2], CHILD[0], FREE[2]):
        burst(desk, payload)
    expect(desk.locator("#run-news")).to_contain_text("Ikke noe svar.")
    sent = posted(desk)
    desk.context.set_offline(False)
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    assert all_answered(desk, 2)[1] == ("done", FREE[2])
    assert sent == ["/desk/scans"] * 4
    desk.keyboard.press("F2")
    for barcode in FREE[:3]:
        burst(desk, barcode)
    assert [state for state, _ in all_answered(desk, 3, "#return-lines")] == ["done"] * 3


def test_a_server_that_is_killed_in_the_midst_of_scans_loses_and_doubles_nothing(
    open_page: Opener, tmp_path: Path
) -> None:
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        desk = open_page(base_url=portal.url, viewport=COMPUTER)
        desk_signs_in(desk, portal.clock, DESKS[0])
        for payload in (GUARDIAN[0], *FREE[:4]):
            burst(desk, payload, pause=0)
        expect(desk.locator("#lines .line[data-state=done]").nth(1)).to_be_visible()
        portal.kill()
        burst(desk, FREE[4], pause=0)
    with running_portal(folder, port=urlsplit(portal.url).port or 0):
        assert all_answered(desk, 6)[1:] == [("done", barcode) for barcode in FREE[:5]]
        expect(desk.get_by_role("rowheader", name="Peer Gynt")).to_have_count(1)


def test_what_somebody_else_scanned_is_not_sent_unasked(open_page: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        desk = open_page(base_url=portal.url, viewport=COMPUTER)
        desk_signs_in(desk, portal.clock, DESKS[0])
        desk.route("**/desk/scans", lambda route: route.fulfill(status=503))
        burst(desk, FREE[0])
        expect(desk.locator("#lines [data-state=failed]")).to_have_count(1)
        desk.get_by_role("button", name="Logg ut").click()
        desk.unroute("**/desk/scans")
        desk_signs_in(desk, portal.clock, DESKS[1])
        expect(desk.locator("#lines [data-state=failed]")).to_contain_text("Ikke sendt.")
        assert re.search("2002", desk.locator("#lines").inner_text())
