"""An item comes in: it is set aside with a slip, scanned on the hold shelf, and lent to who waited for it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.demo.accounts import DESKS
from app.register.store.transaction import db
from app.register.tables.library import Library
from tests.doors.visits import GUARDIAN
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import desk_signs_in, scan
from tests.journeys.server import RunningPortal, running_portal
from tests.journeys.test_accessibility import assert_fits, assert_sound
from tests.journeys.test_printing import A4, ROLL, assert_nothing_is_cut, print_page

WANTED = "2018"  # on loan to the teenager; the guardian waits for it
SHELVED = "2022"  # on the hold shelf for the guardian


@pytest.fixture(scope="module")
def own_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """A portal whose loans no other journey needs."""
    with running_portal(tmp_path_factory.mktemp("returns")) as running:
        yield running


@pytest.fixture
def returns(open_page: Opener, own_portal: RunningPortal) -> Page:
    """The page of returns at a desk whose printer prints nothing."""
    page = open_page(base_url=own_portal.url, viewport=COMPUTER)
    page.add_init_script("window.print = () => {}")
    desk_signs_in(page, own_portal.clock, DESKS[0])
    page.goto("/desk/returns")
    return page


def test_what_is_returned_gets_a_slip_is_found_on_the_shelf_and_lent_to_who_waited(returns: Page) -> None:
    line = scan(returns, WANTED)
    expect(line).to_contain_text("Sett det på reserveringshylla")
    expect(line).to_contain_text("Til I.S. 0001")
    expect(line).not_to_contain_text("Ingrid")
    assert_sound(returns)
    for paper in (ROLL, A4):
        line.get_by_role("button", name="Skriv ut lapp").click()
        text = print_page(returns, paper)
        for part in ("I.S. 0001", "Bak Trandumskogen", WANTED, "Hentes innen"):
            assert part in text
        for other in ("Levert i dag", "Sett det", GUARDIAN[0], "Nora", "Ingrid", "Solvang"):
            assert other not in text
    line.get_by_role("button", name="Skriv ut lapp").click()
    assert_nothing_is_cut(returns)
    returns.goto("/desk")
    expect(scan(returns, WANTED)).to_contain_text("I.S. 0001")
    scan(returns, GUARDIAN[0])
    expect(scan(returns, WANTED)).to_contain_text("Den var reservert")


def test_what_was_scanned_last_is_marked_destroyed_after_its_title_was_shown(returns: Page) -> None:
    scan(returns, "2003")
    returns.locator("summary", has_text="Tapt eller ødelagt").click()
    expect(returns.locator("#lost-barcode")).to_have_value("2003")
    returns.locator("#what").select_option("destroyed")
    returns.get_by_role("button", name="Finn tittelen").click()
    question = returns.get_by_role("alert").filter(has_text="Er dette ødelagt? Amtmandens Døttre")
    expect(question).to_be_focused()
    assert_sound(returns)
    assert_fits(returns)
    returns.get_by_role("button", name="Ja, ødelagt").click()
    expect(returns.get_by_role("status").first).to_contain_text("Amtmandens Døttre er merket som ødelagt")


def test_the_days_list_counts_and_is_printed_and_emptied(returns: Page) -> None:
    scan(returns, "2010")
    scan(returns, "2008")
    scan(returns, "2002")
    expect(returns.locator("#return-count")).to_have_text("2")
    assert_fits(returns)
    returns.get_by_role("button", name="Skriv ut lista").click()
    text = print_page(returns, ROLL)
    assert "Levert Alt om hester 2010" in text
    assert "2002" not in text, "it was not on loan"
    returns.reload()
    expect(returns.locator("#return-count")).to_have_text("2")
    returns.get_by_role("button", name="Tøm lista").click()
    expect(returns.locator("#returned")).to_be_hidden()
    returns.reload()
    expect(returns.locator("#returned")).to_be_hidden()


@pytest.mark.parametrize(
    ("closes", "still", "gone"), [("20:00", "01:59:00", "00:02:00"), ("24:00", "05:59:00", "00:02:00")]
)
@pytest.mark.parametrize("reloads", [False, True])
def test_the_days_list_is_gone_when_the_library_closes(
    returns: Page, closes: str, still: str, gone: str, reloads: bool
) -> None:
    returns.clock.install(time="2026-12-01T18:00:00")
    returns.goto("/desk/returns")
    # Whether the library has staffed hours today depends on the weekday.
    returns.evaluate("closes => (document.querySelector('h1').dataset.closes = closes)", closes)
    scan(returns, SHELVED)
    returns.clock.fast_forward(still)
    expect(returns.locator("#returned")).to_be_visible()
    returns.clock.fast_forward(gone)
    if reloads:
        returns.reload()
    expect(returns.locator("#returned")).to_be_hidden()
    assert SHELVED not in str(returns.evaluate("sessionStorage['desk-run']"))


def test_the_days_list_is_gone_after_logging_out(returns: Page) -> None:
    scan(returns, SHELVED)
    returns.get_by_role("button", name="Logg ut").click()
    expect(returns).to_have_url("/desk/login")
    assert SHELVED not in str(returns.evaluate("sessionStorage['desk-run']"))


def show_names(portal: RunningPortal, value: bool) -> None:
    with portal.inside():
        db.session.execute(update(Library).where(Library.id == "2023500").values(names_on_slips=value))
        db.session.commit()


@pytest.fixture(params=[False, True])
def shows_names(request: pytest.FixtureRequest, own_portal: RunningPortal) -> Iterator[bool]:
    """Whether the library shows names on paper, until the test is over."""
    show_names(own_portal, request.param)
    yield request.param
    show_names(own_portal, False)


def test_the_receipt_has_what_the_patron_returned_and_nobody_elses_items(returns: Page, shows_names: bool) -> None:
    barcode = "2012" if shows_names else "2001"
    returns.goto("/desk")
    scan(returns, GUARDIAN[0])
    returns.goto("/desk/returns")
    mine = scan(returns, barcode).locator(".line-title").inner_text()
    others = scan(returns, "2014").locator(".line-title").inner_text()
    for paper in (ROLL, A4):
        text = print_page(returns, paper)
        assert f"Levert {mine}" in text
        assert others not in text
        assert ("Ingrid Solvang" in text) is shows_names
