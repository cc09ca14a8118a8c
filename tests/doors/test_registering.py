"""Få digitalt lånekort, page by page, as a browser without JavaScript sends it."""

from collections.abc import Callable
from datetime import date
from hashlib import sha256

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.patrons import Affiliation, Registration, Session
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.eid_sign_in import (
    AGREED,
    DETAILS,
    EMAIL,
    Come,
    app,
    come_back,
    drawn_pin,
    fill_in,
    finish,
    is_let_in,
    patrons_called,
    read_code,
    service,
)
from tests.doors.visits import csrf_token, main_text, read_page, submit
from tests.eid import ANNE, InventedService, Manners

__all__ = ["app", "come_back", "fill_in", "read_code", "service"]

# --- the way ---


def test_from_the_sign_in_to_a_card_that_shows_its_code(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    assert come_back(client, ANNE, "card").location == "/register/details"
    shown = client.get("/register/details")
    assert "Anne Dahl" in main_text(shown)
    assert "14 May 1990" in main_text(shown)
    assert read_page(shown).find("input", attrs={"name": ["name", "birth_date"]}) is None
    fill_in(client)
    assert finish(client).location == "/card"
    assert "at the desk of Ullensaker bibliotek, your home library" in main_text(client.get("/card"))
    assert client.get("/card/codes.json").json["codes"]
    (patron,) = patrons_called(app, "Anne Dahl")
    assert (patron.email, patron.phone, patron.language) == (EMAIL, "+4799900123", "en")
    with app.app_context():
        assert db.session.scalars(select(Affiliation.patron_id).where(Affiliation.patron_id == patron.id)).all() == []


def test_the_name_that_the_service_told_cannot_be_changed(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    changed = DETAILS | {"name": "Somebody Else", "birth_date": "2001-01-01"}
    submit(client, "/register/details", preferred_contact="email", **changed)
    fill_in(client)
    finish(client, name="Somebody Else")
    assert patrons_called(app, "Somebody Else") == []
    assert patrons_called(app, "Anne Dahl")[0].birth_date == date(1990, 5, 14)


def test_a_service_that_tells_no_name_leaves_it_to_the_person_and_to_the_desk(
    app: APIFlask,
    client: FlaskClient,
    service: InventedService,
    come_back: Come,
    fill_in: Callable[[FlaskClient], None],
) -> None:
    person = {"pid": ANNE["pid"]}
    service.manners = Manners(userinfo={"sub": "sub-" + _hash(ANNE["pid"])})
    come_back(client, person, "card")
    stated = DETAILS | {"name": "Anne  Dahl", "birth_date": "1990-05-14"}
    assert submit(client, "/register/details", preferred_contact="email", **DETAILS).status_code == 422
    assert submit(client, "/register/details", preferred_contact="email", **stated).location == "/register/library"
    submit(client, "/register/library", library_id="2023500")
    assert client.get("/register/finish").location == "/register/email"
    with app.app_context():
        assert db.session.scalars(select(Registration.kind)).one() == "own"


def test_who_is_told_by_name_alone_types_the_birth_date_alone(
    app: APIFlask, client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    service.manners = Manners(userinfo={"sub": "sub-" + _hash(ANNE["pid"])}, changes={"birthdate": None})
    come_back(client, ANNE, "card")
    page = client.get("/register/details")
    assert "Anne Dahl" in main_text(page)
    assert read_page(page).find("input", attrs={"name": "name"}) is None
    typed = DETAILS | {"name": "Somebody Else", "birth_date": "1990-05-14"}
    assert submit(client, "/register/details", preferred_contact="email", **typed).location == "/register/library"
    assert "May 14, 1990" not in main_text(client.get("/register/details"))
    come_back(client, ANNE, "card")
    field = read_page(client.get("/register/details")).find("input", attrs={"name": "birth_date"})
    assert field is not None
    assert field["value"] == "1990-05-14"


@pytest.mark.parametrize("changes", [{"name": "A" * 130}, {"name": "\u202ennA"}, {"birthdate": "2090-01-01"}])
def test_what_no_card_can_bear_is_typed_in_its_place(
    client: FlaskClient, service: InventedService, come_back: Come, changes: dict[str, str]
) -> None:
    service.manners = Manners(changes=changes)
    come_back(client, ANNE, "card")
    typed = DETAILS | {"name": "Anne Dahl", "birth_date": "1990-05-14"}
    assert submit(client, "/register/details", preferred_contact="email", **DETAILS).status_code == 422
    assert submit(client, "/register/details", preferred_contact="email", **typed).location == "/register/library"


def test_what_the_service_tells_beside_the_token_is_taken_too(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    told = {"sub": "sub-" + _hash(ANNE["pid"]), "given_name": "Anne", "family_name": "Dahl", "birthdate": "1990-05-14"}
    service.manners = Manners(userinfo=told)
    come_back(client, {"pid": ANNE["pid"]}, "card")
    assert "Anne Dahl" in main_text(client.get("/register/details"))


def _hash(text: str) -> str:

    return sha256(text.encode()).hexdigest()[:12]


def test_nobody_gets_past_what_is_missing(client: FlaskClient, come_back: Come) -> None:
    for step in ("details", "library", "email", "finish", "child", "guardian"):
        assert client.get(f"/register/{step}").location == "/register"
    come_back(client, ANNE, "card")
    for step in ("library", "email", "finish", "child", "guardian"):
        assert client.get(f"/register/{step}").location == "/register/details"
    assert client.get("/register/elsewhere").status_code == 404


def test_the_back_button_shows_what_was_filled_in_and_changes_it(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    page = read_page(client.get("/register/details"))
    assert page.find("input", attrs={"name": "email"})["value"] == EMAIL  # type: ignore[index]
    changed = submit(client, "/register/details", preferred_contact="sms", **DETAILS | {"phone": "99900124"})
    assert changed.location == "/register/finish"
    finish(client)
    assert patrons_called(app, "Anne Dahl")[0].phone == "+4799900124"


def test_another_address_is_to_be_confirmed_again(
    client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    changed = DETAILS | {"email": "other@example.org"}
    assert submit(client, "/register/details", preferred_contact="email", **changed).location == "/register/email"
    assert client.get("/register/finish").location == "/register/email"


def test_somebody_who_comes_back_on_another_device_goes_on_there(
    client: FlaskClient,
    new_browser: Callable[..., FlaskClient],
    come_back: Come,
    fill_in: Callable[[FlaskClient], None],
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    phone = new_browser()
    assert come_back(phone, ANNE, "card").location == "/register/finish"
    assert client.get("/register/finish").location == "/register"
    assert finish(phone).location == "/card"


def test_two_clicks_make_one_card_and_both_lead_in(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    cookie = client.get_cookie("lanekort")
    assert cookie is not None
    fields = {"csrf_token": csrf_token(client, "/register/finish"), "way": "drawn", "drawn_pin": drawn_pin(client)}
    assert client.post("/register/finish", data=fields | AGREED).location == "/card"
    client.set_cookie("lanekort", cookie.value)
    assert client.post("/register/finish", data=fields | AGREED).location == "/card"
    assert is_let_in(client)
    assert len(patrons_called(app, "Anne Dahl")) == 1


def test_the_last_button_lets_nobody_in_when_it_was_pressed_long_ago(
    client: FlaskClient, clock: Clock, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    cookie = client.get_cookie("lanekort")
    assert cookie is not None
    fields = {"csrf_token": csrf_token(client, "/register/finish"), "way": "drawn", "drawn_pin": drawn_pin(client)}
    client.post("/register/finish", data=fields | AGREED)
    client.post("/logout", data={"csrf_token": csrf_token(client, "/my")})
    clock.turn(seconds=600)
    client.set_cookie("lanekort", cookie.value)
    assert client.post("/register/finish", data=fields | AGREED).location == "/login"
    assert not is_let_in(client)


def test_a_card_made_by_the_national_sign_in_confirms_the_device(
    app: APIFlask, client: FlaskClient, clock: Clock, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    finish(client, remember="y")
    with app.app_context():
        session = db.session.scalars(select(Session)).one()
        assert session.code_entered_at == clock()
        assert (session.expires_at - clock()).days == 90


@pytest.mark.parametrize("pin", ["1234", "1990", "9990", "12", "", "abcd"])
def test_a_pin_that_others_guess_is_not_taken(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None], pin: str
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    for fields in ({"way": "own", "new_pin": pin}, {"way": "drawn", "drawn_pin": pin}):
        assert finish(client, **fields).status_code == 422
    assert patrons_called(app, "Anne Dahl") == []
    assert finish(client, way="own", new_pin="7194").location == "/card"


def test_a_drawn_pin_stays_when_the_page_comes_again(
    client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    pin = drawn_pin(client)
    again = submit(client, "/register/finish", way="drawn", drawn_pin=pin)
    assert again.status_code == 422
    field = read_page(again).find("input", attrs={"name": "drawn_pin"})
    assert field is not None
    assert field["value"] == pin


@pytest.mark.parametrize("left_out", ["rules", "privacy"])
def test_without_agreeing_there_is_no_card(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None], left_out: str
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    answer = finish(client, **{left_out: ""})
    assert answer.status_code == 422
    assert "Without that there is no card." in main_text(answer)
    assert patrons_called(app, "Anne Dahl") == []


def test_giving_up_leaves_nothing(
    client: FlaskClient, come_back: Come, read_database: Callable[[], Contents], service: InventedService
) -> None:
    before = read_database()
    come_back(client, ANNE, "card")
    submit(client, "/register/details", preferred_contact="email", **DETAILS)
    assert submit(client, "/register/stop", page="/register/details").location == "/register"
    assert read_database() == before
