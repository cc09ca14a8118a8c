"""A kiosk asks whether a PIN is right, and learns nothing else, however often it asks."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.register.change.freezing import freeze_card
from app.register.change.membership import opt_out
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from app.rules.pins.pin import MACHINE_OWN, MACHINE_SLOW, MACHINE_SPARE
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.libraries import MULLSJO, ULLENSAKER
from tests.doors.visits import CHILD, GUARDIAN, KIOSK_1, KIOSK_2, LOST, log_in
from tests.searching import stands_in

CHECK = "/api/v1/pin-checks"
WRONG = "0001"


def check(client: FlaskClient, card_number: str, pin: str, *, auth=KIOSK_1) -> TestResponse:
    return client.post(CHECK, json={"card_number": card_number, "pin": pin}, auth=auth)


@pytest.fixture
def child_id(app: APIFlask) -> int:
    with app.app_context():
        found = db.session.scalar(select(Patron.id).where(Patron.card_number == CHILD[0]))
        db.session.rollback()
        assert found is not None
        return found


@pytest.mark.parametrize("auth", [KIOSK_1, ULLENSAKER, MULLSJO])
def test_a_right_pin_is_valid_at_every_library(client: FlaskClient, auth) -> None:
    answer = check(client, *GUARDIAN, auth=auth)
    assert (answer.status_code, answer.json) == (200, {"valid": True})


def test_a_right_pin_is_written_down_before_it_is_told(client: FlaskClient, app: APIFlask) -> None:
    check(client, *CHILD)
    check(client, CHILD[0], WRONG)
    with app.app_context():
        looks = db.session.scalars(select(AccessLogEntry)).all()
        assert [(look.role, look.actor, look.purpose, look.fields) for look in looks] == [
            ("kiosk", "2023500-kiosk1", "pin-check", "PIN")
        ]


def test_wrong_unknown_blocked_frozen_and_local_look_alike(
    client: FlaskClient, app: APIFlask, clock: Clock, child_id: int, read_database: Callable[[], Contents]
) -> None:
    with app.app_context():
        freeze_card(patron_id=child_id, now=clock())
        home = db.session.scalars(select(Patron).where(Patron.card_number == "N000100006")).one()
        set_pin(patron_id=home.id, pin="7346", now=clock())
        opt_out(patron_id=home.id, library_id="2023500", now=clock())
        db.session.commit()
    before = read_database()
    answers = [
        check(client, GUARDIAN[0], WRONG),
        check(client, "N099999999", GUARDIAN[1]),
        check(client, "nonsense", GUARDIAN[1]),
        check(client, *LOST),
        check(client, *CHILD),
        check(client, "N000100006", "7346", auth=MULLSJO),
    ]
    first = answers[0]
    for answer in answers:
        assert (answer.status_code, answer.data) == (200, b'{"valid":false}\n')
        assert set(answer.headers.keys()) == set(first.headers.keys())
    assert read_database() == before
    assert check(client, "N000100006", "7346").json == {"valid": True}
    assert check(client, GUARDIAN[0], "４７１９").json == {"valid": True}


def test_five_wrong_pins_for_a_card_are_all_whether_it_exists_or_not(client: FlaskClient) -> None:
    for number in (GUARDIAN[0], "N099999999"):
        assert [check(client, number, WRONG).status_code for _ in range(6)] == [200] * 5 + [429]
    assert check(client, *GUARDIAN).status_code == 429


def test_wrong_pins_at_a_machine_use_up_no_tries_on_the_web_and_the_other_way_round(
    client: FlaskClient, new_browser: Callable
) -> None:
    for _ in range(5):
        check(client, GUARDIAN[0], WRONG)
        assert log_in(new_browser(), CHILD[0], WRONG).status_code == 401
    assert check(client, GUARDIAN[0], WRONG).status_code == 429
    assert log_in(new_browser(), *GUARDIAN).status_code == 302
    assert check(client, *CHILD).json == {"valid": True}


def test_past_its_hour_a_door_is_slow_and_never_shut_and_the_others_are_not_even_slow(
    client: FlaskClient, clock: Clock
) -> None:
    for number in range(MACHINE_OWN.limit + MACHINE_SPARE.limit + MACHINE_SLOW.limit):
        assert check(client, f"N0999{number:05d}", WRONG).status_code == 200
    refused = check(client, "N099900099", WRONG, auth=KIOSK_2)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(MACHINE_SLOW.seconds))
    assert check(client, *GUARDIAN, auth=ULLENSAKER).json == {"valid": True}
    clock.turn(seconds=MACHINE_SLOW.seconds)
    assert check(client, *GUARDIAN).json == {"valid": True}


def test_right_pins_use_up_no_tries(client: FlaskClient) -> None:
    assert {check(client, *GUARDIAN).json["valid"] for _ in range(80)} == {True}


def test_neither_number_nor_pin_stands_in_a_log_or_an_answer(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = check(client, GUARDIAN[0], "1337")
    assert GUARDIAN[0] not in answer.text
    output = "".join(capsys.readouterr())
    assert "pin-checks" in output
    assert GUARDIAN[0] not in output
    assert not stands_in("1337", output)


def test_a_right_pin_that_cannot_be_written_down_is_not_told(client: FlaskClient, app: APIFlask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE access_log RENAME TO access_log_away")
    app.testing = False
    assert check(client, *GUARDIAN).status_code == 503
