"""Mine opplysninger: see, edit, take along, see who looked, freeze and thaw, and sign out elsewhere."""

import json
import re
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.contract.world import PATIENCE
from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor, scan
from tests.journeys.server import RunningPortal

HIDDEN = ("N000100006", "7346")
PRINTING = ("N000100005", "2957")


def opens_my_data(visitor: Visitor) -> Page:
    """Klikk på fanen «Mine opplysninger»."""
    visitor.page.goto("/my")
    visitor.page.get_by_role("navigation", name="Min side").get_by_role("link", name="Mine opplysninger").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Mine opplysninger")
    return visitor.page


def test_a_patron_sees_corrects_and_takes_along_what_is_stored(phone: Visitor, tmp_path: Path) -> None:
    phone.signs_in(*HIDDEN, keeps=False)
    page = opens_my_data(phone)
    expect(page.get_by_text("Kari Lunde").first).to_be_visible()
    expect(page.get_by_text("Skjult, og ikke lagret.")).to_be_visible()

    # Beside each piece stands why it is kept, and for how long.
    page.get_by_text("Formål og lagringstid").first.click()
    expect(page.locator("[data-column='patrons.phone']")).to_contain_text("Beholdes:")

    page.get_by_role("link", name="Endre", exact=True).click()
    page.get_by_label("E-post", exact=True).fill("kari at example")
    page.get_by_label("Telefon").fill("999 00 007")
    page.get_by_role("button", name="Lagre").click()
    wrong = re.compile("Dette er ikke en e-postadresse")
    expect(page.get_by_label("E-post", exact=True)).to_have_accessible_description(wrong)
    expect(page.locator("[data-field=validation]").filter(has_text=wrong)).to_be_visible()
    expect(page.get_by_label("Telefon")).to_have_value("999 00 007")
    page.get_by_label("E-post", exact=True).fill("kari@example.org")
    page.get_by_role("button", name="Lagre").click()
    expect(page.get_by_role("status").first).to_contain_text("Lagret")
    expect(page.get_by_text("+4799900007").first).to_be_visible()
    expect(page.get_by_text("kari@example.org").first).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Last ned", exact=True).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    (patron,) = json.loads(file.read_text())["data"]["patrons"]
    assert (patron["name"], patron["email"], patron["address"]) == ("Kari Lunde", "kari@example.org", None)

    page.get_by_role("link", name="Les eller skriv ut").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alt som er lagret om meg")
    expect(page.get_by_role("button", name="Åpne utskrift")).to_be_visible()


def test_the_copy_of_a_patron_with_forty_sign_ins_is_six_sheets_at_most(
    open_page: Opener, own_portal: RunningPortal
) -> None:
    phone = Visitor(open_page(base_url=own_portal.url))
    for _ in range(40):
        with httpx.Client(base_url=own_portal.url, timeout=PATIENCE) as other:
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', other.get("/login").text)
            assert found
            form = {"csrf_token": found[1], "card_number": PRINTING[0], "pin": PRINTING[1], "keep": "y"}
            assert other.post("/login", data=form).status_code == 302
    phone.signs_in(*PRINTING, keeps=False)
    page = opens_my_data(phone)
    expect(page.locator("[id^=sign-in-]")).to_have_count(30)
    page.get_by_role("link", name="Les eller skriv ut").click()
    expect(page.locator("[data-table=sessions] tbody tr")).to_have_count(41)
    sheets = re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))
    assert 1 <= len(sheets) <= 6


def test_who_looked_is_there_after_a_scan_and_a_frozen_card_is_refused_until_it_is_thawed(
    phone: Visitor, desk: Page, portal: RunningPortal, freezer: tuple[str, str]
) -> None:
    phone.signs_in(*freezer, keeps=False)
    expect(scan(desk, phone.opens_the_card())).to_contain_text("Nora Solvang")
    page = opens_my_data(phone)
    looks = page.get_by_role("list").filter(has_text="Kortet ditt ble skannet")
    expect(looks).to_contain_text("Ullensaker bibliotek, personalet i skranken")
    expect(looks).to_contain_text("navn, aldersgruppe, hjemmebibliotek")

    page.get_by_text("Se hva det innebærer, og frys").click()
    page.get_by_role("button", name="Frys kortet mitt").click()
    expect(page.get_by_role("heading", name="Kortet ditt er fryst")).to_be_visible()
    portal.clock.turn_into_step(seconds=1)
    refused = scan(desk, phone.opens_the_card())
    expect(refused).to_contain_text("Kortet er fryst")
    expect(refused).not_to_contain_text("Nora")

    opens_my_data(phone).get_by_role("button", name="Åpne kortet igjen").click()
    expect(page.get_by_role("status").first).to_contain_text("Kortet kan brukes igjen")
    portal.clock.turn_into_step(seconds=1)
    expect(scan(desk, phone.opens_the_card())).to_contain_text("Nora Solvang")


def test_a_patron_signs_out_everywhere_else(phone: Visitor, open_page: Opener) -> None:
    forgotten = Visitor(open_page())
    forgotten.signs_in(*HIDDEN)
    phone.signs_in(*HIDDEN)
    page = opens_my_data(phone)
    page.locator("summary", has_text="Logg ut alle andre steder").click()
    page.get_by_role("button", name="Logg ut alle andre steder").click()
    expect(page.get_by_role("status").first).to_contain_text("bare logget inn her")
    expect(page.get_by_role("button", name="Logg ut der")).to_have_count(0)
    forgotten.page.goto("/my")
    expect(forgotten.page).to_have_url("/login")


def test_the_privacy_page_leads_to_what_it_promises(phone: Visitor) -> None:
    phone.page.goto("/")
    phone.page.get_by_role("contentinfo").get_by_role("link", name="Personvern").click()
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Personvern")
    expect(phone.page.locator(".promise")).to_have_count(9)
    expect(phone.page.get_by_role("link", name="Datatilsynet")).to_be_visible()
