"""The national sign-in from the way there to the way back: whom it lets in, and what every fault of it ends in."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.eid.provider import Provider
from app.register.store.transaction import db
from app.register.tables.devices import Device
from app.register.tables.patrons import NationalIdToken, Patron, Registration, Session
from app.rules.pins.pin import EID_SOURCE
from tests.conftest import Clock, MakeApp
from tests.doors import visits
from tests.doors.conftest import Contents
from tests.doors.eid_sign_in import RETURN, Come, app, assert_leads_on, come_back, is_let_in, service
from tests.doors.visits import csrf_token, log_in, main_text, read_page, submit
from tests.eid import ANNE, GUARDIAN, LOCAL, LOST, InventedService, Manners

__all__ = ["app", "come_back", "service"]

# --- whom it lets in ---


def test_somebody_who_has_a_card_is_let_in_without_card_number_and_pin(client: FlaskClient, come_back: Come) -> None:
    assert come_back(client, GUARDIAN).location == "/my"
    assert "Ingrid Solvang" in client.get("/my").text


def test_a_national_sign_in_stands_in_for_pin_and_code_and_confirms_the_device(
    app: APIFlask, client: FlaskClient, clock: Clock, come_back: Come
) -> None:
    come_back(client, GUARDIAN, "login?keep=1")
    with app.app_context():
        session = db.session.scalars(select(Session)).one()
        assert (session.secret_entered_at, session.code_entered_at) == (clock(), clock())
        assert session.identified_at is None, "what always asks asks after a sign-in too"
        assert db.session.scalars(select(Device.confirmed_at)).one() == clock()


@pytest.mark.parametrize(("way", "days"), [("login", 0.5), ("login?keep=1", 90)])
def test_how_long_it_lasts_is_what_was_asked_for(
    app: APIFlask, client: FlaskClient, clock: Clock, come_back: Come, way: str, days: float
) -> None:
    come_back(client, GUARDIAN, way)
    with app.app_context():
        session = db.session.scalars(select(Session)).one()
        assert (session.expires_at - clock()).total_seconds() == days * 86400


def test_somebody_who_has_no_card_is_told_so_and_nothing_is_stored(
    client: FlaskClient, come_back: Come, read_database: Callable[[], Contents]
) -> None:
    before = read_database()
    answer = come_back(client, ANNE)
    assert "You have no library card yet" in main_text(answer)
    assert read_database() == before


def test_a_lost_card_is_not_let_in_and_leads_to_the_desk(client: FlaskClient, come_back: Come) -> None:
    assert_leads_on(come_back(client, LOST), "Your card is blocked", status=403)
    assert not is_let_in(client)


def test_somebody_with_a_local_card_is_offered_a_national_one(
    app: APIFlask, client: FlaskClient, come_back: Come
) -> None:
    assert come_back(client, LOCAL, "card").location == "/register"
    assert "only Mullsjö bibliotek takes" in main_text(client.get("/register"))
    assert submit(client, "/register/upgrade", page="/register").location == "/card"
    with app.app_context():
        assert db.session.scalars(select(Patron.local_to).where(Patron.name == "Erik Lund")).one() is None


def test_somebody_with_a_card_who_wants_one_is_shown_the_one_they_have(client: FlaskClient, come_back: Come) -> None:
    assert come_back(client, GUARDIAN, "card").location == "/card"
    assert "You have a card already" in client.get("/card").text


# --- replays, other browsers, other addresses ---


def test_an_answer_counts_once_also_with_the_cookie_of_before(
    app: APIFlask, client: FlaskClient, service: InventedService
) -> None:
    answer = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    sent = answer | {"csrf_token": csrf_token(client, "/login")}
    kept = client.get_cookie("lanekort")
    assert kept is not None
    assert client.post(RETURN, data=sent).location == "/my"
    asked = service.calls.count("/token")
    client.post("/logout", data={"csrf_token": csrf_token(client, "/my")})
    client.set_cookie("lanekort", kept.value)
    assert_leads_on(client.post(RETURN, data=sent), "used already")
    assert service.calls.count("/token") == asked
    assert not is_let_in(client)


def test_a_code_of_before_is_of_no_use_in_a_new_sign_in(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    answer = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    sent = answer | {"csrf_token": csrf_token(client, "/login")}
    client.post(RETURN, data=sent)
    client.post("/logout", data={"csrf_token": csrf_token(client, "/my")})
    assert_leads_on(come_back(client, ANNE, code=answer["code"]), "took too long")
    assert not is_let_in(client)


@pytest.mark.parametrize("changes", [{"state": "another"}, {"state": ""}, {"state": "æ\u2028"}])
def test_an_answer_to_another_state_is_not_taken(client: FlaskClient, come_back: Come, changes: dict[str, str]) -> None:
    assert_leads_on(come_back(client, GUARDIAN, **changes), "not begun in this browser")
    assert not is_let_in(client)


def test_of_two_windows_the_one_that_began_last_is_let_in(client: FlaskClient, service: InventedService) -> None:
    first = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    second = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    sent = {"csrf_token": csrf_token(client, "/login")}
    assert_leads_on(client.post(RETURN, data=first | sent), "another one was begun since")
    assert client.post(RETURN, data=second | sent).location == "/my"


def test_to_go_back_to_an_answer_that_was_used_leads_on(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    come_back(client, GUARDIAN)
    page = client.get(RETURN, query_string={"state": "s", "code": "c", "iss": service.url})
    assert_leads_on(page, "This login was used already")
    assert "My page" in main_text(page)


def test_those_who_are_let_in_use_up_nobody_elses_tries(
    new_browser: Callable[..., FlaskClient], come_back: Come
) -> None:
    for _visitor in range(62):
        assert come_back(new_browser(), GUARDIAN).location == "/my"


def test_those_who_are_not_let_in_wait_at_last_and_the_service_is_asked_no_more(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    service.manners = Manners(changes={"acr": "idporten-loa-low"})
    for _try in range(EID_SOURCE.limit):
        assert come_back(client, GUARDIAN).status_code == 400
    service.manners = Manners()
    asked = service.calls.count("/token")
    assert come_back(client, GUARDIAN).status_code == 429
    assert service.calls.count("/token") == asked
    assert not is_let_in(client)


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_service_that_is_to_blame_is_not_said_to_be_cancelled(client: FlaskClient, error: str) -> None:
    client.get("/sign-in/login")
    assert_leads_on(client.get(f"{RETURN}?error={error}"), "does not answer as it should", status=503)


def test_an_answer_in_another_browser_lets_nobody_in(
    client: FlaskClient, new_browser: Callable[..., FlaskClient], service: InventedService
) -> None:
    answer = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    other = new_browser()
    assert_leads_on(other.get(RETURN, query_string=answer), "not begun in this browser")
    sent = answer | {"csrf_token": csrf_token(other, "/login")}
    assert_leads_on(other.post(RETURN, data=sent), "not begun in this browser")
    other.get("/sign-in/login")
    assert_leads_on(other.post(RETURN, data=sent), "not begun in this browser")
    assert not is_let_in(other)


def test_an_answer_without_our_own_form_is_not_taken(client: FlaskClient, service: InventedService) -> None:
    answer = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    assert client.post(RETURN, data=answer).status_code == 400
    assert not is_let_in(client)


def test_to_look_at_the_page_that_comes_back_uses_nothing_up(
    client: FlaskClient, service: InventedService, read_database: Callable[[], Contents]
) -> None:
    answer = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    before = read_database()
    for _ in range(3):
        page = client.get(RETURN, query_string=answer)
    assert read_database() == before
    assert "/token" not in service.calls
    sent = {field["name"]: field["value"] for field in read_page(page).select("#answer input")}
    assert client.post(RETURN, data=sent).location == "/my"


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_nobody_is_led_elsewhere(client: FlaskClient, come_back: Come, elsewhere: str) -> None:
    log_in(client, *visits.GUARDIAN)
    answer = come_back(client, GUARDIAN, f"confirm?next={elsewhere}")
    assert answer.location == "/my"


def test_what_the_service_is_asked_names_our_own_address_whatever_the_request_says(client: FlaskClient) -> None:
    there = client.get("/sign-in/login", headers={"Host": "elsewhere.example"}).location
    assert "redirect_uri=https%3A%2F%2Fcard.example.org%2Fsign-in%2Freturn" in there
    assert "elsewhere" not in there


def test_a_number_of_a_test_person_is_refused_in_production(make_app: MakeApp, service: InventedService) -> None:
    production = make_app(allow_synthetic_ids=False)
    production.extensions["eid"] = provider = Provider(service.settings(), verify=False)
    browser = production.test_client()
    browser.set_cookie("lang", "en")
    answer = service.sign_in(browser.get("/sign-in/login").location, GUARDIAN)
    sent = answer | {"csrf_token": csrf_token(browser, "/login")}
    assert_leads_on(browser.post(RETURN, data=sent), "does not answer as it should", status=503)
    provider.close()


# --- where it is not connected ---


def test_without_a_service_no_page_speaks_of_one(make_app: MakeApp) -> None:
    browser = make_app().test_client()
    browser.set_cookie("lang", "en")
    assert "/sign-in/" not in browser.get("/login").text
    assert "Go to the desk" in main_text(browser.get("/register"))
    for purpose in ("login", "card", "child"):
        assert browser.get(f"/sign-in/{purpose}").location == "/register"


def test_a_purpose_that_there_is_not_is_no_page(client: FlaskClient) -> None:
    assert client.get("/sign-in/steal").status_code == 404


def test_no_row_is_left_of_anybody_who_only_signs_in(app: APIFlask, client: FlaskClient, come_back: Come) -> None:
    with app.app_context():
        tokens = db.session.scalars(select(NationalIdToken.token)).all()
    come_back(client, GUARDIAN)
    with app.app_context():
        assert db.session.scalars(select(NationalIdToken.token)).all() == tokens
        assert db.session.scalars(select(Registration.id)).all() == []
