"""Whatever a library's server sends back over HTTP, the portal gets accounts or Unavailable, and in time."""

import copy
import gzip
import json
from contextlib import suppress
from time import monotonic

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import MAX_ANSWER, make_client
from app.ils.koha.login import BasicLogin, OAuthLogin
from app.ils.koha.system import KohaSystem
from app.ils.port import Account, Refused, Unavailable
from app.ils.sip2.system import Sip2System
from app.ils.sip2.wire import Sip2Settings
from tests.contract.world import ANNA, BERIT, drip, listening, say, silence

SECONDS = 0.4
# Far beyond every time-out here, and nothing beside never.
HANGS = 30
LOAN = {
    "loan_id": "a" * 32,
    "barcode": "1001",
    "title": "Röda rummet",
    "author": "Strindberg, August",
    "category": "book",
    "lent_on": "2026-03-02",
    "due_on": "2026-03-30",
    "overdue": False,
    "days_overdue": 0,
    "running_fee": 0,
    "renewals_used": 0,
    "renewals_left": 2,
    "renewable": True,
    "not_renewable_because": None,
    "claim_level": 0,
    "interlibrary": False,
}
ANSWER = {
    "library": "Mull",
    "name": "Mullsjö",
    "currency": "SEK",
    "today": "2026-03-02",
    "patrons": [
        {
            "card_number": ANNA,
            "loans": [LOAN],
            "holds": [
                {
                    "hold_id": "b" * 32,
                    "title": "Doktor Glas",
                    "author": "Söderberg, Hjalmar",
                    "category": "book",
                    "asked_on": "2026-03-01",
                    "ready": False,
                    "fetch_before": None,
                    "queue_position": 1,
                }
            ],
            "debts": [
                {
                    "debt_id": "c" * 32,
                    "kind": "overdue",
                    "amount": 200,
                    "outstanding": 200,
                    "incurred_on": "2026-02-01",
                }
            ],
            "requests": [],
            "debt_total": 200,
            "running_fees": 0,
            "blocks": [{"reason": "debt", "amount": 200}],
        }
    ],
}


def http(body: bytes, *, status: str = "200 OK", media_type: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def circulation_at(port: int, seconds: float = SECONDS) -> CirculationSystem:
    url = f"http://127.0.0.1:{port}"
    return CirculationSystem(
        client=make_client(), url=url, library_id="Mull", user="portal", password="p", seconds=seconds
    )


def koha_at(port: int, seconds: float = SECONDS, login: object = None) -> KohaSystem:
    return KohaSystem(
        client=make_client(),
        url=f"http://127.0.0.1:{port}/api/v1",
        login=login or BasicLogin(user="portal", password="p"),
        currency="NOK",
        seconds=seconds,
    )


def sip2_at(port: int, seconds: float = SECONDS) -> Sip2System:
    return Sip2System(settings=Sip2Settings(host="127.0.0.1", port=port, currency="NOK", tls=False), seconds=seconds)


SYSTEMS = {"circulation": circulation_at, "koha": koha_at, "sip2": sip2_at}


def answered(body: object) -> list[Account]:
    """What the adapter makes of this JSON, called without a network."""

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]

    with make_client(transport=httpx.WSGITransport(app=app)) as client:
        system = CirculationSystem(
            client=client, url="http://c", library_id="Mull", user="portal", password="p", seconds=30
        )
        return system.accounts(card_numbers=[ANNA])


@pytest.mark.parametrize("talk", [silence, drip], ids=["silent", "dripping"])
@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_server_that_never_finishes_holds_nobody_up(kind, talk):
    with listening(talk) as port:
        system = SYSTEMS[kind](port)
        for act in (
            lambda: system.accounts(card_numbers=[ANNA]),
            lambda: system.renew(card_number=ANNA, loan_id="1"),
        ):
            began = monotonic()
            with pytest.raises(Unavailable):
                act()
            assert monotonic() - began < HANGS


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_port_where_nobody_listens_is_no_answer(kind):
    with listening(silence) as port:
        pass
    with pytest.raises(Unavailable) as unavailable:
        SYSTEMS[kind](port, HANGS).accounts(card_numbers=[ANNA])
    assert unavailable.value.reason == "no_answer"


BODY = json.dumps(ANSWER).encode()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"\x00\xff garbage \x00" * 50, id="garbage"),
        pytest.param(b"", id="nothing"),
        pytest.param(http(b"<html>Hello</html>", media_type="text/html"), id="a page"),
        pytest.param(http(BODY, media_type="text/html"), id="a wrong content type"),
        pytest.param(http(BODY, status="500 Internal Server Error"), id="500"),
        pytest.param(http(BODY, status="503 Service Unavailable"), id="503"),
        pytest.param(http(BODY, status="302 Found", more="Location: http://127.0.0.1:1/\r\n"), id="a redirect"),
        pytest.param(http(BODY, status="201 Created"), id="another success"),
        pytest.param(http(b"{}", status="409 Conflict"), id="a refusal that is no problem document"),
        pytest.param(
            http(b'{"code": 7}', status="409 Conflict", media_type="application/problem+json"),
            id="a refusal without a code",
        ),
        pytest.param(http(gzip.compress(BODY), more="Content-Encoding: gzip\r\n"), id="compressed"),
        pytest.param(http(b" " * (MAX_ANSWER + 1) + BODY), id="too large"),
        pytest.param(http(BODY)[:-20], id="cut off"),
        pytest.param(http(b"[" * 100_000), id="nested without end"),
        pytest.param(http(b'{"more": ' + b"[" * 64 + b"]" * 64 + b", " + BODY[1:]), id="nested too deep"),
        pytest.param(http(b'{"currency": ' + b"9" * 5000 + b"}"), id="a number too long"),
        pytest.param(http(b'{"currency": NaN}'), id="not a number"),
        pytest.param(http(b"\xff\xfe"), id="not UTF-8"),
        pytest.param(http(b'"accounts"'), id="neither object nor list"),
    ],
)
@pytest.mark.parametrize("kind", ["circulation", "koha"])
def test_an_answer_that_cannot_be_read_is_no_answer(kind, answer):
    with listening(say(answer)) as port, pytest.raises(Unavailable):
        SYSTEMS[kind](port).accounts(card_numbers=[ANNA])


@pytest.mark.parametrize(
    "token",
    [{}, {"access_token": ""}, {"access_token": "t", "expires_in": "x"}, {"access_token": "a b\r\nX: y"}],
)
def test_a_token_that_is_none_is_no_answer(token):
    with listening(say(http(json.dumps(token).encode()))) as port, pytest.raises(Unavailable):
        koha_at(port, login=OAuthLogin(client_id="portal", client_secret="s")).accounts(card_numbers=[ANNA])


def test_an_answer_about_another_card_is_not_shown():
    for patrons in ([], [{**ANSWER["patrons"][0], "card_number": BERIT}], ANSWER["patrons"] * 2):
        with pytest.raises(Unavailable):
            answered({**ANSWER, "patrons": patrons})


def test_a_title_with_characters_that_cannot_be_shown_is_shown_without_them():
    loan = {**LOAN, "title": "\x98The \x9cR\u00f6da\n\trum\ud800met\x00"}
    (account,) = answered({**ANSWER, "patrons": [{**ANSWER["patrons"][0], "loans": [loan]}]})
    assert account.loans[0].title == "The Röda rummet"


def test_a_fee_of_a_new_kind_is_another_fee():
    debt = {**ANSWER["patrons"][0]["debts"][0], "kind": "reservation"}
    (account,) = answered({**ANSWER, "patrons": [{**ANSWER["patrons"][0], "debts": [debt]}]})
    assert account.fees[0].kind == "other"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


@settings(max_examples=100)
@given(st.sampled_from([path for path in places(ANSWER) if path]), json_values)
def test_any_value_in_any_place_gives_accounts_or_no_answer(path, value):
    changed = copy.deepcopy(ANSWER)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with suppress(Unavailable):
        (account,) = answered(changed)
        assert account.card_number == ANNA
        repr(account).encode("utf-8")


@pytest.mark.parametrize("code", ["reserved", "renewals_used_up", "blocked"])
def test_a_refusal_carries_the_librarys_code(code):
    problem = json.dumps({"code": code, "status": 409, "detail": f"{ANNA} Röda rummet"}).encode()
    answer = http(problem, status="409 Conflict", media_type="application/problem+json")
    with listening(say(answer)) as port, pytest.raises(Refused) as refused:
        circulation_at(port, seconds=30).renew(card_number=ANNA, loan_id="a" * 32)
    assert refused.value.code == code
    assert ANNA not in str(refused.value)
