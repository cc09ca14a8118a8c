"""Who types by hand at the desk is no scanner, and who has no script still lends and returns."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from app.demo.accounts import DESKS
from tests.doors.visits import GUARDIAN
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import SCAN_FIELD, burst, desk_signs_in
from tests.journeys.server import RunningPortal
from tests.journeys.test_busy_desk import posted

ANSWERED = ".line:not([data-state=waiting])"
FAST = 100  # milliseconds a key: 120 words a minute


def roll_over(page: Page, text: str) -> None:
    """Press each key before the one before it is let go."""
    for before, sign in zip([None, *text], text, strict=False):
        page.keyboard.down(sign)
        if before is not None:
            page.keyboard.up(before)
        page.wait_for_timeout(FAST)
    page.keyboard.up(text[-1])


def hold(page: Page) -> None:
    """Hold a key until it repeats."""
    for _ in range(6):
        page.keyboard.down("5")
    page.keyboard.up("5")


@pytest.mark.parametrize(
    ("act", "typed"),
    [
        (lambda page: page.keyboard.type("Storgata 12, the other thing", delay=FAST), "Storgata 12, the other thing"),
        (lambda page: roll_over(page, "kari nordmann"), "kari nordmann"),
        (lambda page: page.keyboard.insert_text("2002"), "2002"),
        (hold, "555555"),
        (lambda page: page.keyboard.type("2002", delay=FAST + 50), "2002"),
    ],
    ids=["fast", "roll-over", "pasted", "held", "number"],
)
def test_what_is_typed_by_hand_stays_in_its_field(desk: Page, act: Callable[[Page], None], typed: str) -> None:
    desk.goto("/desk/find")
    field = desk.locator("#page input:not([type=hidden])").first
    field.focus()
    act(desk)
    desk.wait_for_timeout(800)
    expect(field).to_have_value(typed)
    expect(desk.locator(".line")).to_have_count(0)


def test_a_number_that_was_typed_by_hand_is_no_scan_on_the_next_page(desk: Page) -> None:
    desk.goto("/desk/find")
    desk.locator("#page input:not([type=hidden])").first.focus()
    desk.keyboard.type("2002", delay=FAST)
    desk.wait_for_timeout(1_500)
    desk.goto("/desk/post")
    desk.wait_for_timeout(1_500)
    expect(desk.locator(".line")).to_have_count(0)


def compose(page: Page, text: str) -> None:
    """Write with an input method (IME): what is being composed grows, and is taken over with Enter."""
    session = page.context.new_cdp_session(page)
    for end in range(1, len(text) + 1):
        part = {"text": text[:end], "selectionStart": end, "selectionEnd": end}
        # The keys are the input method's: 229 is all that a page hears of them.
        session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Process", "windowsVirtualKeyCode": 229})
        session.send("Input.imeSetComposition", part)
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": "Process", "windowsVirtualKeyCode": 229})
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 229})
    session.send("Input.insertText", {"text": text})
    session.detach()


def press_with_alt_gr(page: Page, sign: str) -> None:
    """Type a sign that stands on a third level, with Alt and Ctrl, as Windows tells of AltGr."""
    session = page.context.new_cdp_session(page)
    key = {"key": sign, "modifiers": 1 | 2, "windowsVirtualKeyCode": 50, "code": "Digit2"}
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    # Windows gives the sign without them; Chromium elsewhere writes nothing while Ctrl is held.
    session.send("Input.dispatchKeyEvent", {"type": "char", "text": sign, "key": sign})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    session.detach()


@pytest.mark.parametrize("where", ["the scan field", "a field of the page"])
def test_what_an_input_method_or_alt_gr_writes_is_no_scan(desk: Page, where: str) -> None:
    desk.goto("/desk/find")
    field = desk.get_by_label(SCAN_FIELD) if where == "the scan field" else desk.get_by_label("E-post")
    sent = posted(desk)
    field.focus()
    compose(desk, "北欧図書館")
    desk.keyboard.type("kari", delay=FAST)
    press_with_alt_gr(desk, "@")
    desk.keyboard.type("bib.no", delay=FAST)
    press_with_alt_gr(desk, "€")
    desk.wait_for_timeout(800)
    expect(field).to_have_value("北欧図書館kari@bib.no€")
    expect(desk.locator(".line")).to_have_count(0)
    field.fill("")
    # The scanner is heard as before.
    burst(desk, "2002")
    expect(desk.locator(ANSWERED)).to_have_count(1)
    expect(field).to_have_value("")
    assert sent == ["/desk/scans"]


def changes(field: Locator) -> int:
    return int(field.evaluate("e => e.dataset.changes ?? 0"))


def test_a_scan_leaves_what_was_typed_before_and_changes_nothing(desk: Page) -> None:
    desk.goto("/desk/find")
    fields = desk.locator("#page :is(input:not([type=hidden]), select, textarea)")
    assert fields.count() >= 2
    for place in range(fields.count()):
        field = fields.nth(place)
        is_text = field.evaluate("e => e.matches('input:not([type=checkbox], [type=radio]), textarea')")
        field.focus()
        if is_text:
            desk.keyboard.type("abc", delay=FAST)
        field.evaluate("e => e.addEventListener('change', () => (e.dataset.changes = 1))")
        before = field.input_value()
        lines = desk.locator(".line").count()
        burst(desk, "2002", enter=place % 2 == 0)
        expect(desk.locator(".line:not([data-state=waiting])")).to_have_count(lines + 1)
        expect(field).to_have_value(before)
        assert changes(field) == 0


def test_a_scan_of_which_a_busy_computer_tells_in_two_parts_is_one(desk: Page) -> None:
    sent = posted(desk)
    desk.goto("/desk/find")
    places = desk.locator(
        "#page :is(input:not([type=hidden]), select, a[href], button), #scan input:not([type=hidden])"
    )
    for place in range(places.count()):
        where = places.nth(place)
        where.focus()
        before = where.evaluate("e => e.value ?? ''")
        burst(desk, "2002", late=1_200)
        expect(desk.locator(ANSWERED)).to_have_count(place + 1)
        assert where.evaluate("e => e.value ?? ''") == before
        assert sent == ["/desk/scans"] * (place + 1)
    burst(desk, GUARDIAN[0], late=2_000)
    expect(desk.locator("#run-who")).to_have_text("Ingrid Solvang")


def test_without_a_script_the_desk_lends_undoes_and_ends_by_pages(open_page: Opener, portal: RunningPortal) -> None:
    desk = open_page(viewport=COMPUTER, java_script_enabled=False)
    desk_signs_in(desk, portal.clock, DESKS[0])

    def scan(payload: str) -> None:
        desk.get_by_label(SCAN_FIELD).fill(payload)
        desk.get_by_label(SCAN_FIELD).press("Enter")

    scan(GUARDIAN[0])
    expect(desk.locator("main")).to_contain_text("Ingrid Solvang")
    scan("2002")
    expect(desk.locator(".line[data-state=done]")).to_contain_text("Utlånt")
    desk.get_by_role("button", name="Angre").click()
    expect(desk.locator("main")).to_contain_text("Angret: ikke lånt ut.")
    desk.get_by_role("button", name="Ferdig").click()
    scan("2002")
    expect(desk.locator(".line")).to_contain_text("Inne, og ledig.")


def test_a_page_of_the_desk_loses_no_key_of_a_scan_that_comes_with_its_change(desk: Page) -> None:
    sent = posted(desk)
    tabs = desk.get_by_role("navigation", name="Skranke").get_by_role("link")
    for place in range(tabs.count()):
        lines = desk.locator("#lines .line").count() + desk.locator("#return-lines .line").count()
        tabs.nth(place).click()
        burst(desk, "2002", pause=(0, 5, 20)[place % 3])
        burst(desk, "2003", pause=5)
        all_answered_now = desk.locator(
            "#lines .line:not([data-state=waiting]), #return-lines .line:not([data-state=waiting])"
        )
        expect(all_answered_now).to_have_count(lines + 2)
    desk.keyboard.press("F2")
    burst(desk, "2005", pause=0)
    expect(desk.locator("#return-lines .line", has_text="2005")).to_have_attribute("data-state", "refused")
    expect(desk).to_have_url("/desk/returns")
    assert sent == ["/desk/scans"] * (2 * tabs.count() + 1)
