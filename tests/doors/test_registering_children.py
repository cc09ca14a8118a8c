"""Cards for children and for the young, which a guardian finishes."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.patrons import FamilyPermission
from tests.doors.eid_sign_in import (
    DETAILS,
    Come,
    app,
    assert_leads_on,
    come_back,
    fill_in,
    finish,
    is_let_in,
    patrons_called,
    read_code,
    service,
)
from tests.doors.visits import main_text, read_page, submit
from tests.eid import LARS, MINA

__all__ = ["app", "come_back", "fill_in", "read_code", "service"]

EMIL = {"name": "Emil Dahl", "birth_date": "2017-06-03", "number": "03861770027", "guardian": "y"}


def test_a_guardian_gets_a_child_a_card(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    assert come_back(client, LARS, "child").location == "/register/child"
    answer = submit(client, "/register/child", **EMIL)
    assert answer.location == "/register/details"
    fill_in(client)
    assert finish(client).location == "/register/child-card"
    (child,) = patrons_called(app, "Emil Dahl")
    assert child.card_number in main_text(client.get("/register/child-card"))
    assert client.get("/register").location == "/register/child-card"
    assert "Card for myself" in main_text(client.get("/register/child-card"))
    assert not is_let_in(client), "the guardian is not signed in as the child"
    assert child.guardian_consent_at is not None
    with app.app_context():
        assert db.session.scalars(select(FamilyPermission.id)).all() == []
    assert patrons_called(app, "Lars Dahl") == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": "12345678901"}, "no national identity number"),
        ({"number": LARS["pid"]}, "your own number"),
        ({"birth_date": "1800-01-01"}, "not the birth date of anybody alive"),
        ({"birth_date": "tomorrow"}, ""),
        ({"guardian": ""}, "Only a guardian"),
        ({"name": "4711"}, "as it stands in a passport"),
    ],
)
def test_a_child_that_cannot_be_right_is_asked_for_again_without_the_number(
    client: FlaskClient, come_back: Come, fields: dict[str, str], sentence: str
) -> None:
    come_back(client, LARS, "child")
    answer = submit(client, "/register/child", **EMIL | fields)
    assert answer.status_code == 422
    assert sentence in main_text(answer)
    (number,) = read_page(answer).find_all("input", attrs={"name": "number"})
    assert not number.get("value")


def test_a_guardian_who_tries_numbers_is_stopped(client: FlaskClient, come_back: Come) -> None:
    come_back(client, LARS, "child")
    said = [submit(client, "/register/child", **EMIL | {"number": "03861770028"}).status_code for _ in range(11)]
    assert said == [422] * 10 + [429]
    submit(client, "/register/stop", page="/register/child")
    come_back(client, LARS, "child")
    assert submit(client, "/register/child", **EMIL).status_code == 429


def test_a_child_with_a_card_gets_no_second_one_and_the_guardian_learns_no_more(
    client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, LARS, "child")
    # The number of the demonstration's child.
    submit(client, "/register/child", **EMIL | {"number": "05881760012"})
    fill_in(client)
    answer = finish(client)
    assert_leads_on(answer, "has a library card already", status=409)
    assert "N000100002" not in answer.text


def test_somebody_of_fourteen_hands_the_phone_to_a_guardian(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, MINA, "card")
    fill_in(client)
    assert client.get("/register/finish").location == "/register/guardian"
    assert_leads_on(come_back(client, MINA, "guardian"), "the one who gets the card", status=403)
    assert come_back(client, LARS, "guardian").location == "/register/finish"
    assert finish(client).location == "/card"
    (patron,) = patrons_called(app, "Mina Berg")
    assert patron.guardian_consent_at is not None


def test_a_guardian_is_asked_again_when_the_young_person_goes_on_alone(
    client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, MINA, "card")
    fill_in(client)
    assert come_back(client, LARS, "guardian").location == "/register/finish"
    assert come_back(client, MINA, "card").location == "/register/guardian"
    assert come_back(client, LARS, "guardian").location == "/register/finish"


def test_from_the_limit_of_the_library_on_nobody_else_is_needed(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    with app.app_context():
        db.session.execute(update(Library).values(consent_age=14))
        db.session.commit()
    come_back(client, MINA, "card")
    fill_in(client)
    assert finish(client).location == "/card"


def test_a_minor_is_no_guardian(client: FlaskClient, come_back: Come) -> None:
    assert_leads_on(come_back(client, MINA, "child"), "A guardian is 18 or older", status=403)


def test_a_minor_finishes_nobody_elses_card(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, MINA, "card")
    fill_in(client)
    brother = LARS | {"birthdate": "2009-09-22"}
    assert_leads_on(come_back(client, brother, "guardian"), "A guardian is 18 or older", status=403)
    assert client.get("/register/finish").location == "/register/guardian"
    assert patrons_called(app, "Mina Berg") == []


def test_a_child_who_is_old_enough_at_the_library_does_it_alone(
    app: APIFlask, client: FlaskClient, come_back: Come
) -> None:
    come_back(client, LARS, "child")
    submit(client, "/register/child", **EMIL | {"birth_date": "2011-06-03"})
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    answer = submit(client, "/register/library", library_id="2023500")
    assert answer.status_code == 422
    assert "old enough to get the card without you" in main_text(answer)
