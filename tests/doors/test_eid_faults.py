"""Everything that a sign-in service can answer wrongly, and that each of it leads on."""

import json
import time
from base64 import urlsafe_b64encode

import pytest
from flask.testing import FlaskClient

from app.eid.provider import Provider
from app.eid.refusals import EidRefused, Why
from tests.conftest import Clock
from tests.doors.eid_sign_in import RETURN, Come, app, assert_leads_on, come_back, is_let_in, service
from tests.doors.visits import csrf_token
from tests.eid import ANNE, GUARDIAN, InventedService, Manners

__all__ = ["app", "come_back", "service"]

WRONG: list[tuple[Manners, str, int]] = [
    (Manners(changes={"nonce": "of-another-sign-in"}), "not meant for you and us", 400),
    (Manners(changes={"nonce": None}), "not meant for you and us", 400),
    (Manners(changes={"iss": "https://elsewhere.example"}), "not meant for you and us", 400),
    (Manners(changes={"aud": "another-client"}), "not meant for you and us", 400),
    (Manners(changes={"aud": "another-client", "azp": "lanekort-test"}), "not meant for you and us", 400),
    (Manners(changes={"aud": ["another", "one-more"], "azp": "lanekort-test"}), "not meant for you and us", 400),
    (Manners(changes={"aud": ["lanekort-test", "another"], "azp": "another"}), "not meant for you and us", 400),
    (Manners(changes={"aud": ["lanekort-test", "another"]}), "not meant for you and us", 400),
    (Manners(changes={"more": json.loads("[" * 64 + "]" * 64)}), "not meant for you and us", 400),
    (Manners(wrong_key=True), "not meant for you and us", 400),
    (Manners(unsigned=True), "not meant for you and us", 400),
    (Manners(told_issuer="https://elsewhere.example"), "not meant for you and us", 400),
    (Manners(told_issuer="https://elsewhere.example", says_that_it_tells=False), "not meant for you and us", 400),
    (Manners(changes={"acr": "idporten-loa-low"}), "not sure enough who you are", 400),
    (Manners(changes={"acr": None}), "not sure enough who you are", 400),
    (Manners(changes={"auth_time": None}), "does not answer as it should", 503),
    (Manners(changes={"exp": None}), "does not answer as it should", 503),
    (Manners(changes={"iat": None}), "does not answer as it should", 503),
    (Manners(changes={"pid": None}), "does not answer as it should", 503),
    (Manners(changes={"pid": "12345678901"}), "does not answer as it should", 503),
    (Manners(token_status=500), "does not answer as it should", 503),
    (Manners(token_body=b"<html>"), "does not answer as it should", 503),
    (Manners(token_body=b"[]"), "does not answer as it should", 503),
    (Manners(token_body=b"[" * 100_000), "does not answer as it should", 503),
    (Manners(listed_beside=[{"kty": "OKP", "crv": "X-new", "x": "a" * 300_000}]), "does not answer as it should", 503),
    (Manners(token_body=b"{}"), "does not answer as it should", 503),
    (Manners(token_body=b'{"id_token": "x.y.z"}'), "not meant for you and us", 400),
    (Manners(token_status=400), "took too long", 400),
    (Manners(userinfo={"sub": "somebody-else"}, changes={"name": None}), "not meant for you and us", 400),
]


@pytest.mark.parametrize(("manners", "sentence", "status"), WRONG, ids=range(len(WRONG)))
def test_an_answer_that_is_not_right_lets_nobody_in_and_leads_on(
    client: FlaskClient, service: InventedService, come_back: Come, manners: Manners, sentence: str, status: int
) -> None:
    service.manners = manners
    assert_leads_on(come_back(client, GUARDIAN), sentence, status=status)
    assert not is_let_in(client)
    service.manners = Manners()
    assert come_back(client, GUARDIAN).location == "/my"


def test_a_number_that_stands_beside_the_token_is_nobodys(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    sub = "the-subject"
    beside = {"sub": sub, "pid": GUARDIAN["pid"]}
    service.manners = Manners(userinfo=beside, changes={"sub": sub, "pid": None, "name": None})
    assert_leads_on(come_back(client, GUARDIAN), "does not answer as it should", status=503)
    assert not is_let_in(client)


@pytest.mark.parametrize("header", ["{}", "[" * 50_000, '{"alg": "RS256", "kid": 7}', '{"alg": 5}'])
def test_a_token_whose_head_cannot_be_read_lets_nobody_in(
    client: FlaskClient, service: InventedService, come_back: Come, header: str
) -> None:
    token = urlsafe_b64encode(header.encode()).decode().rstrip("=") + ".e30.AAAA"
    service.manners = Manners(token_body=json.dumps({"id_token": token}).encode())
    assert_leads_on(come_back(client, GUARDIAN), "not meant for you and us")


def test_a_service_that_answers_byte_by_byte_is_waited_for_five_seconds_in_all(
    client: FlaskClient, service: InventedService, come_back: Come, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.eid.provider.LONGEST_SECONDS", 0.5)
    service.manners = Manners(token_drips=True)
    began = time.monotonic()
    assert_leads_on(come_back(client, GUARDIAN), "does not answer as it should", status=503)
    # The service would go on for a minute.
    assert time.monotonic() - began < 30


def test_a_service_may_change_its_key_at_any_moment(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    assert come_back(client, GUARDIAN).location == "/my"
    service.manners = Manners(new_key=True)
    assert come_back(client, GUARDIAN).location == "/my"


def test_tokens_that_nobody_signed_have_its_keys_asked_for_once_a_minute(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    assert come_back(client, GUARDIAN).location == "/my"
    service.manners = Manners(wrong_key=True)
    for _attempt in range(3):
        come_back(client, GUARDIAN)
    assert service.calls.count("/jwks") == 2


def test_keys_that_are_not_understood_take_nothing_from_the_others(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    service.manners = Manners(
        listed_beside=[
            {"kty": "OKP", "crv": "X-new", "x": "AA", "kid": "1"},
            {"kty": "RSA", "use": "enc", "kid": "of-the-service", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "kid": "3"},
        ]
    )
    assert come_back(client, GUARDIAN).location == "/my"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_clock_that_is_five_minutes_off_lets_nobody_in_and_leads_on(
    client: FlaskClient, clock: Clock, service: InventedService, come_back: Come, seconds: int
) -> None:
    instant = int(clock().timestamp()) + seconds
    service.manners = Manners(changes={"iat": instant, "exp": instant + 120, "auth_time": instant})
    assert_leads_on(come_back(client, GUARDIAN), "The clocks here and at ID-porten differ", status=503)
    assert not is_let_in(client)


def test_a_token_that_was_made_long_ago_lets_nobody_in_however_long_it_holds(
    client: FlaskClient, clock: Clock, service: InventedService, come_back: Come
) -> None:
    instant = int(clock().timestamp())
    service.manners = Manners(changes={"iat": instant - 300, "exp": instant + 3600})
    assert_leads_on(come_back(client, GUARDIAN), "The clocks here and at ID-porten differ", status=503)
    assert not is_let_in(client)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_clock_that_is_a_minute_off_does_no_harm(
    client: FlaskClient, clock: Clock, service: InventedService, come_back: Come, seconds: int
) -> None:
    instant = int(clock().timestamp()) + seconds
    service.manners = Manners(changes={"iat": instant, "exp": instant + 120, "auth_time": instant})
    assert come_back(client, GUARDIAN).location == "/my"


def test_somebody_who_did_not_sign_in_anew_is_not_let_in(
    client: FlaskClient, clock: Clock, service: InventedService, come_back: Come
) -> None:
    service.manners = Manners(changes={"auth_time": int(clock().timestamp()) - 600})
    assert_leads_on(come_back(client, GUARDIAN), "not sure enough who you are")


def test_a_service_that_is_down_is_said_to_be_and_leads_on(client: FlaskClient, service: InventedService) -> None:
    service.stop()
    assert_leads_on(client.get("/sign-in/login"), "does not answer as it should", status=503)


def test_a_service_that_goes_down_meanwhile_is_said_to_be(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    there = client.get("/sign-in/login").location
    answer = service.sign_in(there, GUARDIAN)
    service.stop()
    sent = answer | {"csrf_token": csrf_token(client, "/login")}
    assert_leads_on(client.post(RETURN, data=sent), "does not answer as it should", status=503)


def test_a_service_that_calls_itself_otherwise_is_not_used(client: FlaskClient, service: InventedService) -> None:
    service.manners = Manners(described_issuer="https://elsewhere.example")
    assert_leads_on(client.get("/sign-in/login"), "not meant for you and us")


def test_an_answer_without_the_issuer_is_not_used_of_a_service_that_says_it_tells_it(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    assert_leads_on(come_back(client, GUARDIAN, iss=""), "not meant for you and us")
    assert not is_let_in(client)


def test_a_service_that_never_tells_its_issuer_there_is_good_without(
    client: FlaskClient, service: InventedService, come_back: Come
) -> None:
    service.manners = Manners(says_that_it_tells=False)
    assert come_back(client, GUARDIAN, iss="").location == "/my"


def test_a_service_that_must_be_reached_by_tls_sends_nobody_anywhere_without(service: InventedService) -> None:
    provider = Provider(service.settings(needs_tls=True))
    with pytest.raises(EidRefused) as refused:
        provider.begin(redirect_uri="https://lanekort.example/sign-in/return", language="nb", anew=True)
    assert refused.value.why is Why.SILENT
    provider.close()


@pytest.mark.parametrize("manners", [Manners(), Manners(changes={"acr": "idporten-loa-low"})])
def test_what_the_browser_kept_for_the_answer_is_gone_with_it(
    client: FlaskClient, service: InventedService, come_back: Come, manners: Manners
) -> None:
    client.get("/sign-in/card")
    with client.session_transaction() as kept:
        assert "eid" in kept
    service.manners = manners
    come_back(client, ANNE, "card")
    with client.session_transaction() as kept:
        assert "eid" not in kept


def test_somebody_who_cancels_there_is_told_so_and_leads_on(client: FlaskClient) -> None:
    client.get("/sign-in/login")
    answer = client.get(RETURN, query_string={"error": "access_denied", "state": "x"})
    assert_leads_on(answer, "was cancelled")


def test_a_sign_in_that_was_begun_too_long_ago_leads_on(
    client: FlaskClient, clock: Clock, service: InventedService
) -> None:
    answer = service.sign_in(client.get("/sign-in/login").location, GUARDIAN)
    token = csrf_token(client, "/login")
    clock.turn(seconds=15 * 60)
    assert_leads_on(client.post(RETURN, data=answer | {"csrf_token": token}), "took too long")
