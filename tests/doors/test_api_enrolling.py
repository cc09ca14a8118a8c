"""A library's system gives somebody a card, and activates one at its library."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.change.freezing import freeze_card
from app.register.change.membership import opt_out
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, MachineAnswer
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import IssuedNumber, Patron
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.libraries import CHILD, MULLSJO, NATIONAL_ID, PATRONS, ULLENSAKER, activate, enrol, fetch

PROBLEM = "application/problem+json"


def count(app: APIFlask, table: type) -> int:
    with app.app_context():
        found = len(db.session.execute(select(table)).all())
        db.session.rollback()
        return found


def test_somebody_new_gets_a_card_whose_address_and_state_are_told(client: FlaskClient) -> None:
    answer = enrol(client, address="Storgata 5", postcode="2050", place="Jessheim", gender="male", language="nn")
    assert answer.status_code == 201
    told = answer.json
    assert told["card_number"].startswith("N")
    assert (told["name"], told["birth_date"], told["gender"]) == ("Ola Nyman", "1990-05-05", "male")
    assert (told["email"], told["preferred_contact"], told["language"]) == ("ola@example.org", "email", "nn")
    assert (told["home_library_id"], told["activated_here"]) == ("2023500", True)
    assert answer.headers["Location"] == f"{PATRONS}/{told['card_number']}"
    fetched = client.get(answer.headers["Location"], auth=ULLENSAKER)
    assert fetched.json == told
    assert fetched.headers["ETag"] == answer.headers["ETag"]


def test_the_national_id_is_told_to_nobody(client: FlaskClient) -> None:
    assert NATIONAL_ID not in enrol(client).text
    assert NATIONAL_ID not in enrol(client).text


def test_somebody_who_has_a_card_is_not_given_another_but_named(client: FlaskClient, app: APIFlask) -> None:
    known = enrol(client).json
    patrons = count(app, Patron)
    again = enrol(client, name="Somebody Else", national_id="018310 500-27")
    assert (again.status_code, again.mimetype, again.json["code"]) == (409, PROBLEM, "already-registered")
    assert again.json["patron"] == known
    assert count(app, Patron) == patrons


def test_another_library_is_told_no_more_than_the_number_of_who_has_a_card(client: FlaskClient, app: APIFlask) -> None:
    known = enrol(client, phone="+4740612345").json
    answer = enrol(client, auth=MULLSJO)
    told = answer.json["patron"]
    assert (answer.status_code, told["card_number"], told["activated_here"]) == (409, known["card_number"], False)
    assert set(told) == {"card_number", "activated_here"}
    with app.app_context():
        looks = db.session.scalars(select(AccessLogEntry).where(AccessLogEntry.actor == "Mull")).all()
        assert [(look.purpose, look.fields) for look in looks] == [("enrol", "card number")]


def test_of_somebody_with_a_local_card_another_library_learns_no_more_than_that(
    client: FlaskClient, app: APIFlask, clock: Clock
) -> None:
    known = enrol(client).json
    with app.app_context():
        patron_id = db.session.scalar(select(Patron.id).where(Patron.card_number == known["card_number"]))
        assert patron_id is not None
        opt_out(patron_id=patron_id, library_id="2023500", now=clock())
        db.session.commit()
    answer = enrol(client, auth=MULLSJO)
    assert (answer.status_code, answer.json["code"]) == (409, "already-registered")
    assert "patron" not in answer.json
    assert known["name"] not in answer.text
    fetched = fetch(client, known["card_number"], auth=MULLSJO)
    found = client.post(f"{PATRONS}/find", json={"national_id": NATIONAL_ID}, auth=MULLSJO)
    assert (fetched.status_code, found.status_code) == (404, 404)
    assert known["name"] not in fetched.text + found.text
    assert fetch(client, known["card_number"]).json["name"] == known["name"]


def test_a_request_that_is_sent_again_is_answered_the_same_and_done_once(client: FlaskClient, app: APIFlask) -> None:
    first = enrol(client, key="k-1", national_id=...)
    patrons = count(app, Patron)
    again = enrol(client, key="k-1", national_id=...)
    assert again.status_code == 201
    assert (again.json, again.headers["ETag"], again.headers["Location"]) == (
        first.json,
        first.headers["ETag"],
        first.headers["Location"],
    )
    assert count(app, Patron) == patrons


def test_a_library_that_the_patron_has_left_is_told_no_more_by_sending_again(client: FlaskClient) -> None:
    made = enrol(client, key="k-1")
    number = made.json["card_number"]
    activate(client, number, auth=MULLSJO)
    client.delete(f"{PATRONS}/{number}/activation", auth=ULLENSAKER)
    again = enrol(client, key="k-1")
    assert (again.status_code, again.headers["Location"]) == (201, made.headers["Location"])
    assert again.json == fetch(client, number).json
    assert "email" not in again.json


def test_a_key_belongs_to_one_request_of_one_system_for_a_day(client: FlaskClient, app: APIFlask, clock: Clock) -> None:
    first = enrol(client, key="k-1", national_id=...)
    other = enrol(client, key="k-1", national_id=..., name="Another One")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    theirs = enrol(client, key="k-1", national_id=..., auth=MULLSJO)
    assert theirs.status_code == 201
    assert theirs.json["card_number"] != first.json["card_number"]
    clock.turn(days=1)
    later = enrol(client, key="k-1", national_id=...)
    assert later.json["card_number"] != first.json["card_number"]


def test_an_error_takes_no_key(client: FlaskClient, app: APIFlask) -> None:
    assert enrol(client, key="k-1", email="nonsense").status_code == 422
    assert count(app, MachineAnswer) == 0
    assert enrol(client, key="k-1").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 201])
def test_what_is_no_key_is_refused(client: FlaskClient, key: str) -> None:
    answer = client.post(PATRONS, json={}, auth=ULLENSAKER, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_a_child_needs_a_guardians_consent(client: FlaskClient) -> None:
    answer = enrol(client, **CHILD)
    assert (answer.status_code, answer.json["code"]) == (422, "consent-missing")
    assert answer.json["errors"] == {"guardian_consent": "missing"}
    assert enrol(client, **CHILD, guardian_consent=True).status_code == 201


def test_a_library_gives_the_numbers_that_it_reserved_and_each_once(client: FlaskClient) -> None:
    series = client.post("/api/v1/number-series", json={"count": 2}, auth=ULLENSAKER).json
    own = enrol(client, card_number=series["first"])
    assert own.json["card_number"] == series["first"]
    again = enrol(client, card_number=series["first"], national_id=...)
    assert (again.status_code, again.json["code"]) == (409, "number-was-issued")
    strangers = enrol(client, card_number=series["last"], national_id=..., auth=MULLSJO)
    assert (strangers.status_code, strangers.json["errors"]) == (422, {"card_number": "not-valid"})


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("name", "123", "not-valid"),
        ("name", "", "not-valid"),
        ("name", None, "not-valid"),
        ("name", ..., "missing"),
        ("birth_date", "2031-01-01", "not-valid"),
        ("birth_date", "1850-01-01", "not-valid"),
        ("birth_date", "20100101", "not-valid"),
        ("birth_date", ..., "missing"),
        ("gender", "x", "not-valid"),
        ("national_id", "12345678901", "not-valid"),
        ("national_id", 1831050027, "not-valid"),
        ("email", "nonsense", "not-valid"),
        ("phone", "123", "not-valid"),
        ("address", "Storgata 5", None),
        ("preferred_contact", "sms", None),
        ("preferred_contact", "pigeon", "not-valid"),
        ("language", "xx", "not-valid"),
        ("rules_accepted", False, "not-valid"),
        ("rules_accepted", 1, "not-valid"),
        ("rules_accepted", "yes", "not-valid"),
        ("rules_accepted", ..., "missing"),
        ("guardian_consent", "true", "not-valid"),
        ("card_number", "500000000", "not-valid"),
    ],
)
def test_what_cannot_be_right_is_named_and_nothing_is_written(
    client: FlaskClient, read_database: Callable[[], Contents], field: str, value: object, fault: str | None
) -> None:
    before = read_database()
    answer = enrol(client, **{field: value})
    assert (answer.status_code, answer.mimetype) == (422, PROBLEM)
    if fault is not None:
        assert answer.json["errors"] == {field: fault}
    assert read_database() == before


def test_production_takes_no_test_persons_number_and_does_not_say_so(client: FlaskClient, app: APIFlask) -> None:
    app.config["SYNTHETIC_IDS"] = False
    assert enrol(client).json["code"] == enrol(client, national_id="1").json["code"] == "not-a-national-id"


def test_an_enrolment_that_cannot_be_written_down_is_undone(client: FlaskClient, app: APIFlask) -> None:
    patrons, numbers = count(app, Patron), count(app, IssuedNumber)
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE access_log RENAME TO access_log_away")
    app.testing = False
    assert enrol(client, key="k-1").status_code == 503
    assert (count(app, Patron), count(app, IssuedNumber), count(app, MachineAnswer)) == (patrons, numbers, 0)


def test_a_library_may_ask_for_national_ids_some_hundred_times_an_hour_however_it_asks(
    client: FlaskClient, app: APIFlask, clock: Clock
) -> None:
    for number in range(300):
        assert enrol(client, name="1").status_code == 422
        asked = client.post(f"{PATRONS}/find", json={"national_id": "12848430062"}, auth=ULLENSAKER)
        assert asked.status_code == 200, number
        clock.turn(seconds=1)
    assert enrol(client).status_code == 429
    answer = client.post(f"{PATRONS}/find", json={"national_id": NATIONAL_ID}, auth=ULLENSAKER)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3300")
    assert enrol(client, auth=MULLSJO).status_code == 201


# Activation


def test_a_card_that_is_activated_is_told_in_full_from_then_on(client: FlaskClient, app: APIFlask) -> None:
    number = enrol(client, phone="+4740612345").json["card_number"]
    assert "phone" not in fetch(client, number, auth=MULLSJO).json
    answer = activate(client, number)
    assert (answer.status_code, answer.json["phone"], answer.json["activated_here"]) == (200, "+4740612345", True)
    assert answer.headers["ETag"] == fetch(client, number, auth=MULLSJO).headers["ETag"]
    with app.app_context():
        purposes = db.session.scalars(select(AccessLogEntry.purpose).where(AccessLogEntry.library_id == "Mull")).all()
        assert list(purposes) == ["fetch", "activate by papers", "fetch"]


def test_activating_twice_is_the_same_as_once(client: FlaskClient, app: APIFlask) -> None:
    number = enrol(client).json["card_number"]
    first = activate(client, number)
    notices = count(app, LibraryNotice)
    assert activate(client, number).json == first.json
    assert count(app, LibraryNotice) == notices


def test_rules_that_are_not_accepted_activate_nothing(client: FlaskClient) -> None:
    number = enrol(client).json["card_number"]
    for said in (False, None, "true", 1):
        assert activate(client, number, rules_accepted=said).status_code == 422
    assert fetch(client, number, auth=MULLSJO).json["activated_here"] is False


def test_a_childs_card_is_activated_where_a_guardian_has_consented(client: FlaskClient) -> None:
    assert activate(client, "N000100002").json["code"] == "consent-missing"
    assert activate(client, "N000100002", guardian_consent=True).status_code == 200
    noted = enrol(client, **CHILD, guardian_consent=True).json["card_number"]
    assert activate(client, noted).status_code == 200


def test_a_card_that_was_lost_is_not_activated(client: FlaskClient) -> None:
    answer = activate(client, "N000100004")
    assert (answer.status_code, answer.json["code"]) == (409, "card-lost")


def test_a_frozen_card_is_left_as_it_is(client: FlaskClient, app: APIFlask, clock: Clock) -> None:
    seen = fetch(client, "N000100002")
    with app.app_context():
        patron_id = db.session.scalar(select(Patron.id).where(Patron.card_number == "N000100002"))
        assert patron_id is not None
        freeze_card(patron_id=patron_id, now=clock())
        db.session.commit()
    tries = [
        activate(client, "N000100002", guardian_consent=True),
        client.delete(f"{PATRONS}/N000100002/activation", auth=ULLENSAKER),
        client.patch(f"{PATRONS}/N000100002", json={}, auth=ULLENSAKER, headers={"If-Match": seen.headers["ETag"]}),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in tries] == [(409, "card-frozen")] * 3


def test_who_leaves_a_library_is_told_there_no_more(client: FlaskClient) -> None:
    address = f"{PATRONS}/N000100001/activation"
    assert client.delete(address, auth=MULLSJO).status_code == 204
    assert "phone" not in fetch(client, "N000100001", auth=MULLSJO).json
    assert fetch(client, "N000100001").json["phone"] == "+4799900001"
    assert client.delete(address, auth=MULLSJO).json["code"] == "not-joined"
    last = client.delete(address, auth=ULLENSAKER)
    assert (last.status_code, last.json["code"]) == (409, "last-library")
