"""From the sign-in on a phone to the answer at the desk, with a real browser's screen between them."""

from contextlib import suppress
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Error, Locator, Page, expect

from app.rules.card.code import group_digits
from tests.doors.visits import CHILD, other_digit
from tests.journeys.conftest import Opener
from tests.journeys.people import Kiosk, Visitor, desk_signs_in, read_code, scan
from tests.journeys.server import RunningPortal


def test_a_patron_shows_the_card_and_the_desk_takes_it_once(phone: Visitor, desk: Page, kiosk: Kiosk) -> None:
    phone.signs_in()
    code = phone.opens_the_card()
    result = scan(desk, code)
    expect(result.locator(".line-headline")).to_have_text("Godtatt")
    expect(result).to_contain_text("Ingrid Solvang")
    expect(result).to_contain_text("Voksen")
    expect(result).to_contain_text("Ullensaker bibliotek")
    assert kiosk.scans(code)["reason"] == "REPLAY"


def test_a_kiosk_takes_the_card_and_the_desk_says_to_wait(phone: Visitor, desk: Page, kiosk: Kiosk) -> None:
    phone.signs_in(*CHILD)
    code = phone.opens_the_card()
    assert kiosk.scans(code)["result"] == "accepted"
    result = scan(desk, code)
    expect(result).to_have_attribute("data-reason", "REPLAY")
    expect(result).to_contain_text("Allerede brukt")


def test_a_mistyped_digit_is_said_to_be_misread(phone: Visitor, desk: Page) -> None:
    phone.signs_in()
    code = phone.opens_the_card()
    expect(scan(desk, other_digit(code, 7))).to_have_attribute("data-reason", "MISREAD")
    expect(scan(desk, code)).to_contain_text("Ingrid Solvang")


def test_a_picture_of_the_card_is_soon_of_no_use(phone: Visitor, desk: Page, portal: RunningPortal) -> None:
    phone.signs_in()
    code = phone.opens_the_card()
    portal.clock.turn(seconds=120)
    expect(scan(desk, code)).to_have_attribute("data-reason", "CLOCK")


def test_a_lost_phone_is_cut_off_from_another_device(phone: Visitor, desk: Page, open_page: Opener) -> None:
    phone.signs_in()
    code = phone.opens_the_card()
    tablet = Visitor(open_page())
    tablet.signs_in()
    tablet.opens_the_card()
    tablet.page.get_by_role("link", name="Mistet telefon").click()
    devices = tablet.page.get_by_role("listitem").filter(has=tablet.page.get_by_text("Mistet telefon"))
    this_device = tablet.page.get_by_text("Denne enheten", exact=True)
    # The newest is the first, and other tests' phones come after.
    lost = devices.filter(has_not=this_device).first
    lost.get_by_text("Mistet telefon").click()
    lost.get_by_role("button", name="Fjern kortet fra denne enheten").click()
    expect(tablet.page.get_by_role("status")).to_be_visible()
    expect(scan(desk, code)).to_have_attribute("data-reason", "REVOKED")
    phone.page.reload()
    expect(phone.page).to_have_url("/login")


def test_the_card_renews_itself_before_it_expires_also_without_a_network(
    phone: Visitor, portal: RunningPortal, kiosk: Kiosk
) -> None:
    phone.signs_in()
    portal.clock.turn_into_step(seconds=27)
    before = phone.opens_the_card()
    expect(phone.page.locator("#countdown")).to_be_visible(timeout=90_000)
    phone.page.context.set_offline(True)
    expect(phone.page.locator("#digits")).not_to_have_text(group_digits(before), timeout=90_000)
    after = phone.shows_code()
    assert after[:16] == before[:16]
    assert kiosk.scans(after)["result"] == "accepted"


def test_without_javascript_the_page_renews_the_card(open_page: Opener, portal: RunningPortal, kiosk: Kiosk) -> None:
    phone = Visitor(open_page(java_script_enabled=False))
    phone.signs_in()
    portal.clock.turn_into_step(seconds=28)
    before = phone.opens_the_card()
    expect(phone.page.locator("#digits")).not_to_have_text(group_digits(before), timeout=90_000)
    assert kiosk.scans(phone.shows_code())["result"] == "accepted"


def test_a_dark_phone_keeps_the_code_on_a_white_tile(open_page: Opener) -> None:
    phone = Visitor(open_page(color_scheme="dark", forced_colors="active"))
    phone.signs_in()
    assert len(phone.opens_the_card()) == 24
    assert corner_of(phone.page, "#code") == (255, 255, 255)
    phone.page.emulate_media(color_scheme="dark", forced_colors="none")
    assert len(phone.shows_code()) == 24
    assert corner_of(phone.page, "#code") == (255, 255, 255)
    assert sum(corner_of(phone.page, "body")) < 3 * 80


def corner_of(page: Page, selector: str) -> tuple[int, ...]:
    """Return the colour within the upper left corner of something on the page: the code's quiet zone."""
    picture = Image.open(BytesIO(page.locator(selector).screenshot())).convert("RGB")
    colour = picture.getpixel((30, 30))
    assert isinstance(colour, tuple)
    return tuple(int(part) for part in colour)


@pytest.mark.parametrize("viewport", [{"width": 390, "height": 844}, {"width": 844, "height": 390}])
def test_the_barcode_for_older_scanners_holds_the_same_digits(open_page: Opener, viewport: dict[str, int]) -> None:
    phone = Visitor(open_page(viewport=viewport, device_scale_factor=3))
    phone.signs_in()
    phone.page.goto("/card")
    phone.page.get_by_text("Vis strekkode").click()
    # In the middle: at an edge the phone's bar, or a notice that comes a moment later, may cover it.
    phone.page.locator("#barcode").evaluate("bars => bars.scrollIntoView({ block: 'center' })")
    digits = phone.page.locator("#digits")
    before, read, after = digits.inner_text(), read_code(phone.page, "Code128"), digits.inner_text()
    # The code may have become another while it was read.
    assert read in {before.replace(" ", ""), after.replace(" ", "")}


def test_the_code_is_as_large_as_scanners_need(phone: Visitor) -> None:
    phone.signs_in()
    phone.opens_the_card()
    box = phone.page.locator("#code").bounding_box()
    assert box is not None
    # 45 mm at CSS's 96 pixels an inch.
    assert box["width"] >= 170
    assert box["y"] + box["height"] <= 844


def test_after_signing_out_the_back_button_shows_nothing_private(phone: Visitor) -> None:
    phone.signs_in()
    phone.opens_the_card()
    phone.signs_out()
    phone.page.go_back()
    expect(phone.page).to_have_url("/login")
    assert "Solvang" not in phone.page.content()


def test_after_signing_out_at_the_desk_the_back_button_shows_no_patron(
    phone: Visitor, open_page: Opener, portal: RunningPortal
) -> None:
    desk = open_page()
    desk_signs_in(desk, portal.clock)
    phone.signs_in()
    expect(scan(desk, phone.opens_the_card())).to_contain_text("Ingrid Solvang")
    desk.get_by_role("button", name="Logg ut").click()
    expect(desk).to_have_url("/desk/login")
    # The browser asks before it sends a scan again, and the answer to that is an error here.
    with suppress(Error):
        desk.go_back()
    expect(desk.locator("body")).not_to_contain_text("Solvang")
    desk.goto("/desk")
    expect(desk).to_have_url("/desk/login")


def test_everything_up_to_the_card_can_be_done_with_a_keyboard(open_page: Opener) -> None:
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Hopp til innholdet")).to_be_focused()
    press_tab_until(page, page.get_by_role("link", name="Logg inn"))
    page.keyboard.press("Enter")
    expect(page).to_have_url("/login")
    press_tab_until(page, page.get_by_label("Lånekortnummer"))
    page.keyboard.type("N000100003")
    page.keyboard.press("Tab")
    page.keyboard.type("5938")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Min side")
    press_tab_until(page, page.get_by_role("navigation").get_by_role("link", name="Lånekort"))
    page.keyboard.press("Enter")
    expect(page).to_have_url("/card")
    press_tab_until(page, page.locator("summary", has_text="Vis strekkode"))
    page.keyboard.press("Enter")
    expect(page.locator("#barcode")).to_be_visible()


def press_tab_until(page: Page, wanted: Locator) -> None:
    """Press Tab until that has the focus, and see at each step that the focus can be seen."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        ring = focused.evaluate("e => getComputedStyle(e).outlineStyle + getComputedStyle(e).boxShadow")
        assert ring != "nonenone", f"the focus on {focused.inner_text()!r} cannot be seen"
        if wanted.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError(f"no Tab leads to {wanted}")
