"""A forgotten PIN: ordered from the page for logging in, and chosen anew by the link in the message."""

from playwright.sync_api import expect

from app.demo.accounts import PATRONS
from tests.journeys.conftest import Opener
from tests.journeys.people import Visitor
from tests.journeys.server import RunningPortal

# Whose PIN no other journey needs.
ASA = next(patron for patron in PATRONS if patron.card_number == "N000100005")
CARD, PIN, NEW_PIN = ASA.card_number, ASA.pin, "6274"


def test_a_forgotten_pin_is_ordered_and_chosen_anew(phone: Visitor, open_page: Opener, portal: RunningPortal) -> None:
    elsewhere = Visitor(open_page())
    elsewhere.signs_in(CARD, PIN, keeps=False)

    page = phone.page
    page.goto("/login")
    page.get_by_role("link", name="Bestill ny PIN").click()
    page.get_by_label("Lånekortnummer").fill(CARD)
    page.get_by_role("button", name="Bestill ny PIN").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bestillingen er på vei")

    portal.work()
    page.get_by_role("link", name="Sendte meldinger").click()
    letter = page.get_by_role("listitem").filter(has_text="asa@example.org")
    link = letter.first.get_by_role("link").get_attribute("href")
    assert link is not None
    # The demonstration's messages name the address that it was started with, not the test's free port.
    page.goto("/new-pin/" + link.rpartition("/")[2])

    page.get_by_label("Ny PIN-kode").fill("1234")
    page.get_by_role("button", name="Bytt PIN-kode").click()
    expect(page.get_by_text("Mange velger denne").last).to_be_visible()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Ny PIN-kode")).to_be_focused()
    expect(page.get_by_label("Ny PIN-kode")).to_have_value("")
    elsewhere.page.reload()
    expect(elsewhere.page.get_by_role("heading", level=1)).to_have_text("Min side")

    page.get_by_label("Ny PIN-kode").fill(NEW_PIN)
    page.get_by_role("button", name="Bytt PIN-kode").click()
    expect(page.get_by_role("status").first).to_contain_text("Den nye PIN-koden gjelder nå")
    elsewhere.page.reload()
    expect(elsewhere.page.get_by_role("heading", level=1)).to_have_text("Logg inn")

    phone.signs_in(CARD, NEW_PIN)
    page.get_by_role("navigation", name="Min side").get_by_role("link", name="Innstillinger").click()
    page.get_by_role("link", name="Bytt PIN-kode").click()
    page.get_by_role("button", name="Lag en tilfeldig PIN-kode for meg").click()
    drawn = page.locator(".drawn-pin").inner_text().strip()
    page.get_by_role("link", name="Jeg har den").click()
    phone.signs_out()
    phone.signs_in(CARD, drawn)


def test_a_second_press_while_the_answer_is_on_its_way_is_not_sent(phone: Visitor) -> None:
    page = phone.page
    page.goto("/new-pin")
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 1000, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    page.get_by_label("Lånekortnummer").fill("N999999998")
    button = page.get_by_role("button", name="Bestill ny PIN").bounding_box()
    assert button is not None
    for _ in range(2):
        page.mouse.click(button["x"] + 9, button["y"] + 9)
        page.wait_for_timeout(200)
    expect(page.get_by_role("heading", level=1)).to_have_text("Bestillingen er på vei")
    assert sent == ["POST"]
