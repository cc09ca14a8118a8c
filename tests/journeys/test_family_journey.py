"""Familiemappa, word for word as the national library card's own page explains it to parents."""

from playwright.sync_api import Page, expect

from tests.doors.visits import CHILD, GUARDIAN
from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor, scan
from tests.journeys.test_every_patron_page import go_in, look_in_other_languages

TEEN = ("N000100003", "5938")
CHILDS_LOAN, TEENS_LOAN, OWN_LOAN = "Alt om hester", "Nordlysjegeren", "Et dukkehjem"


def opens_settings(visitor: Visitor) -> Page:
    """Klikk på «Min side» og fanen «Innstillinger»."""
    visitor.page.goto("/my")
    visitor.page.get_by_role("navigation", name="Min side").get_by_role("link", name="Innstillinger").click()
    expect(visitor.page.get_by_role("heading", name="Familiemappa")).to_be_visible()
    return visitor.page


def opens_loans(visitor: Visitor) -> Page:
    """Under fanekort «Lån» …"""
    visitor.page.get_by_role("navigation", name="Min side").get_by_role("link", name="Lån", exact=True).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Lån")
    return visitor.page


def child_gives_permission(visitor: Visitor, child: tuple[str, str]) -> None:
    """Logg inn med barnets lånekortnummer, skriv inn foresattes nummer, «Send tillatelse», logg ut."""
    visitor.signs_in(*child, keeps=False)
    page = opens_settings(visitor)
    page.get_by_label("Gi tillatelse til å se mine lån").fill(GUARDIAN[0])
    page.get_by_role("button", name="Send tillatelse").click()
    expect(page.get_by_role("status").first).to_contain_text("Tillatelsen er sendt")
    visitor.signs_out()


def switches_on(page: Page, name: str) -> None:
    """«Lånere jeg har tilgang til»: her står navnet på barnet. Klikk deretter «Slå på»."""
    expect(page.get_by_role("heading", name="Lånere jeg har tilgang til")).to_be_visible()
    page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Slå på").click()
    expect(page.get_by_role("listitem").filter(has_text=name).get_by_role("button", name="Slå av")).to_be_visible()


def test_parents_keep_an_overview_of_the_whole_familys_loans(phone: Visitor, open_page: Opener) -> None:
    for child in (CHILD, TEEN):
        child_gives_permission(phone, child)

    guardian = Visitor(open_page())
    guardian.signs_in(keeps=False)
    settings = opens_settings(guardian)
    switches_on(settings, "Jonas Solvang")
    loans = opens_loans(guardian)
    expect(loans.get_by_text(OWN_LOAN).first).to_be_visible()
    expect(loans.get_by_text(CHILDS_LOAN).first).to_be_visible()
    expect(loans.get_by_text(TEENS_LOAN)).to_have_count(0)

    # «Gjenta stegene dersom du ønsker å legge til flere barn.»
    switches_on(opens_settings(guardian), "Nora Solvang")
    # «… anbefaler vi foresatte å slå av funksjonen når barnet er eldre enn 12 år.»
    expect(guardian.page.get_by_text("Nora Solvang er eldre enn 12 år")).to_be_visible()
    assert look_in_other_languages(guardian.page, "/my/settings") == []
    go_in("nb", guardian.page, "/my/settings")
    expect(opens_loans(guardian).get_by_text(TEENS_LOAN).first).to_be_visible()

    # The child ends it, and the next page of the guardian's is without its loans.
    phone.signs_in(*CHILD, keeps=False)
    opens_settings(phone)
    expect(phone.page.get_by_text("Sist sett")).to_be_visible()
    phone.page.get_by_role("button", name="Trekk tilbake tillatelse").click()
    expect(phone.page.get_by_role("status").first).to_contain_text("trukket tilbake")
    guardian.page.reload()
    expect(guardian.page.get_by_text(CHILDS_LOAN)).to_have_count(0)
    expect(guardian.page.get_by_text(TEENS_LOAN).first).to_be_visible()

    # The guardian ends the other, and neither the back button nor a new page shows it again.
    opens_settings(guardian)
    guardian.page.get_by_role("listitem").filter(has_text="Nora Solvang").get_by_role("button", name="Slå av").click()
    expect(opens_loans(guardian).get_by_text(TEENS_LOAN)).to_have_count(0)


def test_a_desk_lends_and_takes_back_with_the_keyboard_alone(phone: Visitor, desk: Page) -> None:
    phone.signs_in(*CHILD, keeps=False)
    code = phone.opens_the_card()
    scan(desk, code)
    expect(scan(desk, "2006")).to_contain_text("Norske folkeeventyr")
    expect(desk.get_by_role("table")).to_contain_text("Norske folkeeventyr")
    desk.keyboard.press("F2")
    expect(desk).to_have_url("/desk/returns")
    expect(scan(desk, "2006")).to_contain_text("Norske folkeeventyr")
    desk.goto("/desk")
    expect(desk.get_by_role("table")).not_to_contain_text("Norske folkeeventyr")
    desk.keyboard.press("Escape")
    expect(desk.get_by_text("Norske folkeeventyr").locator("visible=true")).to_have_count(0)
