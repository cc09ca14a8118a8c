"""The desk for whoever uses keys alone, a screen reader, or sees little: every state, and what is read aloud."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.people import SCAN_FIELD, burst, scan
from tests.journeys.test_accessibility import assert_fits, assert_sound

BY_HAND = 150  # milliseconds between two keys
LOST_CARD = "N000100004"
NOT_ACTIVATED = "N000100005"
OBSERVE = """() => {
    window.said = [];
    for (const id of ["said", "said-at-once", "run-news"]) {
        const region = document.getElementById(id);
        new MutationObserver((changes) => {
            for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes]))
                if (node.textContent) window.said.push([region.getAttribute("role"), node.textContent]);
        }).observe(region, { childList: true });
    }
}"""


@pytest.fixture
def taken_back(desk: Page) -> Iterator[None]:
    """When the test is over, the free items are free again."""
    yield
    desk.goto("/desk/returns")
    for barcode in ("2002", "2003"):
        scan(desk, barcode)


def types(desk: Page, text: str) -> None:
    """Type with one finger, and send it."""
    desk.keyboard.type(text, delay=BY_HAND)
    desk.keyboard.press("Enter")


def press(desk: Page, key: str) -> None:
    """Press a key of the desk's, as far from other keys as a hand does."""
    desk.wait_for_timeout(BY_HAND)
    desk.keyboard.press(key)
    desk.wait_for_timeout(BY_HAND)


def tab_to(desk: Page, role: str, name: str) -> None:
    """Press Tab until the focus is there; the way is no longer than the page."""
    wanted = desk.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(60):
        desk.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            assert wanted.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab does not lead to {name}")


@pytest.mark.usefixtures("taken_back")
def test_a_patron_is_served_with_keys_alone(desk: Page) -> None:
    desk.locator("main").focus()
    press(desk, "/")
    expect(desk.get_by_label(SCAN_FIELD)).to_be_focused()
    types(desk, GUARDIAN[0])
    expect(desk.get_by_role("heading", level=1)).to_have_text("Ingrid Solvang")
    types(desk, "2002")
    lent = desk.locator("#lines .line").first
    expect(lent).to_contain_text("Peer Gynt")
    expect(lent).to_have_attribute("data-state", "done")
    tab_to(desk, "button", "Ferdig")
    tab_to(desk, "button", "Angre")
    desk.keyboard.press("Enter")
    expect(lent).to_contain_text("Angret: ikke lånt ut.")
    expect(desk.get_by_label(SCAN_FIELD)).to_be_focused()
    tab_to(desk, "button", "Forny alle")
    press(desk, "Escape")
    expect(desk.locator("#run-news")).to_have_text("Besøket til Ingrid Solvang er avsluttet.")


@pytest.mark.usefixtures("taken_back")
def test_a_screen_reader_meets_the_field_then_the_list_then_the_patron(desk: Page) -> None:
    scan(desk, GUARDIAN[0])
    scan(desk, "2002")
    expect(desk.get_by_role("heading", name="5 lån")).to_be_visible()
    expect(desk.get_by_role("main")).to_match_aria_snapshot("""
        - text: Skann kort eller eksemplar
        - textbox "Skann kort eller eksemplar"
        - button "Slå opp"
        - 'button "Lyd: høy"'
        - button "Taster"
        - region "Skannet":
          - paragraph: Ingrid Solvang
          - paragraph: Skylder ingenting
          - button "Ferdig"
          - link "Se låneren"
          - button "Kvittering"
          - list:
            - listitem:
              - paragraph: /Utlånt til/
              - paragraph: Peer Gynt
              - paragraph: "2002"
              - button "Angre"
            - listitem:
              - paragraph: Slått opp
              - paragraph: Ingrid Solvang
        - heading "Ingrid Solvang" [level=1]
        - heading "5 lån" [level=2]
    """)


def test_a_screen_reader_meets_on_the_page_of_returns_what_came_back(desk: Page) -> None:
    scan(desk, GUARDIAN[0])
    scan(desk, "2003")
    press(desk, "F2")
    expect(desk).to_have_url("/desk/returns")
    scan(desk, "2003")
    expect(desk.get_by_role("main")).to_match_aria_snapshot("""
        - text: Skann kort eller eksemplar
        - textbox "Skann kort eller eksemplar"
        - button "Lever inn"
        - region "Levert i dag ved denne skranken":
          - 'heading "Levert i dag ved denne skranken: 1" [level=2]'
          - list:
            - listitem:
              - paragraph: Levert
              - paragraph: Amtmandens Døttre
              - paragraph: "2003"
              - button "Angre"
        - region "Skannet":
          - paragraph: Ingrid Solvang
        - heading "Innlevering" [level=1]
    """)


@pytest.mark.usefixtures("taken_back")
def test_what_comes_of_a_scan_is_read_aloud_once(desk: Page) -> None:
    desk.evaluate(OBSERVE)
    for payload in (CHILD[0], "2002", "2001"):
        scan(desk, payload)
    said = desk.evaluate("window.said")
    assert [role for role, _ in said] == ["status", "status", "alert"]
    assert "Jonas Solvang" in said[0][1]
    assert said[1][1].startswith("Utlånt til")
    assert said[1][1].endswith("Peer Gynt.")
    assert said[2][1].startswith("En annen har den.")
    assert said[2][1].endswith("Et dukkehjem.")


@pytest.mark.usefixtures("taken_back")
def test_a_silent_server_is_read_aloud_and_so_is_the_scan_that_failed(desk: Page) -> None:
    def lose(route: Route) -> None:
        route.abort()

    scan(desk, CHILD[0])
    desk.clock.install()
    for path in ("**/desk/scans", "**/healthz"):
        desk.route(path, lose)
    desk.evaluate(OBSERVE)
    burst(desk, "2002")
    failed = desk.locator("#lines [data-state=failed]")
    for _ in range(20):
        desk.clock.run_for(5_000)
        if failed.count():
            break
    expect(failed).to_contain_text("2002")
    said = desk.evaluate("window.said")
    assert ["status", "Ikke noe svar. Det prøves igjen."] in said
    assert said[-1] == ["alert", "Ikke noe svar. Det er ikke sikkert om det ble gjort."]
    assert_sound(desk)
    assert_fits(desk)
    # The page's time stands still, so that it is not tried again before that is asked for.
    desk.clock.pause_at(desk.evaluate("Date.now() / 1_000 + 1"))
    # A try that is under way still fails.
    desk.wait_for_timeout(1_000)
    for path in ("**/desk/scans", "**/healthz"):
        desk.unroute(path, lose)
    desk.get_by_role("button", name="Prøv igjen").click()
    desk.clock.resume()
    expect(desk.locator("#lines .line").first).to_contain_text("Utlånt til")


@pytest.mark.parametrize("card", [LOST_CARD, NOT_ACTIVATED, CHILD[0]])
def test_whoever_is_served_the_page_is_accessible(desk: Page, card: str) -> None:
    scan(desk, card)
    expect(desk.get_by_role("heading", level=1)).not_to_have_text("Klar for neste kort")
    for path in ("/desk", "/desk/returns", "/desk/enrol", "/desk/post", "/desk/door"):
        desk.goto(path)
        assert_sound(desk)
        assert_fits(desk)
