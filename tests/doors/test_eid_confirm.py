"""Confirming with the national sign-in what else asks for PIN and code."""

from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.eid.provider import Provider
from app.register.store.transaction import db
from app.register.tables.patrons import Session
from tests.conftest import Clock, MakeApp
from tests.doors import visits
from tests.doors.eid_sign_in import Come, assert_leads_on, come_back, is_let_in, service
from tests.doors.test_step_up import make_views
from tests.doors.visits import log_in, main_text, read_page, submit
from tests.eid import GUARDIAN, LARS, LOCAL, InventedService

__all__ = ["come_back", "service"]


def link_to_confirm(answer: TestResponse) -> str:
    links = [str(link["href"]) for link in read_page(answer).select("main a")]
    return next(link for link in links if link.startswith("/sign-in/confirm")).removeprefix("/sign-in/")


@pytest.fixture
def app(make_app: MakeApp, service: InventedService) -> Iterator[APIFlask]:
    made = make_app(own=True)
    make_views(made)
    made.extensions["eid"] = provider = Provider(service.settings(), verify=False)
    yield made
    provider.close()


def test_it_confirms_in_place_of_the_pin(app: APIFlask, client: FlaskClient, clock: Clock, come_back: Come) -> None:
    log_in(client, *visits.GUARDIAN)
    clock.turn(seconds=700)
    assert client.get("/my/secret").location == "/my/confirm?next=secret"
    link = link_to_confirm(client.get("/my/confirm?next=secret"))
    assert come_back(client, GUARDIAN, link).location == "/my/secret"
    assert submit(client, "/my/secret", page="/my").text == "done: looked at"
    clock.turn(seconds=700)
    assert client.get("/my/secret").location == "/my/confirm?next=secret"


def test_for_what_always_asks_it_confirms_once(
    app: APIFlask, client: FlaskClient, clock: Clock, come_back: Come
) -> None:
    log_in(client, *visits.GUARDIAN)
    link = link_to_confirm(submit(client, "/my/end", page="/my"))
    assert come_back(client, GUARDIAN, link).location == "/my/end"
    assert submit(client, "/my/end", page="/my").text == "ended"
    assert submit(client, "/my/end", page="/my").text != "ended"
    assert come_back(client, GUARDIAN, link).location == "/my/end"
    clock.turn(seconds=700)
    assert submit(client, "/my/end", page="/my").text != "ended"


def test_everything_about_somebody_is_deleted_by_it_where_the_pin_is_lost(
    app: APIFlask, client: FlaskClient, come_back: Come
) -> None:
    come_back(client, GUARDIAN)
    assert submit(client, "/my/data/erase").status_code != 303
    link = link_to_confirm(client.get("/my/data/erase"))
    assert come_back(client, GUARDIAN, link).location == "/my/data/erase"
    assert "You have just confirmed it with ID-porten." in main_text(client.get("/my/data/erase"))
    assert submit(client, "/my/data/erase").status_code == 303
    assert not is_let_in(client)


def test_somebody_who_lost_both_pin_and_address_comes_in_and_sets_a_new_pin(
    client: FlaskClient, new_browser: Callable[..., FlaskClient], come_back: Come
) -> None:
    come_back(client, GUARDIAN)
    assert submit(client, "/my/pin", new_pin="7194").status_code == 302
    assert log_in(new_browser(), visits.GUARDIAN[0], "7194").location == "/my"


def test_the_family_folder_offers_it_beside_the_pin(client: FlaskClient, clock: Clock, come_back: Come) -> None:
    log_in(client, *visits.GUARDIAN)
    clock.turn(seconds=700)
    link = link_to_confirm(client.get("/my/settings"))
    assert come_back(client, GUARDIAN, link).location == "/my/settings"
    assert submit(client, "/my/settings", guardian_card_number="N000100005").status_code == 302


def test_somebody_else_confirms_nothing(client: FlaskClient, clock: Clock, come_back: Come, app: APIFlask) -> None:
    log_in(client, *visits.GUARDIAN)
    for other in (LARS, LOCAL):
        assert_leads_on(come_back(client, other, "confirm"), "somebody else", status=403)
    with app.app_context():
        assert db.session.scalars(select(Session.identified_at)).all() == [None]


def test_nobody_confirms_who_is_not_signed_in(client: FlaskClient) -> None:
    assert client.get("/sign-in/confirm").location == "/login"


def test_a_passkey_is_offered_after_it_on_an_own_device(app: APIFlask, client: FlaskClient, come_back: Come) -> None:
    come_back(client, GUARDIAN, "login?keep=1")
    assert "Faster next time" in client.get("/my").text
    assert client.get("/my/passkeys/add").status_code == 200
