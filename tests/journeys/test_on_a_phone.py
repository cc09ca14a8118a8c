"""The way around on a phone: the bar, the card on every screen, the code alone, and nothing wider than the screen."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.journeys.conftest import Opener
from tests.journeys.looking import SCREENS, width_faults
from tests.journeys.people import Visitor, read_code

UPRIGHT, ON_ITS_SIDE, SMALL, *_LARGER = SCREENS
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
WITH_BAR = (
    "/my",
    "/card",
    "/card/devices",
    "/card/wallet",
    "/my/settings",
    "/my/loans",
    "/my/loans/cost",
    "/my/interlibrary",
    "/my/data",
    "/my/data/looks",
    "/my/data/sign-ins",
)


def shown_digits(page: Page) -> str:
    return page.locator("#digits").inner_text().replace(" ", "")


def bar(page: Page, word: str) -> None:
    page.get_by_role("navigation", name="Min side").get_by_role("link", name=word, exact=True).click()


def test_the_bar_leads_around_and_says_where_one_is(phone: Visitor) -> None:
    phone.signs_in()
    page = phone.page
    ways = (("Kort", "/card"), ("Lån", "/my/loans"), ("Familie", "/my/settings"), ("Meg", "/my"))
    for word, path in ways:
        bar(page, word)
        expect(page).to_have_url(path)
        here = page.locator(".bar [aria-current]")
        expect(here).to_have_text(word)
        box = here.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        assert box["y"] + box["height"] <= UPRIGHT["height"]
    expect(page.locator(".my-tabs")).to_be_hidden()


@pytest.mark.parametrize("viewport", SCREENS[1:2] + SCREENS[3:])
def test_a_wide_screen_has_tabs_instead(open_page: Opener, patron_cookies: Path, viewport: ViewportSize) -> None:
    page = open_page(storage_state=patron_cookies, viewport=viewport)
    page.goto("/my")
    expect(page.locator(".phone-nav")).to_be_hidden()
    expect(page.locator(".my-tabs a")).to_have_text(
        ["Min side", "Lån", "Lånekort", "Innstillinger", "Mine opplysninger"]
    )


def test_the_bar_covers_nothing_at_the_end_of_a_page(open_page: Opener, patron_cookies: Path) -> None:
    page = open_page(storage_state=patron_cookies, viewport=SMALL)
    for path in WITH_BAR:
        page.goto(path)
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        last = page.locator("footer a").last.bounding_box()
        top = page.locator(".bar").bounding_box()
        assert last is not None
        assert top is not None
        assert last["y"] + last["height"] <= top["y"], path


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("scheme", ["light", "dark", "forced"])
@pytest.mark.parametrize("viewport", SCREENS)
def test_the_whole_code_is_in_sight_and_is_read(
    open_page: Opener, patron_cookies: Path, viewport: ViewportSize, scheme: str, large: bool
) -> None:
    colours = {"forced_colors": "active"} if scheme == "forced" else {"color_scheme": scheme}
    page = open_page(storage_state=patron_cookies, viewport=viewport, device_scale_factor=2, **colours)
    page.goto("/card")
    expect(page.locator("#countdown")).to_be_visible()
    if large:
        page.locator("#code").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    box = page.locator("#code").bounding_box()
    assert box is not None
    bottom = page.locator(".bar").bounding_box() if not large else None
    assert box["width"] >= 170
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= (bottom["y"] if bottom else viewport["height"])
    # The next code may come while this one is read.
    before, read, after = shown_digits(page), read_code(page, "QRCode"), shown_digits(page)
    assert read in {before, after}


@pytest.mark.parametrize("viewport", SCREENS)
def test_the_whole_code_is_in_sight_without_a_script(
    open_page: Opener, patron_cookies: Path, viewport: ViewportSize
) -> None:
    page = open_page(storage_state=patron_cookies, viewport=viewport, java_script_enabled=False)
    page.goto("/card")
    box = page.locator("#code").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= viewport["height"]
    assert len(read_code(page, "QRCode")) == 24


@pytest.mark.parametrize("path", ["/my", "/my/loans"])
def test_a_title_of_one_long_word_stays_in_its_frame(open_page: Opener, patron_cookies: Path, path: str) -> None:
    def lengthen(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("Mørketid på Hauerseter", LONG_WORD))

    page = open_page(storage_state=patron_cookies, viewport=SMALL)
    page.route(f"**{path}", lengthen)
    page.goto(path)
    expect(page.get_by_text(LONG_WORD)).to_be_visible()
    assert width_faults(page) == []


def test_the_code_alone_ends_by_a_tap_by_escape_and_by_the_keyboard(phone: Visitor) -> None:
    phone.signs_in()
    page = phone.page
    page.goto("/card")
    larger, alone = page.get_by_role("button", name="Stor kode"), page.get_by_role("dialog", name="Lånekort")
    ends = (
        lambda: page.locator("#code").tap(),
        lambda: page.keyboard.press("Escape"),
        lambda: page.get_by_role("button", name="Lukk").click(),
    )
    for end in ends:
        larger.click()
        expect(alone).to_be_visible()
        expect(page.get_by_role("button", name="Lukk")).to_be_focused()
        assert "large" in page.evaluate(
            "document.elementFromPoint(5, innerHeight - 5).closest('.tile')?.className ?? ''"
        )
        end()
        expect(alone).to_have_count(0)
        expect(larger).to_be_focused()
    larger.click()
    page.keyboard.press("Tab")
    expect(alone).to_have_count(0)


def test_the_code_alone_changes_as_ever(phone: Visitor) -> None:
    phone.signs_in()
    phone.page.goto("/card")
    phone.page.locator("#code").tap()
    before = read_code(phone.page, "QRCode")
    expect(phone.page.locator("#digits")).not_to_have_text(
        " ".join(before[place : place + 4] for place in range(0, 24, 4)), timeout=60_000
    )
    assert read_code(phone.page, "QRCode") != before


def test_a_guardian_goes_from_card_to_card_without_staying_logged_in(open_page: Opener) -> None:
    child = Visitor(open_page())
    child.signs_in("N000100002", "8302")
    child.page.goto("/my/settings")
    child.page.get_by_label("Gi tillatelse til å se mine lån").fill("N000100001")
    child.page.get_by_label("Den foresatte kan").check()
    child.page.get_by_role("button", name="Send tillatelse").click()
    expect(child.page.get_by_role("status").first).to_contain_text("Tillatelsen er sendt")
    guardian = Visitor(open_page(viewport=ON_ITS_SIDE, device_scale_factor=2))
    guardian.signs_in(keeps=False)
    page = guardian.page
    # Another child's permission may wait as well.
    sent = page.get_by_role("region", name="Jonas Solvang har gitt tillatelse")
    sent.get_by_role("button", name="Slå på").click()
    expect(page.get_by_text("Slått på")).to_be_visible()
    expect(sent).to_have_count(0)
    for viewport in (ON_ITS_SIDE, SMALL):
        page.set_viewport_size(viewport)
        page.goto("/card")
        read = []
        for name in ("Ingrid Solvang", "Jonas Solvang"):
            page.get_by_role("link", name=name).click()
            slot = page.locator(".pass-slot", has_text=name)
            expect(slot.get_by_role("img")).to_be_in_viewport(ratio=0.99)
            read.append(read_code(page, "QRCode"))
        assert read[0][:16] != read[1][:16]
    page.locator(".passes").focus()
    page.keyboard.press("ArrowLeft")
    child.page.goto("/my/settings")
    child.page.get_by_role("button", name="Trekk tilbake tillatelse").click()
    expect(child.page.get_by_role("status").first).to_contain_text("trukket tilbake")
