"""What the desk prints, as PDF, which Chromium makes as it does for a printer: on a roll of 80 mm and on A4."""

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.doors.visits import GUARDIAN
from tests.journeys.conftest import COMPUTER
from tests.journeys.letters import leave_a_letter, open_a_letter
from tests.journeys.people import scan
from tests.journeys.server import RunningPortal

ROLL, A4 = ("80mm", "200mm"), ("210mm", "297mm")
PAPERS = pytest.mark.parametrize("paper", [ROLL, A4], ids=["roll", "A4"])
PRINTABLE = {"width": 272, "height": 700}  # 72 mm of a roll of 80 mm, in CSS pixels
NORA = "N000100003"
FREE = ("2002", "2003", "2005", "2006", "2007", "2009")
# What stands on buttons, fields and tabs; and who was served.
NEVER = ("Angre", "Ferdig", "Skriv ut", "Skann", "Innlevering", "Vis låneren", "Tast", "Logg ut", "Lyd", "Prøv igjen")


def print_pages(page: Page, paper: tuple[str, str]) -> list[str]:
    """The text of each page, in one line. Every page is as large as the paper."""
    width, height = paper
    pages = PdfReader(BytesIO(page.pdf(width=width, height=height))).pages
    for each in pages:
        sides = [float(side) * 25.4 / 72 for side in (each.mediabox.width, each.mediabox.height)]
        assert sides == pytest.approx([int(side.removesuffix("mm")) for side in paper], abs=1)
    return [" ".join(each.extract_text().split()) for each in pages]


def print_page(page: Page, paper: tuple[str, str]) -> str:
    """The text of the only page."""
    (text,) = print_pages(page, paper)
    assert [word for word in NEVER if word in text] == []
    return text


def assert_nothing_is_cut(page: Page) -> None:
    """Nothing is wider than what a roll can be printed on."""
    page.emulate_media(media="print")
    page.set_viewport_size(PRINTABLE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PRINTABLE["width"]
    page.emulate_media(media="null")
    page.set_viewport_size(COMPUTER)


@pytest.fixture
def desk(desk: Page) -> Iterator[Page]:
    """The desk, whose printer prints nothing; what was lent is returned when the test is over."""
    desk.add_init_script("window.print = () => {}")
    desk.goto("/desk")
    yield desk
    desk.goto("/desk/returns")
    for barcode in FREE:
        scan(desk, barcode)


def mark_lost(desk: Page, barcode: str) -> None:
    desk.locator("summary", has_text="Tapt eller ødelagt").click()
    desk.locator("#lost-barcode").fill(barcode)
    desk.get_by_role("button", name="Finn tittelen").click()
    desk.get_by_role("button", name="Ja, tapt").click()
    expect(desk.get_by_role("status").first).to_contain_text("450")


@PAPERS
def test_the_receipt_says_what_was_lent_and_what_is_owed_on_one_page(desk: Page, paper: tuple[str, str]) -> None:
    scan(desk, GUARDIAN[0])
    scan(desk, "9788202123451")
    for barcode in FREE:
        scan(desk, barcode)
    undone = desk.locator("#lines .line").first
    title = undone.locator(".line-title").inner_text()
    undone.get_by_role("button", name="Angre").click()
    expect(desk.locator("#lines .line").first).to_contain_text("Angret")
    expect(desk.locator("#served")).to_be_visible()
    text = print_page(desk, paper)
    assert "Ullensaker bibliotek" in text
    assert re.search(r"\d+\. \w+ 20\d\d kl\. \d\d:\d\d", text)
    assert "Norske folkeeventyr Lånefrist" in text
    assert text.count("Lånefrist") == len(FREE) - 1
    assert "Skylder" in text
    for private in (title, "Ingrid", "Solvang", GUARDIAN[0], GUARDIAN[0][-4:], "ISBN", "978820"):
        assert private not in text
    assert_nothing_is_cut(desk)


def test_the_receipt_is_printed_from_every_page_while_a_visit_is_open(desk: Page) -> None:
    scan(desk, GUARDIAN[0])
    scan(desk, FREE[0])
    for path in ("/desk/find", "/desk/returns", "/desk/patron", "/desk/post"):
        desk.goto(path)
        assert "Peer Gynt Lånefrist" in print_page(desk, ROLL), path
    desk.goto("/desk")
    desk.keyboard.press("Escape")
    expect(desk.locator("#done")).to_be_hidden()
    assert "Peer Gynt" not in " ".join(print_pages(desk, ROLL))


def test_what_is_paid_stands_on_the_receipt_until_the_visit_is_over(desk: Page) -> None:
    scan(desk, NORA)
    scan(desk, FREE[0])
    desk.goto("/desk/returns")
    mark_lost(desk, FREE[0])
    desk.goto("/desk")
    desk.get_by_label("Beløp").fill("450")
    desk.get_by_role("button", name="Ta imot betaling").click()
    expect(desk.get_by_text("Mottatt 450 kr")).to_be_visible()
    desk.goto("/desk/find")
    text = print_page(desk, ROLL)
    assert "Betalt 450 kr" in text
    assert "Skylder ingenting" in text
    scan(desk, GUARDIAN[0])
    assert "Betalt" not in print_page(desk, ROLL)


def have_lent(desk: Page, count: int, title: str) -> None:
    """Let the list show that many loans of a title."""
    scan(desk, GUARDIAN[0])
    scan(desk, FREE[0])
    desk.goto("/desk/find")
    desk.evaluate(
        """([count, title]) => {
            const line = document.querySelector("#lines .line[data-receipt]");
            line.querySelector(".line-title").textContent = title;
            const run = JSON.parse(sessionStorage["desk-run"]);
            const lent = { ...run.lines.at(-1), html: line.outerHTML };
            run.lines = [...Array(count).keys()].map(key => ({ ...lent, key: `${key}` }));
            sessionStorage["desk-run"] = JSON.stringify(run);
        }""",
        [count, title],
    )
    desk.reload()
    expect(desk.locator("#lines .line")).to_have_count(count)


@PAPERS
def test_ten_loans_are_one_page(desk: Page, paper: tuple[str, str]) -> None:
    have_lent(desk, 10, "Hemmeligheten i Raknehaugen og andre fortellinger")
    assert print_page(desk, paper).count("Lånefrist") == 10


def test_thirty_loans_are_one_long_page_on_a_roll_and_several_on_a4(desk: Page) -> None:
    have_lent(desk, 30, "Donaudampfschifffahrtsgesellschaftskapitänswitwenrente og andre fortellinger " * 3)
    assert print_page(desk, ("80mm", "3276mm")).count("Lånefrist") == 30
    assert_nothing_is_cut(desk)
    pages = print_pages(desk, A4)
    assert len(pages) > 1
    assert "".join(pages).count("Lånefrist") == 30


@PAPERS
def test_a_letter_is_printed_alone_also_while_a_visit_is_open(
    desk: Page, portal: RunningPortal, paper: tuple[str, str]
) -> None:
    leave_a_letter(portal)
    scan(desk, GUARDIAN[0])
    open_a_letter(desk)
    text = print_page(desk, paper)
    assert "Ullensaker bibliotek" in text
    assert "PIN" in text
    assert "/new-pin/" in text.replace(" ", "")
    assert "konvolutt" not in text
    assert_nothing_is_cut(desk)
