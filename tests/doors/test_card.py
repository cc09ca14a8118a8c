"""The card page: a code that scanners read, that changes with the step, and that stands without JavaScript."""

from collections.abc import Callable
from io import BytesIO

import pytest
import zxingcpp
from apiflask import APIFlask
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from sqlalchemy import update

from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.patrons import Patron
from app.rules.card.code import parse, step_at
from app.rules.people.fields import FIELD
from tests.conftest import Clock
from tests.doors.visits import AT_MULLSJO_ONLY, log_in, main_text, read_page, shown_code, submit

HOME_LIBRARY = FIELD["home_library_id"].label
_MODULE = 8


def read_svg(text: str) -> Tag:
    svg = BeautifulSoup(text, "html.parser").svg
    assert svg is not None
    return svg


def draw(svg: Tag) -> Image.Image:
    """Draw an SVG that is made of rectangles alone, as ours are: `M{x} {y}h{width}v{height}h-{width}z`."""
    width, height = (int(number) for number in str(svg["viewbox"]).split()[2:])
    picture = Image.new("L", (width * _MODULE, height * _MODULE), 255)
    pen = ImageDraw.Draw(picture)
    background, bars = svg.find_all("path")
    assert background["fill"] == "#fff"
    for bar in str(bars["d"]).removesuffix("z").split("z"):
        place, across, down = bar.removeprefix("M").replace("h-", " ").replace("h", ",").replace("v", ",").split(",")
        x, y = (int(number) * _MODULE for number in place.split())
        right = x + int(across) * _MODULE - 1
        pen.rectangle((x, y, right, y + int(down.split()[0]) * _MODULE - 1), fill=0)
    return picture


def decode(picture: Image.Image) -> tuple[str, str]:
    """Return the kind of code and its text, as a scanner reads them."""
    codes = zxingcpp.read_barcodes(picture)
    assert len(codes) == 1
    return codes[0].format.name, codes[0].text


def test_the_page_shows_name_number_home_library_and_where_the_card_is_valid(phone: FlaskClient) -> None:
    response = phone.get("/card")
    text = main_text(response)
    assert "Ingrid Solvang" in text
    assert "N 000 100 001" in text
    page = read_page(response)
    facts = page.find("dl", class_="pass-facts")
    assert facts is not None
    assert facts.get_text(" ", strip=True) == f"{HOME_LIBRARY} Ullensaker bibliotek"
    ready = page.find("section", attrs={"aria-labelledby": "valid-at"})
    assert ready is not None
    assert [place.get_text(strip=True) for place in ready.find_all("li")] == [
        "Ullensaker bibliotek",
        "Mullsjö bibliotek",
    ]


def test_the_page_and_the_pictures_all_hold_the_same_code(phone: FlaskClient) -> None:
    digits = shown_code(phone)
    page = read_page(phone.get("/card"))
    code, barcode, written = page.find(id="code"), page.find(id="barcode"), page.find(id="digits")
    assert code is not None
    assert barcode is not None
    assert written is not None
    assert decode(draw(code.svg)) == ("QRCode", digits)
    assert decode(draw(barcode.svg)) == ("Code128", digits)
    assert written.get_text() == " ".join(digits[i : i + 4] for i in range(0, 24, 4))
    assert decode(draw(read_svg(phone.get("/card/code.svg").text))) == ("QRCode", digits)
    assert decode(Image.open(BytesIO(phone.get("/card/code.png").data))) == ("QRCode", digits)


def test_the_pictures_say_what_they_are(phone: FlaskClient) -> None:
    assert phone.get("/card/code.svg").mimetype == "image/svg+xml"
    assert phone.get("/card/code.png").mimetype == "image/png"


def test_the_code_is_the_smallest_qr_with_four_modules_of_quiet_zone(phone: FlaskClient) -> None:
    svg = read_svg(phone.get("/card/code.svg").text)
    assert svg["viewbox"] == "0 0 29 29"
    picture = draw(svg)
    dark = [place for place, colour in enumerate(picture.tobytes()) if colour == 0]
    assert min(place % picture.width for place in dark) == 4 * _MODULE
    assert min(dark) // picture.width == 4 * _MODULE


def test_the_code_changes_with_the_step_and_only_then(phone: FlaskClient, clock: Clock) -> None:
    first = shown_code(phone)
    clock.turn(seconds=29)
    assert shown_code(phone) == first
    clock.turn(seconds=1)
    second = shown_code(phone)
    assert second[:16] == first[:16]
    assert second[16:] != first[16:]
    code = read_page(phone.get("/card")).find(id="code")
    assert code is not None
    assert decode(draw(code.svg)) == ("QRCode", second)


def test_the_script_gets_this_code_and_the_next_two_with_the_servers_time(phone: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=12)
    answer = phone.get("/card/codes.json").json
    assert answer["now"] == clock().timestamp() * 1000
    starts = [step * 30_000 for step in range(step_at(clock()), step_at(clock()) + 3)]
    assert [(code["from"], code["until"]) for code in answer["codes"]] == [(start, start + 30_000) for start in starts]
    for code in answer["codes"]:
        assert shown_code(phone) == code["digits"].replace(" ", "")
        clock.turn(seconds=30)


@pytest.mark.parametrize(("into_the_step", "refresh"), [(0, "31"), (12, "19"), (29, "2"), (29.9, "2")])
def test_without_javascript_the_page_loads_itself_anew_when_the_code_does(
    phone: FlaskClient, clock: Clock, into_the_step: float, refresh: str
) -> None:
    clock.turn(seconds=into_the_step)
    head = read_page(phone.get("/card")).head
    assert head is not None
    assert head.noscript is not None
    meta = head.noscript.find("meta", attrs={"http-equiv": "refresh"})
    assert meta is not None
    assert meta["content"] == refresh


def test_each_device_shows_a_code_of_its_own(
    phone: FlaskClient, client: FlaskClient, new_browser: Callable[..., FlaskClient]
) -> None:
    log_in(client, "N000100001", "4719")
    other = new_browser()
    log_in(other, *AT_MULLSJO_ONLY)
    numbers = [parse(shown_code(browser)).credential for browser in (phone, client, other)]
    assert len(set(numbers)) == 3


def test_a_code_tells_neither_the_card_number_nor_the_patron(phone: FlaskClient) -> None:
    assert "000100001" not in shown_code(phone)


def test_a_device_whose_key_was_guessed_at_is_asked_to_sign_in_again(
    app: APIFlask, phone: FlaskClient, clock: Clock
) -> None:
    before = shown_code(phone)
    with app.app_context():
        db.session.execute(update(Credential).values(revoked_at=clock()))
        db.session.commit()
    assert phone.get("/card/codes.json").json["codes"] == []
    for path in ("/card", "/card/code.svg", "/card/code.png"):
        assert phone.get(path).location == "/login", path
    assert log_in(phone, "N000100001", "4719", keep=True).status_code == 302
    assert shown_code(phone)[:16] != before[:16]


# --- a card that is taken nowhere ---


def test_a_frozen_card_says_so_wherever_its_holder_looks_and_how_to_thaw_it(phone: FlaskClient) -> None:
    for path in ("/my", "/card"):
        assert "frozen" not in main_text(phone.get(path))
    assert phone.get("/card/app.json").json["cards"][0]["block"] is None
    submit(phone, "/my/data/freeze", page="/my/data")
    for path in ("/my", "/card"):
        notice = read_page(phone.get(path)).find(class_="ds-alert", attrs={"aria-labelledby": "block-frozen"})
        assert notice is not None
        assert "Your card is frozen" in notice.get_text()
        link = notice.find("a")
        assert link is not None
        assert link["href"] == "/my/data"
    assert phone.get("/card/app.json").json["cards"][0]["block"] == "frozen"
    submit(phone, "/my/data/thaw", page="/my/data")
    for path in ("/my", "/card"):
        assert not read_page(phone.get(path)).find(attrs={"aria-labelledby": "block-frozen"})


def test_a_card_that_is_blocked_while_its_holder_is_signed_in_says_so(app: APIFlask, phone: FlaskClient) -> None:
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.card_number == "N000100001").values(card_state="lost"))
        db.session.commit()
    for path in ("/my", "/card"):
        assert "Your card is reported lost" in main_text(phone.get(path))
