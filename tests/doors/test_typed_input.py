"""What a scanner or keyboard adds is taken away at every door, and costs nobody a second try."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.demo.accounts import PATRONS, birth_date_at
from tests.conftest import Clock
from tests.doors.visits import GUARDIAN, SYSTEM, log_in, main_text, scan_at_kiosk, shown_code, submit

ADDED = {
    "QR": ("]Q1", "\r\n"),
    "Code 128": ("]C1", ""),
    "STX and ETX": ("\x02", "\x03"),
    "byte order mark": ("\ufeff", "\t"),
    "no-break space": ("\u00a0", "\u00a0"),
    "zero-width space": ("\u200b", "\u200b"),
}
WIDE = str.maketrans("0123456789N", "０１２３４５６７８９Ｎ")


@pytest.mark.parametrize(("before", "after"), ADDED.values(), ids=ADDED)
def test_a_card_is_scanned_at_desk_and_kiosk_as_the_scanner_sends_it(
    desk: FlaskClient, phone: FlaskClient, client: FlaskClient, before: str, after: str
) -> None:
    code = before + shown_code(phone) + after
    assert scan_at_kiosk(client, code.replace("\x00", "")).json["result"] == "accepted"
    page = submit(desk, "/desk", page="/desk", payload=before + shown_code(phone) + after)
    assert "not a library card" not in main_text(page)


@pytest.mark.parametrize(
    "pin", ["4719\u200b", "\ufeff4719", "４７１９", "٤٧١٩", "47\u00a019", "\u202a4719\u202c", "4719\r\n"]
)
def test_a_pin_is_right_at_the_first_try(new_browser: Callable[..., FlaskClient], pin: str) -> None:
    for number in (GUARDIAN[0], "Ｎ０００１００００１", "N000\u00a0100\u200b001", "\ufeffn000100001\t"):
        assert log_in(new_browser(), number, pin).status_code == 302
    answer = new_browser().post("/api/v1/pin-checks", json={"card_number": GUARDIAN[0], "pin": pin}, auth=SYSTEM)
    assert answer.json == {"valid": True}


@pytest.mark.parametrize("typed", ["{:%d.%m.%Y}", "{0.day}/{0.month} {0.year}", "{:%Y-%m-%d}", "{:%d%m%Y}\u200b"])
def test_a_patron_is_found_by_a_birth_date_as_it_is_written(desk: FlaskClient, clock: Clock, typed: str) -> None:
    age = next(patron.age for patron in PATRONS if patron.card_number == GUARDIAN[0])
    born = birth_date_at(age=age, today=clock().date())
    page = submit(desk, "/desk/find", page="/desk/find", name="Ingrid", birth_date=typed.format(born))
    assert "Ingrid Solvang" in main_text(page)


def test_a_patron_is_found_by_a_postcode_in_wide_digits(desk: FlaskClient) -> None:
    postcode = next(patron.contact.postcode for patron in PATRONS if patron.card_number == GUARDIAN[0])
    typed = f"{(postcode or '').translate(WIDE)}\u200b"
    assert "Ingrid Solvang" in main_text(submit(desk, "/desk/find", page="/desk/find", name="Ingrid", postcode=typed))
