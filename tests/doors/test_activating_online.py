"""Activating a card online, at a library that lets patrons do so."""

from collections.abc import Callable

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, Patron
from tests.conftest import Clock
from tests.doors.eid_sign_in import (
    Come,
    app,
    come_back,
    fill_in,
    finish,
    read_code,
    service,
)
from tests.doors.visits import csrf_token, main_text, submit
from tests.eid import ANNE, GUARDIAN, LOCAL, MINA

__all__ = ["app", "come_back", "fill_in", "read_code", "service"]


def test_a_card_is_activated_online_where_the_library_allows_it_and_its_rules_are_accepted(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    come_back(client, ANNE, "card")
    fill_in(client)
    finish(client)
    assert "Nowhere yet" in main_text(client.get("/my"))
    card = main_text(client.get("/card"))
    assert "What you can do now Mullsjö bibliotek Activate online" in card
    page = main_text(client.get("/my/libraries"))
    assert "Activate Mullsjö" in page
    assert submit(client, "/my/libraries/Mull").status_code == 409
    assert submit(client, "/my/libraries/Mull", accepted="y").location == "/my/libraries#library-Mull"
    assert "Mullsjö bibliotek" in main_text(client.get("/my"))
    assert "What you can do now" not in main_text(client.get("/card"))
    assert client.post(
        "/my/libraries/2023500", data={"csrf_token": csrf_token(client, "/my"), "accepted": "y"}
    ).status_code == (409)
    assert client.get("/my/libraries/nowhere").status_code == 404


def test_a_local_card_is_not_activated_anywhere_else(app: APIFlask, client: FlaskClient, come_back: Come) -> None:
    with app.app_context():
        db.session.execute(update(Library).where(Library.id == "2023500").values(online_activation=True))
        db.session.commit()

    come_back(client, LOCAL)
    answer = submit(client, "/my/libraries/2023500", accepted="y")
    assert answer.status_code == 409
    assert "Yours is a local card" in main_text(answer)


def test_a_card_that_is_not_in_use_is_activated_nowhere_online(
    app: APIFlask, client: FlaskClient, come_back: Come, clock: Clock
) -> None:
    come_back(client, GUARDIAN)
    with app.app_context():
        frozen = update(Patron).where(Patron.card_number == "N000100001").values(frozen_at=clock())
        db.session.execute(frozen)
        db.session.execute(update(Library).where(Library.id == "2023500").values(online_activation=True))
        db.session.execute(delete(Affiliation).where(Affiliation.library_id == "2023500"))
        db.session.commit()
    answer = submit(client, "/my/libraries/2023500", accepted="y")
    assert answer.status_code == 409
    assert "frozen or blocked" in main_text(answer)


def test_a_library_with_a_higher_age_limit_sees_the_young_at_its_desk(
    app: APIFlask, client: FlaskClient, come_back: Come, fill_in: Callable[[FlaskClient], None]
) -> None:
    with app.app_context():
        db.session.execute(update(Library).where(Library.id == "2023500").values(consent_age=14))
        db.session.commit()
    come_back(client, MINA, "card")
    fill_in(client)
    finish(client)
    answer = submit(client, "/my/libraries/Mull", accepted="y")
    assert answer.status_code == 409
    assert "a guardian's consent" in main_text(answer)


def test_somebody_who_has_a_card_is_shown_it_and_may_get_one_for_a_child(client: FlaskClient, come_back: Come) -> None:
    come_back(client, GUARDIAN)
    page = main_text(client.get("/register"))
    assert "You have a library card already" in page
    assert "Card for my child" in page
