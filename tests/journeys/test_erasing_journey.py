"""Slett alt om meg: what goes and what stays, the receipt, and the libraries' answers without a card."""

from playwright.sync_api import expect

from app.demo.accounts import PATRONS
from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor
from tests.journeys.server import RunningPortal

# Whom no other journey needs.
ERIK = next(patron for patron in PATRONS if patron.card_number == "N000100007")


def test_a_patron_deletes_everything_and_follows_the_receipt(
    phone: Visitor, open_page: Opener, portal: RunningPortal
) -> None:
    elsewhere = Visitor(open_page())
    elsewhere.signs_in(ERIK.card_number, ERIK.pin, keeps=False)
    phone.signs_in(ERIK.card_number, ERIK.pin)
    page = phone.page
    page.get_by_role("navigation", name="Min side").get_by_role("link", name="Mine opplysninger").click()
    page.get_by_role("link", name="Slett alt om meg").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Slett alt om meg")
    expect(page.get_by_role("listitem").filter(has_text="Mullsjö bibliotek")).to_contain_text(
        "Beholder ingenting om deg."
    )

    # A wrong PIN deletes nothing, and leaves everything as it was.
    page.get_by_label("PIN-kode").fill("0001")
    page.get_by_role("button", name="Bekreft sletting").click()
    expect(page.get_by_text("PIN-koden er feil.", exact=True)).to_be_visible()
    page.get_by_label("PIN-kode").fill(ERIK.pin)
    page.get_by_role("button", name="Bekreft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kvittering")
    code = page.locator(".receipt-code").inner_text().strip()
    expect(page.get_by_role("listitem").filter(has_text="Mullsjö bibliotek")).to_contain_text("Ikke svart ennå")
    assert ERIK.name not in page.content()
    assert ERIK.card_number not in page.content()

    # Nobody is signed in any more, and the card number leads nowhere.
    elsewhere.page.reload()
    expect(elsewhere.page.get_by_role("heading", level=1)).to_have_text("Logg inn")
    page.goto("/my")
    expect(page.get_by_role("heading", level=1)).to_have_text("Logg inn")
    page.get_by_label("Lånekortnummer").fill(ERIK.card_number)
    page.get_by_label("PIN-kode").fill(ERIK.pin)
    page.get_by_role("button", name="Logg inn").click()
    expect(page.get_by_role("alert")).to_be_visible()

    # The library answers, and whoever has the code reads it, on any device.
    portal.work()
    visitor = open_page()
    visitor.goto("/receipt")
    visitor.get_by_label("Kvitteringskode").fill(code.lower().replace("-", " "))
    visitor.get_by_role("button", name="Vis kvitteringen").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Kvittering")
    expect(visitor.get_by_role("listitem").filter(has_text="Mullsjö bibliotek")).to_contain_text("Slettet")
