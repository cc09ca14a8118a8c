"""A queue at the desk: cards, items, the next card, scanned without looking at the page or its focus."""

import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from app.demo.accounts import DESKS
from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.letters import leave_a_letter, open_a_letter
from tests.journeys.people import SCAN_FIELD, Visitor, burst, desk_signs_in
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound

FREE = ("2002", "2003", "2005", "2006", "2007", "2009")
FOCUSABLE = (
    "main a[href], main button, main input:not([type=hidden]), main select, main summary, header a[href], header button"
)
PAGES = (
    "/desk",
    "/desk/returns",
    "/desk/find",
    "/desk/enrol",
    "/desk/enrol/details",
    "/desk/interlibrary",
    "/desk/door",
    "/desk/post",
    "/desk/notices",
    "/desk/numbers",
)
BETWEEN_SCANS = 250  # milliseconds, where the scanner sends no Enter


def outcomes(desk: Page, where: str = "#lines") -> list[tuple[str, str]]:
    """The running list from the oldest: state, and what was scanned."""
    read = "lines => lines.map(line => [line.dataset.state, line.querySelector('.line-code').textContent]).reverse()"
    return [(state, code) for state, code in desk.locator(f"{where} .line").evaluate_all(read)]


def all_answered(desk: Page, count: int, where: str = "#lines") -> list[tuple[str, str]]:
    """Wait until so many scans have their answer, and return the list."""
    expect(desk.locator(f"{where} .line:not([data-state=waiting])")).to_have_count(count)
    return outcomes(desk, where)


def posted(desk: Page) -> list[str]:
    """The addresses that the page posts to from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            found.append(urlsplit(request.url).path)

    desk.on("request", note)
    return found


@pytest.fixture
def empty_shelves(desk: Page) -> Iterator[None]:
    """When the test is over, what it lent is returned."""
    yield
    desk.goto("/desk/returns")
    count = desk.locator("#return-lines .line").count()
    for barcode in FREE:
        burst(desk, barcode)
    all_answered(desk, count + len(FREE), "#return-lines")


@pytest.mark.usefixtures("empty_shelves")
@pytest.mark.parametrize(("pause", "enter"), [(0, True), (5, True), (20, True), (50, True), (0, False), (50, False)])
def test_two_patrons_are_served_and_their_items_taken_back_at_any_scanners_speed(
    desk: Page, pause: int, enter: bool
) -> None:
    def scan_all(*payloads: str) -> None:
        for payload in payloads:
            burst(desk, payload, pause=pause, enter=enter)
            if not enter:
                desk.wait_for_timeout(BETWEEN_SCANS)

    scan_all(GUARDIAN[0], *FREE[:4], CHILD[0], *FREE[4:])
    expect(desk.locator("#run-who")).to_have_text("Jonas Solvang")
    lent = all_answered(desk, 1 + len(FREE[4:]))
    assert lent[1:] == [("done", barcode) for barcode in FREE[4:]]
    expect(desk.get_by_role("table")).to_contain_text(desk.locator("#lines .line-title").first.inner_text())
    desk.keyboard.press("F2")
    expect(desk).to_have_url("/desk/returns")
    scan_all(*FREE)
    assert all_answered(desk, len(FREE), "#return-lines") == [("done", barcode) for barcode in FREE]


def scan_on_everything(desk: Page, barcode: str, sent: list[str]) -> None:
    """Scan with the focus on each thing of the page that takes it; `sent` is what the page posts to."""
    path = urlsplit(desk.url).path
    desk.evaluate("document.querySelectorAll('#page details').forEach(each => (each.open = true))")
    for place in range(desk.locator(FOCUSABLE).count()):
        element = desk.locator(FOCUSABLE).nth(place)
        if not element.is_visible() or not element.is_enabled():
            continue
        sent.clear()
        element.focus()
        before = element.input_value() if element.evaluate("e => e.matches('input, select')") else ""
        lines = desk.locator(".line").count()
        # Nothing is changed by it: the patron has it already, or nobody is served.
        burst(desk, barcode, pause=(0, 5, 20, 50)[place % 4], enter=place % 3 > 0)
        expect(desk.locator(".line:not([data-state=waiting])")).to_have_count(lines + 1)
        assert sent == ["/desk/scans"], (path, place)
        assert urlsplit(desk.url).path == path, place
        if before:
            assert element.input_value() == before


@pytest.mark.parametrize("served", [False, True], ids=["nobody served", "a patron served"])
def test_a_scan_presses_nothing_wherever_the_focus_is(desk: Page, served: bool) -> None:
    sent = posted(desk)
    for path in ("/desk", "/desk/patron") if served else PAGES:
        if served:
            burst(desk, GUARDIAN[0])
            expect(desk.locator(".line[data-state=waiting]")).to_have_count(0)
            expect(desk.locator("#run-who")).to_have_text("Ingrid Solvang")
        desk.goto(path)
        scan_on_everything(desk, "2001" if served else "2002", sent)
        desk.evaluate("sessionStorage.clear()")


def test_a_scan_presses_nothing_among_those_who_were_found_and_beside_a_letter(
    desk: Page, portal: RunningPortal
) -> None:
    leave_a_letter(portal)
    sent = posted(desk)
    desk.goto("/desk/find")
    desk.locator("#page").get_by_label("Navn").fill("Solvang")
    desk.locator("#page").get_by_label("Postnummer").fill("2050")
    desk.locator("#page").get_by_role("button", name="Slå opp", exact=True).click()
    expect(desk.get_by_role("button", name="Betjen")).to_have_count(3)
    scan_on_everything(desk, "2002", sent)
    desk.evaluate("sessionStorage.clear()")
    open_a_letter(desk)
    scan_on_everything(desk, "2002", sent)


def test_two_hundred_scans_on_any_page_do_what_was_scanned_and_nothing_else(desk: Page) -> None:
    drawn = random.Random(2026)
    desk.goto("/desk/find")
    sent = posted(desk)
    scanned = 0
    for path in drawn.choices(PAGES, k=10):
        desk.goto(path)
        for _ in range(20):
            places = desk.locator(FOCUSABLE)
            element = places.nth(drawn.randrange(places.count()))
            if element.is_visible() and element.is_enabled():
                element.focus()
            burst(desk, drawn.choice(FREE), pause=drawn.choice((0, 5, 20)))
            scanned += 1
        expect(desk.locator(".line[data-state=waiting]")).to_have_count(0)
    assert sent == ["/desk/scans"] * scanned
    # What is scanned on the page of returns is in stock, so there it is said and nothing is done.
    assert len(outcomes(desk)) + len(outcomes(desk, "#return-lines")) == scanned


@pytest.mark.usefixtures("empty_shelves")
def test_nothing_is_lost_where_each_answer_takes_long(desk: Page) -> None:
    def late(route: Route) -> None:
        desk.wait_for_timeout(400)
        route.continue_()

    desk.route("**/desk/scans", late)
    burst(desk, GUARDIAN[0])
    for barcode in FREE:
        burst(desk, barcode)
    assert [state for state, _ in all_answered(desk, 7)] == ["done"] * 7


@pytest.mark.usefixtures("empty_shelves")
def test_a_reload_in_between_loses_and_doubles_nothing(desk: Page) -> None:
    burst(desk, GUARDIAN[0])
    for barcode in FREE[:5]:
        burst(desk, barcode)
    desk.reload()
    assert all_answered(desk, 6)[1:] == [("done", barcode) for barcode in FREE[:5]]


def test_a_server_that_is_started_anew_in_between_loses_and_doubles_nothing(open_page: Opener, tmp_path: Path) -> None:
    folder = tmp_path / "portal"
    folder.mkdir()
    with running_portal(folder) as portal:
        desk = open_page(base_url=portal.url, viewport=COMPUTER)
        desk_signs_in(desk, portal.clock, DESKS[0])
        burst(desk, GUARDIAN[0])
        burst(desk, FREE[0])
        all_answered(desk, 2)
    for barcode in FREE[1:4]:
        burst(desk, barcode)
    expect(desk.locator("[data-state=waiting]")).to_have_count(3)
    with running_portal(folder, port=urlsplit(portal.url).port or 0):
        assert all_answered(desk, 5)[1:] == [("done", barcode) for barcode in FREE[:4]]


@pytest.mark.usefixtures("empty_shelves")
def test_two_desks_serve_one_patron(desk: Page, open_page: Opener, portal: RunningPortal) -> None:
    other = open_page(viewport=COMPUTER)
    desk_signs_in(other, portal.clock, DESKS[0])
    for each, items in ((desk, FREE[:3]), (other, FREE[3:])):
        burst(each, GUARDIAN[0])
        for barcode in items:
            burst(each, barcode)
    for each, items in ((desk, FREE[:3]), (other, FREE[3:])):
        assert all_answered(each, 4)[1:] == [("done", barcode) for barcode in items]


@pytest.mark.usefixtures("empty_shelves")
def test_what_was_lent_by_mistake_is_undone_with_a_button(desk: Page) -> None:
    burst(desk, GUARDIAN[0])
    burst(desk, FREE[0])
    all_answered(desk, 2)
    desk.get_by_role("button", name="Angre").click()
    expect(desk.locator("#lines .line").first).to_contain_text("Angret: ikke lånt ut.")
    desk.keyboard.press("F2")
    expect(desk).to_have_url("/desk/returns")
    burst(desk, FREE[0])
    expect(desk.locator("#return-lines .line").first).to_contain_text("ikke utlånt")


def test_without_a_patron_an_item_says_what_to_do(desk: Page) -> None:
    burst(desk, "2002")
    expect(desk.locator(".line").first).to_contain_text("Inne, og ledig.")
    burst(desk, "2001")
    expect(desk.locator(".line").first).to_contain_text("Innlevering (F2)")
    burst(desk, "9788202123451")
    expect(desk.locator(".line").first).to_contain_text("Dette er bokas ISBN")
    assert_sound(desk)
    assert_fits(desk)


def test_a_wrong_code_after_a_patron_lends_them_nothing_more(desk: Page, phone: Visitor) -> None:
    burst(desk, GUARDIAN[0])
    burst(desk, "921123456789012294287082")
    burst(desk, FREE[0])
    assert [state for state, _ in all_answered(desk, 2)] == ["refused", "done"]
    expect(desk.locator(".line").first).to_contain_text("Inne, og ledig.")


def test_a_cards_code_is_whole_where_the_computer_stood_still_within_it(desk: Page) -> None:
    burst(desk, "921123456789012294287082", halt=800)
    assert [state for state, _ in all_answered(desk, 1)] == ["refused"]
    expect(desk.get_by_label(SCAN_FIELD)).to_have_value("")
    burst(desk, GUARDIAN[0], halt=800)
    expect(desk.locator("#run-who")).to_have_text("Ingrid Solvang")
    assert all_answered(desk, 1)[0][0] == "done"


def test_the_keys_lead_through_the_desk(desk: Page) -> None:
    for key, path in (("F2", "/desk/returns"), ("F3", "/desk/find")):
        desk.keyboard.press(key)
        expect(desk).to_have_url(path)
    desk.locator("main").focus()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_be_visible()
    assert_sound(desk)
    desk.keyboard.press("Escape")
    desk.locator("main").focus()
    desk.keyboard.press("/")
    expect(desk.get_by_label(SCAN_FIELD)).to_be_focused()
