"""Doors and suppliers, with both buildings at work: every refusal has a sentence of its own, for staff alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from app.ils.circulation.system import CirculationSystem
from app.register.change.freezing import freeze_card
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Affiliation, Patron
from circulation.policy.self_service import parse_hours
from tests.conftest import Clock
from tests.doors.visits import CHILD, KIOSK_1, KIOSK_2, log_in, main_text, scan_at_desk, shown_code, submit
from tests.town import Town

DOOR, AUTHENTICATE = "/api/v1/door", "/api/v1/authenticate"
KARI = ("N000100006", "7346")
TEEN = ("N000100003", "5938")
SUPPLIER = Authorization("basic", {"username": "2023500-ebooks", "password": "demo-supplier"})
SHUT = "The door does not open. Wait for the next code and try again, or come when somebody is at work."
REFUSED = {"result": "refused", "message": SHUT}


@dataclass
class PatronAtDoor:
    """A patron with a phone, who comes to Ullensaker's door."""

    phone: FlaskClient
    client: FlaskClient
    clock: Clock

    def comes(self, pin: str, *, door: Authorization = KIOSK_1, payload: str = "") -> dict[str, str]:
        """Show the next code and enter a PIN. Returns what the door hears."""
        if not payload:
            self.clock.turn(seconds=30)
        answer = self.client.post(DOOR, json={"payload": payload or shown_code(self.phone), "pin": pin}, auth=door)
        assert answer.status_code == 200, answer.text
        told: dict[str, str] = answer.get_json()
        return told


@pytest.fixture
def come_with(app: APIFlask, new_browser: Callable[..., FlaskClient], clock: Clock) -> Callable[..., PatronAtDoor]:
    def make(card_number: str, pin: str) -> PatronAtDoor:
        phone = new_browser()
        assert log_in(phone, card_number, pin).status_code == 302
        return PatronAtDoor(phone, app.test_client(), clock)

    return make


@pytest.fixture
def kari(come_with: Callable[..., PatronAtDoor]) -> PatronAtDoor:
    return come_with(*KARI)


def door_book(desk: FlaskClient) -> str:
    return main_text(desk.get("/desk/door"))


def agree(desk: FlaskClient, somebody: PatronAtDoor, kind: str, *, action: str = "note") -> TestResponse:
    """Scan somebody's card at the desk, and make or end an agreement there."""
    somebody.clock.turn(seconds=30)
    scan_at_desk(desk, shown_code(somebody.phone))
    submit(desk, "/desk/agreements", kind=kind, action=action)
    return desk.get("/desk/agreements")


def test_the_door_opens_to_card_pin_and_agreement(kari: PatronAtDoor, desk: FlaskClient) -> None:
    assert kari.comes(KARI[1]) == REFUSED
    assert "No agreement." in door_book(desk)
    assert "Agreed on" in main_text(agree(desk, kari, "door"))
    assert kari.comes(KARI[1]) == {"result": "accepted", "message": "Welcome."}
    assert "The door opened." in door_book(desk)


def test_a_wrong_pin_is_the_same_answer_and_the_code_may_be_shown_again(kari: PatronAtDoor, desk: FlaskClient) -> None:
    agree(desk, kari, "door")
    assert kari.comes("0001") == REFUSED
    assert "The PIN was wrong." in door_book(desk)
    again = shown_code(kari.phone)
    assert kari.comes(KARI[1], payload=again)["result"] == "accepted"


def test_a_code_that_was_shown_elsewhere_opens_nothing(kari: PatronAtDoor, desk: FlaskClient) -> None:
    agree(desk, kari, "door")
    assert kari.comes(KARI[1])["result"] == "accepted"
    used = shown_code(kari.phone)
    assert kari.comes(KARI[1], door=KIOSK_2, payload=used) == REFUSED
    assert "The code had been used already." in door_book(desk)


def test_a_child_agrees_to_nothing_at_the_door(come_with: Callable[..., PatronAtDoor], desk: FlaskClient) -> None:
    child = come_with(*CHILD)
    assert "younger than the library allows" in main_text(agree(desk, child, "door"))
    assert child.comes(CHILD[1]) == REFUSED


def test_an_agreement_from_before_the_age_was_raised_does_not_open(
    come_with: Callable[..., PatronAtDoor], desk: FlaskClient, town: Town
) -> None:
    change_policy(town, door_min_age=13)
    teen = come_with(*TEEN)
    agree(desk, teen, "door")
    assert teen.comes(TEEN[1])["result"] == "accepted"
    change_policy(town, door_min_age=16)
    assert teen.comes(TEEN[1]) == REFUSED
    assert "Younger than the library's age for the door." in door_book(desk)


def test_the_door_speaks_the_language_of_its_screen(kari: PatronAtDoor) -> None:
    def hears(language: str) -> str:
        message: str = kari.client.post(
            DOOR, json={"payload": "921", "pin": "0000"}, auth=KIOSK_1, headers={"Accept-Language": language}
        ).get_json()["message"]
        return message

    assert hears("nb-NO,nb;q=0.9").startswith("Døra åpner ikke.")
    assert hears("sv").startswith("Dörren öppnas inte.")
    assert hears("en") == SHUT


def test_outside_its_hours_the_door_stays_shut(kari: PatronAtDoor, desk: FlaskClient, town: Town) -> None:
    agree(desk, kari, "door")
    change_policy(town, door_hours=(parse_hours("mo-su 03:00-03:01"),))
    assert kari.comes(KARI[1]) == REFUSED
    assert "Outside the door's hours." in door_book(desk)


def test_a_patron_who_is_blocked_at_the_library_does_not_come_in(
    kari: PatronAtDoor, desk: FlaskClient, town: Town
) -> None:
    agree(desk, kari, "door")
    town.put_on_shelf("2023500", barcode="77", title="Et dyrt verk")
    lending = town.systems.lending("2023500")
    assert lending is not None
    lending.check_out(card_number=KARI[0], barcode="77")
    lending.mark_lost(barcode="77", staff="desk-1")
    assert kari.comes(KARI[1]) == REFUSED
    assert "The card is blocked at this library." in door_book(desk)


def test_an_agreement_that_was_ended_opens_nothing(kari: PatronAtDoor, desk: FlaskClient) -> None:
    agree(desk, kari, "door")
    assert "Ended on" in main_text(agree(desk, kari, "door", action="withdraw"))
    assert kari.comes(KARI[1]) == REFUSED
    assert "The agreement was ended." in door_book(desk)


def test_a_frozen_card_opens_nothing(kari: PatronAtDoor, desk: FlaskClient, app: APIFlask) -> None:
    agree(desk, kari, "door")
    with app.app_context():
        patron_id = db.session.scalars(select(Patron.id).where(Patron.card_number == KARI[0])).one()
        freeze_card(patron_id=patron_id, now=kari.clock())
        db.session.commit()
    kari.clock.turn(seconds=30)
    code = shown_code(kari.phone)
    assert kari.comes(KARI[1], payload=code) == REFUSED
    assert "The code was not accepted." in door_book(desk)


def leave_the_library(somebody: PatronAtDoor, app: APIFlask) -> None:
    """As it is until the library's system has heard of it, and has ended the agreements."""
    with app.app_context():
        patron_id = db.session.scalars(select(Patron.id).where(Patron.card_number == KARI[0])).one()
        db.session.execute(delete(Affiliation).where(Affiliation.patron_id == patron_id))
        db.session.commit()
    somebody.clock.turn(seconds=30)


def test_somebody_who_has_left_the_library_comes_in_no_more_though_the_agreement_stands(
    kari: PatronAtDoor, desk: FlaskClient, app: APIFlask
) -> None:
    agree(desk, kari, "door")
    leave_the_library(kari, app)
    assert kari.comes(KARI[1]) == REFUSED
    assert "The card is not activated at this library." in door_book(desk)


def test_a_supplier_hears_no_of_somebody_who_has_left_the_library_though_the_agreement_stands(
    kari: PatronAtDoor, desk: FlaskClient, app: APIFlask
) -> None:
    agree(desk, kari, "ebook")
    leave_the_library(kari, app)
    given = {"card_number": KARI[0], "pin": KARI[1]}
    assert kari.client.post(AUTHENTICATE, json=given, auth=SUPPLIER).get_json() == {"authenticated": False}


def test_where_the_library_does_not_answer_the_door_stays_shut(
    kari: PatronAtDoor, desk: FlaskClient, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(desk, kari, "door")
    system = town.systems.lending("2023500")
    assert isinstance(system, CirculationSystem)
    monkeypatch.setattr(system, "auth", httpx.BasicAuth("portal", "another password"))
    assert kari.comes(KARI[1]) == REFUSED


def test_a_supplier_hears_yes_or_no_by_number_or_by_code(kari: PatronAtDoor, desk: FlaskClient) -> None:
    def ask(**given: str) -> object:
        return kari.client.post(AUTHENTICATE, json=given, auth=SUPPLIER).get_json()

    number, pin = KARI
    assert ask(card_number=number, pin=pin) == {"authenticated": False}
    agree(desk, kari, "ebook")
    assert ask(card_number=number, pin=pin) == {"authenticated": True}
    assert ask(card_number=number, pin="0001") == {"authenticated": False}
    assert ask(card_number="N999999999", pin=pin) == {"authenticated": False}
    kari.clock.turn(seconds=30)
    assert ask(payload=shown_code(kari.phone), pin=pin) == {"authenticated": True}
    assert ask(payload="921123456789012294287082", pin=pin) == {"authenticated": False}


@pytest.mark.parametrize("given", [{"pin": "1"}, {"pin": "1", "card_number": "N1", "payload": "9"}, {"payload": "9"}])
def test_a_supplier_names_one_card_in_one_way(app: APIFlask, given: dict[str, str]) -> None:
    assert app.test_client().post(AUTHENTICATE, json=given, auth=SUPPLIER).status_code == 422


@pytest.mark.parametrize(("path", "body"), [("scan", {"payload": "9"}), ("pin-checks", {}), ("door", {})])
def test_a_supplier_may_ask_nothing_else(app: APIFlask, path: str, body: dict[str, str]) -> None:
    answer = app.test_client().post(f"/api/v1/{path}", json=body, auth=SUPPLIER)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "not-for-suppliers")


def test_what_a_door_and_a_supplier_learn_is_in_the_access_log(
    kari: PatronAtDoor, desk: FlaskClient, app: APIFlask
) -> None:
    agree(desk, kari, "ebook")
    kari.client.post(AUTHENTICATE, json={"card_number": KARI[0], "pin": KARI[1]}, auth=SUPPLIER)
    with app.app_context():
        looks = db.session.execute(select(AccessLogEntry.role, AccessLogEntry.actor)).all()
        db.session.rollback()
    assert ("supplier", "2023500-ebooks") in [tuple(look) for look in looks]


def test_agreements_are_made_with_the_patron_there(desk: FlaskClient) -> None:
    assert desk.get("/desk/agreements").status_code == 302
    assert submit(desk, "/desk/agreements", page="/desk", kind="door", action="note").status_code == 302


def test_the_register_keeps_no_agreement(
    kari: PatronAtDoor, desk: FlaskClient, read_database: Callable[[], dict[str, list[object]]]
) -> None:
    tables = set(read_database())
    agree(desk, kari, "door")
    kari.comes(KARI[1])
    assert not {table for table in tables if "agreement" in table or "door" in table}


def change_policy(town: Town, **changes: object) -> None:
    """Let the library at Ullensaker have other rules from now on."""
    libraries = town.circulation.extensions["circulation"]
    library = libraries["2023500"]
    rules = replace(library.policy.self_service, **changes)  # type: ignore[arg-type]
    libraries["2023500"] = replace(library, policy=replace(library.policy, self_service=rules))
