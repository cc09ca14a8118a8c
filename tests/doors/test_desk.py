"""The desk: what staff read for each outcome, and that every look is written down first."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import before_render_template
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app.register.card.cards import report_lost
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.library import Library
from app.register.tables.log import AccessLogEntry
from app.rules.card.code import Kind, build, parse
from app.rules.people.fields import FIELD
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.visits import (
    AT_MULLSJO_ONLY,
    CHILD,
    MULLSJO,
    csrf_token,
    desk_log_in,
    log_in,
    main_text,
    other_digit,
    read_page,
    result_of,
    scan_at_desk,
    scan_at_kiosk,
    shown_code,
    submit,
)
from tests.searching import stands_in

HOME_LIBRARY = FIELD["home_library_id"].label
BROWSER = Callable[..., FlaskClient]


def facts_of(response: object) -> dict[str, str]:
    page = read_page(response)
    return {fact.dt.get_text(strip=True): fact.dd.get_text(strip=True) for fact in page.select("dl.result-facts div")}


def test_an_accepted_card_shows_who_it_is_and_what_to_do(desk: FlaskClient, phone: FlaskClient) -> None:
    response = scan_at_desk(desk, shown_code(phone))
    assert response.status_code == 200
    assert result_of(response) == ("", "Accepted")
    assert "Ingrid Solvang" in main_text(response)
    assert "The card can be used here." in main_text(response)
    facts = facts_of(response)
    assert facts["Age group"] == "Adult"
    assert facts[HOME_LIBRARY] == "Ullensaker bibliotek"
    assert facts["Activated here"] == "Yes"


def test_a_child_is_shown_as_a_child(desk: FlaskClient, client: FlaskClient) -> None:
    log_in(client, *CHILD)
    assert facts_of(scan_at_desk(desk, shown_code(client)))["Age group"] == "Child"


def test_a_card_not_activated_here_is_said_to_be(desk: FlaskClient, client: FlaskClient) -> None:
    log_in(client, *AT_MULLSJO_ONLY)
    response = scan_at_desk(desk, shown_code(client))
    assert result_of(response) == ("", "Not activated here")
    assert "Ask whether the patron accepts the library's rules" in main_text(response)
    assert facts_of(response)["Activated here"] == "No"
    assert facts_of(response)[HOME_LIBRARY] == "Mullsjö bibliotek"


def test_the_digits_may_be_typed_in_groups(desk: FlaskClient, phone: FlaskClient) -> None:
    code = shown_code(phone)
    typed = "  " + " ".join(code[i : i + 4] for i in range(0, 24, 4)) + " "
    assert result_of(scan_at_desk(desk, typed)) == ("", "Accepted")


def test_scanning_twice_at_one_desk_is_one_answer(desk: FlaskClient, phone: FlaskClient) -> None:
    code = shown_code(phone)
    assert result_of(scan_at_desk(desk, code)) == ("", "Accepted")
    assert result_of(scan_at_desk(desk, code)) == ("", "Accepted")


def test_another_terminal_is_told_to_wait_for_the_next_code(
    desk: FlaskClient, phone: FlaskClient, new_browser: BROWSER, clock: Clock
) -> None:
    clock.turn(seconds=30)
    second_desk = new_browser()
    desk_log_in(second_desk)
    code = shown_code(phone)
    assert scan_at_kiosk(phone, code).json["result"] == "accepted"
    for each in (desk, second_desk):
        response = scan_at_desk(each, code)
        assert result_of(response) == ("REPLAY", "Already used")
        assert "Wait for the next code" in main_text(response)
        assert "Solvang" not in response.text
    clock.turn(seconds=30)
    assert result_of(scan_at_desk(desk, shown_code(phone))) == ("", "Accepted")


def test_a_librarys_desks_may_share_their_scans(
    app: APIFlask, desk: FlaskClient, phone: FlaskClient, new_browser: BROWSER, clock: Clock
) -> None:
    with app.app_context():
        db.session.execute(update(Library).where(Library.id == "2023500").values(desks_share_scans=True))
        db.session.commit()
    clock.turn(seconds=30)
    second_desk = new_browser()
    desk_log_in(second_desk)
    code = shown_code(phone)
    assert result_of(scan_at_desk(desk, code)) == ("", "Accepted")
    assert result_of(scan_at_desk(second_desk, code)) == ("", "Accepted")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("9788202123451", "This is the ISBN of the book. Items are lent in the library's own system."),
        ("https://example.org/", "Not a library card"),
        ("9" * 200, "Not a library card"),
        ("⁹²¹" + "⁰" * 21, "Not a library card"),
        ("", "That could not be read"),
    ],
)
def test_something_else_than_a_card_is_said_to_be_none(desk: FlaskClient, payload: str, words: str) -> None:
    assert words in main_text(scan_at_desk(desk, payload))


def test_a_card_number_opens_the_patron_and_asks_for_photo_id(desk: FlaskClient) -> None:
    text = main_text(scan_at_desk(desk, "N000100001"))
    assert "Ingrid Solvang" in text
    assert "Ask for photo id" in text
    assert "Ingrid Solvang" in main_text(desk.get("/desk/patron"))


def test_a_card_number_that_nobody_has_opens_nobody(desk: FlaskClient, phone: FlaskClient) -> None:
    scan_at_desk(desk, shown_code(phone))
    assert "No card has this number" in main_text(scan_at_desk(desk, "N999999999"))
    assert desk.get("/desk/patron").status_code == 302, "the visit before has ended"


@pytest.mark.parametrize("place", [3, 9, 15])
def test_a_mistyped_digit_is_a_misreading(desk: FlaskClient, phone: FlaskClient, place: int) -> None:
    response = scan_at_desk(desk, other_digit(shown_code(phone), place))
    assert result_of(response) == ("MISREAD", "Misread")
    assert "Scan again" in main_text(response)


def test_a_mistyped_one_time_part_is_a_wrong_code(desk: FlaskClient, phone: FlaskClient) -> None:
    response = scan_at_desk(desk, other_digit(shown_code(phone), 20))
    assert result_of(response) == ("UNKNOWN", "Wrong code")


def test_a_credential_that_was_never_issued_is_unknown(desk: FlaskClient, phone: FlaskClient) -> None:
    number = f"{(int(parse(shown_code(phone)).credential) + 1) % 10**12:012d}"
    response = scan_at_desk(desk, build(kind=Kind.ROTATING, credential=number, totp="12345678"))
    assert result_of(response) == ("UNKNOWN", "Unknown card")
    assert "Ask for photo id, then scan the plastic card." in main_text(response)


def test_a_static_code_with_a_rotating_cards_number_is_unknown(desk: FlaskClient, phone: FlaskClient) -> None:
    number = parse(shown_code(phone)).credential
    assert result_of(scan_at_desk(desk, build(kind=Kind.STATIC, credential=number)))[0] == "UNKNOWN"


@pytest.mark.parametrize("late", [-600, -90, 90, 600])
def test_a_code_far_from_its_time_points_at_the_clock(
    desk: FlaskClient, phone: FlaskClient, clock: Clock, late: int
) -> None:
    clock.turn(seconds=600)
    clock.turn(seconds=-late)
    code = shown_code(phone)
    clock.turn(seconds=late)
    response = scan_at_desk(desk, code)
    assert result_of(response) == ("CLOCK", "Old code, or a wrong clock")
    assert "the phone's clock is wrong" in main_text(response)


@pytest.mark.parametrize("late", [-30, 0, 30])
def test_a_code_one_step_off_is_accepted(desk: FlaskClient, phone: FlaskClient, clock: Clock, late: int) -> None:
    clock.turn(seconds=600 - late)
    code = shown_code(phone)
    clock.turn(seconds=late)
    assert result_of(scan_at_desk(desk, code)) == ("", "Accepted")


def test_a_revoked_device_is_refused_whatever_it_shows(desk: FlaskClient, phone: FlaskClient) -> None:
    code = shown_code(phone)
    page = read_page(phone.get("/card/devices"))
    revoke = str(page.select_one("form[action$=revoke]")["action"])
    submit(phone, revoke, page="/card/devices")
    assert result_of(scan_at_desk(desk, code)) == ("REVOKED", "Device was revoked")


def test_a_lost_card_is_blocked(app: APIFlask, desk: FlaskClient, phone: FlaskClient, clock: Clock) -> None:
    code = shown_code(phone)
    with app.app_context():
        report_lost(patron_id=1, now=clock())
        db.session.commit()
    response = scan_at_desk(desk, code)
    assert result_of(response)[0] == "REVOKED"
    assert "Solvang" not in response.text


def test_a_lost_card_is_said_to_be_lost_where_a_device_still_has_it(
    app: APIFlask, desk: FlaskClient, phone: FlaskClient, clock: Clock
) -> None:
    code = shown_code(phone)
    with app.app_context():
        report_lost(patron_id=1, now=clock())
        db.session.execute(update(Credential).values(revoked_at=None))
        db.session.commit()
    response = scan_at_desk(desk, code)
    assert result_of(response) == ("REVOKED", "Card is blocked")
    assert "The card is reported lost." in main_text(response)


def test_an_expired_card_asks_for_a_new_sign_in(
    app: APIFlask, desk: FlaskClient, client: FlaskClient, clock: Clock
) -> None:
    log_in(client, *CHILD)
    code = shown_code(client)
    with app.app_context():
        db.session.execute(update(Credential).values(expires_at=clock()))
        db.session.commit()
    assert result_of(scan_at_desk(desk, code)) == ("EXPIRED", "Expired")


def test_ten_wrong_codes_throttle_this_desk_and_no_other(
    desk: FlaskClient, phone: FlaskClient, new_browser: BROWSER, clock: Clock
) -> None:
    wrong = other_digit(shown_code(phone), 20)
    for _ in range(10):
        assert result_of(scan_at_desk(desk, wrong))[0] == "UNKNOWN"
    response = scan_at_desk(desk, shown_code(phone))
    assert result_of(response) == ("THROTTLED", "Too many wrong codes")
    assert "Wait ten minutes." in main_text(response)
    clock.turn(seconds=600)
    second_desk = new_browser()
    desk_log_in(second_desk)
    assert result_of(scan_at_desk(second_desk, shown_code(phone)))[0] == ""
    clock.turn(seconds=30)
    assert result_of(scan_at_desk(desk, shown_code(phone)))[0] == ""


def test_static_codes_are_refused_where_a_library_does_not_take_them(
    app: APIFlask, desk: FlaskClient, phone: FlaskClient
) -> None:
    number = parse(shown_code(phone)).credential
    with app.app_context():
        db.session.execute(update(Credential).values(kind=Kind.STATIC.value))
        db.session.commit()
    response = scan_at_desk(desk, build(kind=Kind.STATIC, credential=number))
    assert result_of(response) == ("STATIC_FORBIDDEN", "Not accepted here")


def test_each_look_is_written_down_with_place_person_and_purpose(
    app: APIFlask, desk: FlaskClient, phone: FlaskClient, clock: Clock
) -> None:
    scan_at_desk(desk, shown_code(phone))
    with app.app_context():
        entry = db.session.scalars(select(AccessLogEntry)).one()
        assert (entry.patron_id, entry.library_id, entry.role, entry.actor) == (1, "2023500", "staff", "desk-2023500")
        assert (entry.purpose, entry.at) == ("scan", clock())
        assert entry.fields == "name, age band, home library, device"


def test_the_look_is_on_disk_before_the_page_is_made(app: APIFlask, desk: FlaskClient, phone: FlaskClient) -> None:
    written: list[int] = []

    def count(_app: object, **_page: object) -> None:
        with db.engine.connect() as connection:
            written.append(len(connection.execute(select(AccessLogEntry.id)).all()))

    code, token = shown_code(phone), csrf_token(desk, "/desk")
    with before_render_template.connected_to(count, app):
        desk.post("/desk", data={"csrf_token": token, "payload": code})
    assert written == [1]


def test_a_look_that_cannot_be_written_down_is_not_served(app: APIFlask, desk: FlaskClient, phone: FlaskClient) -> None:
    app.testing = False
    full = "CREATE TRIGGER disk_full BEFORE INSERT ON access_log BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    code = shown_code(phone)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(full))
    response = scan_at_desk(desk, code)
    assert response.status_code == 500
    assert "Solvang" not in response.text
    assert not stands_in("disk", response.text)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER disk_full"))
    assert result_of(scan_at_desk(desk, code)) == ("", "Accepted")


def test_the_page_keeps_nothing_of_the_last_patron(desk: FlaskClient, phone: FlaskClient) -> None:
    code = shown_code(phone)
    scanned = scan_at_desk(desk, code)
    assert code not in scanned.text
    assert "Solvang" not in desk.get("/desk").text
    assert "Ready for the next card" in main_text(desk.get("/desk"))


def test_a_refused_scan_shows_no_name(desk: FlaskClient, phone: FlaskClient) -> None:
    assert "Solvang" not in scan_at_desk(desk, other_digit(shown_code(phone), 20)).text


def test_a_forged_scan_is_refused_and_takes_no_step(
    desk: FlaskClient, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    code = shown_code(phone)
    before = read_database()
    for forged in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": csrf_token(phone, "/my")}):
        response = desk.post("/desk", data=forged | {"payload": code})
        assert response.status_code == 400
        assert "Nothing was changed." in main_text(response)
        assert "Solvang" not in response.text
    assert read_database() == before


def test_the_other_librarys_desk_sees_its_own_activation(new_browser: BROWSER, phone: FlaskClient) -> None:
    desk = new_browser()
    desk_log_in(desk, MULLSJO)
    response = scan_at_desk(desk, shown_code(phone))
    assert result_of(response) == ("", "Accepted")
    assert "Disken i Mullsjö" in response.text
