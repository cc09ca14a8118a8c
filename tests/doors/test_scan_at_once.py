"""The short way of the scan: whatever comes by it, comes as by the ordinary way, and costs one look and one write."""

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from app.api.scanning.at_once import ScanAtOnce
from app.register.card import scans
from app.register.staff.machines import FORMER_PASSWORD, rotate_password
from app.register.store.driver import DriverConnection, Statement
from app.register.store.transaction import db
from tests.conftest import Clock, MakeApp
from tests.doors.conftest import Contents
from tests.doors.visits import NOBODYS_CODE, SCAN, other_digit, shown_code
from tests.register.counting import statements_sent

KIOSK = ("2023500-kiosk1", "demo-kiosk")
OTHER_KIOSK = ("2023500-kiosk2", "demo-kiosk")
TYPES = ["application/json", "application/json;", "APPLICATION/JSON", "", "*"]
READ_ONLY = {
    "sqlite": Statement("PRAGMA query_only = 1"),
    "postgresql": Statement("SET default_transaction_read_only = on"),
}
AT_ONCE = {
    "sqlite": ["SELECT", "BEGIN", "UPDATE", "INSERT", "INSERT", "COMMIT"],
    "postgresql": ["SELECT", "WITH"],
}


class Answer(NamedTuple):
    """An answer without what is drawn anew for each."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


Send = Callable[..., Answer]


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def asked(code: str, **changes: Any) -> dict[str, Any]:
    """Return a request as a kiosk sends it, in werkzeug's words, with changes to its headers and the rest."""
    headers = {"Authorization": basic(*KIOSK)} | changes.pop("headers", {})
    given = {"method": "POST", "path": SCAN, "data": json.dumps({"payload": code}), "content_type": "application/json"}
    return given | changes | {"headers": {name: value for name, value in headers.items() if value is not None}}


def figures() -> dict[str, float]:
    """Return what operators measure and does not depend on the time that it took."""
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    counts = [sample for sample in samples if sample.name in ("lanekort_scans_total", "lanekort_request_seconds_count")]
    return {f"{sample.name} {sorted(sample.labels.items())}": sample.value for sample in counts}


@pytest.fixture
def at_once(app: APIFlask) -> Send:
    """Send a request, which may take the short way."""

    def send(request: dict[str, Any]) -> Answer:
        response = app.test_client(use_cookies=False).open(**request)
        headers = sorted((name, value) for name, value in response.headers if name != "X-Request-ID")
        assert len(response.headers.getlist("X-Request-ID")) == 1
        return Answer(response.status, headers, response.data)

    return send


@pytest.fixture
def in_turn(at_once: Send) -> Send:
    """Send a request by the ordinary way."""

    def send(request: dict[str, Any]) -> Answer:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ScanAtOnce, "read", lambda _door, _environ: None)
            return at_once(request)

    return send


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_accepted_scan_signs_in_and_looks_in_one_statement(
    app: APIFlask, phone: FlaskClient, at_once: Send, engine: str
) -> None:
    code = shown_code(phone)
    at_once(asked(NOBODYS_CODE))  # so that the journal of erasures was looked at
    with app.app_context(), statements_sent(db.engine) as statements:
        assert b'"accepted"' in at_once(asked(code)).body
    assert [statement.split()[0] for statement in statements] == AT_ONCE[engine]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/json;charset=UTF-8"])
def test_a_program_that_names_the_coding_is_not_slower(
    app: APIFlask, phone: FlaskClient, at_once: Send, content_type: str
) -> None:
    code = shown_code(phone)
    at_once(asked(code))
    with app.app_context(), statements_sent(db.engine) as statements:
        assert b'"accepted"' in at_once(asked(code, content_type=content_type)).body
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT"]


def requests_about(code: str) -> dict[str, dict[str, Any]]:
    form = "application/x-www-form-urlencoded"
    return {
        "as it is": asked(code),
        "another kiosk": asked(code, headers={"Authorization": basic(*OTHER_KIOSK)}),
        "a system": asked(code, headers={"Authorization": basic("2023500", "demo-system-ullensaker")}),
        "a supplier": asked(code, headers={"Authorization": basic("bookstore", "demo-bookstore")}),
        "blanks": asked(f" {code[:4]} {code[4:]} "),
        "a scanner's prefix": asked(f"]Q1{code}"),
        "blanks between members": asked(code, data=f' {{ "payload" :\n"{code}" }}\t'),
        "a byte order mark": asked(code, data=b"\xef\xbb\xbf" + json.dumps({"payload": code}).encode()),
        "escapes": asked(code, data='{"payload": "' + "".join(f"\\u{ord(digit):04x}" for digit in code) + '"}'),
        "one member more": asked(code, data=json.dumps({"payload": code, "more": 1})),
        "the member twice": asked(code, data=f'{{"payload": "{NOBODYS_CODE}", "payload": "{code}"}}'),
        "nobody's": asked(NOBODYS_CODE),
        "misread": asked(other_digit(code, 15)),
        "a book": asked("9788205512345"),
        "nothing": asked(""),
        "too long": asked("9" * 201),
        "no body": asked(code, data=""),
        "no JSON": asked(code, data="{"),
        "a list": asked(code, data="[]"),
        "a form": asked(code, data=f"payload={code}", content_type=form),
        "called a form": asked(code, content_type=form),
        "with a charset": asked(code, content_type="application/json; charset=utf-8"),
        "no type": asked(code, content_type=None),
        "no password": asked(code, headers={"Authorization": None}),
        "a wrong password": asked(code, headers={"Authorization": basic(KIOSK[0], "wrong")}),
        "nobody": asked(code, headers={"Authorization": basic("nobody", "wrong")}),
        "no user": asked(code, headers={"Authorization": basic("", "demo-kiosk")}),
        "a patron": asked(code, headers={"Authorization": basic("N000100001", "4719")}),
        "another scheme": asked(code, headers={"Authorization": "Bearer demo-kiosk"}),
        "a scheme in small letters": asked(code, headers={"Authorization": basic(*KIOSK).replace("B", "b", 1)}),
        "no base64": asked(code, headers={"Authorization": "Basic ~~~"}),
        "not UTF-8": asked(code, headers={"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}),
        "NUL": asked(code, headers={"Authorization": basic("2023500\x00", "demo-kiosk")}),
        "a cookie": asked(code, headers={"Cookie": "lang=sv; session=x"}),
        "a query": asked(code, query_string="x=1"),
        "Swedish": asked(code, headers={"Accept-Language": "sv", "Accept": "text/html"}),
        "an odd host": asked(code, headers={"Host": "a b/ø"}),
        "a key": asked(code, headers={"Idempotency-Key": "1"}),
        "GET": asked(code, method="GET"),
        "HEAD": asked(code, method="HEAD"),
        "OPTIONS": asked(code, method="OPTIONS"),
        "PUT": asked(code, method="PUT"),
        "beneath a folder": asked(code, base_url="http://localhost/beneath"),
        "with a slash": asked(code, path=SCAN + "/"),
    }


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_both_ways_answer_alike_and_write_the_same_lines(
    phone: FlaskClient,
    at_once: Send,
    in_turn: Send,
    read_database: Callable[[], Contents],
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = shown_code(phone)
    # The first one owns the code; it gets the same answer by either way.
    first = at_once(asked(code))
    assert in_turn(asked(code)) == first
    for what, request in requests_about(code).items():
        done = []
        for send in (at_once, in_turn):
            before = read_database()["access_log"]
            capsys.readouterr()
            counted = figures()
            answer = send(request)
            counted = {name: value - counted.get(name, 0) for name, value in figures().items()}
            entries = [row[1:-1] for row in read_database()["access_log"] if row not in before]
            said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            for line in said:
                del line["id"], line["ms"], line["timestamp"]
            done.append((answer, entries, said, {name: more for name, more in counted.items() if more}))
        assert done[0] == done[1], what


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_fresh_scan_leaves_the_same_rows_by_either_way(
    phone: FlaskClient, at_once: Send, in_turn: Send, read_database: Callable[[], Contents], clock: Clock
) -> None:
    rows = []
    at_once(asked(NOBODYS_CODE))  # that the machine was here is noted every ten minutes
    for send in (at_once, in_turn):
        clock.turn(seconds=30)
        before = read_database()
        answer = json.loads(send(asked(shown_code(phone))).body)
        after = read_database()
        changed = {table: [row for row in after[table] if row not in before[table]] for table in after}
        rows.append({table: len(new) for table, new in changed.items() if new})
        assert (answer["result"], answer["patron"]["name"]) == ("accepted", "Ingrid Solvang")
    assert rows[0] == rows[1] == {"access_log": 1, "credentials": 1, "presented_steps": 1}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_sent_is_answered_alike(
    data: st.DataObject, phone: FlaskClient, at_once: Send, in_turn: Send
) -> None:
    code = shown_code(phone)
    at_once(asked(code))
    payload = st.sampled_from([code, NOBODYS_CODE, other_digit(code, 15), code[:16]]) | st.text(max_size=30)
    body = payload.map(lambda said: json.dumps({"payload": said})) | st.text(max_size=40) | st.binary(max_size=40)
    changes: dict[str, Any] = {
        "data": data.draw(body),
        "content_type": data.draw(
            st.sampled_from(["application/json", "application/json;", "APPLICATION/JSON", "", "*"])
        ),
        "method": data.draw(st.sampled_from(["POST"] * 8 + ["GET", "PATCH"])),
        "headers": {
            "Authorization": data.draw(
                st.sampled_from([basic(*KIOSK)] * 6 + [basic(*KIOSK) + " ", "Basic  " + basic(*KIOSK)[6:]])
                | st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
            ),
            "Host": data.draw(st.sampled_from(["localhost", "localhost:443", "[::1]", "a_b", ""])),
        },
        # Wrong passwords are counted for each address.
        "environ_overrides": {"REMOTE_ADDR": f"203.0.113.{data.draw(st.integers(1, 250))}"},
    }
    request = asked(code, **changes)
    assert at_once(request) == in_turn(request)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_right_password_before_the_last_opens_for_seven_days_more(
    app: APIFlask, phone: FlaskClient, at_once: Send, clock: Clock, engine: str
) -> None:
    with app.app_context():
        new = rotate_password(username=KIOSK[0], now=clock())
        db.session.commit()
    for password in (KIOSK[1], new):
        clock.turn(seconds=30)
        at_once(asked(NOBODYS_CODE))
        request = asked(shown_code(phone), headers={"Authorization": basic(KIOSK[0], password)})
        with app.app_context(), statements_sent(db.engine) as statements:
            assert b'"accepted"' in at_once(request).body
        assert [statement.split()[0] for statement in statements] == AT_ONCE[engine]
    clock.turn(seconds=FORMER_PASSWORD.total_seconds())
    assert at_once(asked(NOBODYS_CODE)).status == "401 UNAUTHORIZED"


@pytest.mark.parametrize("engine", ["postgresql"])
def test_without_the_right_password_nothing_of_the_credential_is_looked_at(app: APIFlask, phone: FlaskClient) -> None:
    values = {"credential": shown_code(phone)[3:15], "failing_kiosk": "", "failing_system": "", "token": "0" * 64}
    with app.app_context(), db.engine.connect() as connection:
        plans = []
        for username in (KIOSK[0], "nobody"):
            asked_for = values | {"username": username, "now": "2026-01-01", "seen": "2025-12-31"}
            explain = "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) " + scans.SIGN_IN_AND_FIND.postgresql
            plan = "\n".join(row[0] for row in connection.connection.cursor().execute(explain, asked_for))
            looked_at = [line for line in plan.splitlines() if " on " in line and "never executed" not in line]
            plans.append([line.split(" on ")[1].split()[0] for line in looked_at])
    assert plans == [["machines"], ["machines"]]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_what_fails_on_the_short_way_is_answered_by_the_ordinary_one_and_not_tried_again(
    phone: FlaskClient,
    at_once: Send,
    read_database: Callable[[], Contents],
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    code = shown_code(phone)
    tries: list[DriverConnection] = []
    at_once(asked(NOBODYS_CODE))
    before = read_database()

    take_step = scans.take_step

    def write_to_what_is_read_only(driver: DriverConnection, taken: dict[str, Any]) -> bool:
        tries.append(driver)
        driver.send(READ_ONLY[engine])
        return take_step(driver, taken)

    monkeypatch.setattr(scans, "take_step", write_to_what_is_read_only)
    answer = at_once(asked(code))
    assert answer.status == "503 SERVICE UNAVAILABLE"
    assert json.loads(answer.body)["code"] == "database-unavailable"
    assert "Retry-After" in dict(answer.headers)
    assert len(tries) == 1
    monkeypatch.undo()
    assert read_database() == before
    assert b'"accepted"' in at_once(asked(code)).body


def test_a_password_in_clear_is_refused_on_either_way(make_app: MakeApp) -> None:
    client = make_app(secure_cookies=True, proxies=1).test_client(use_cookies=False)
    for headers in ({}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Proto": "https"}):
        answer = client.open(**asked(NOBODYS_CODE, headers=headers))
        assert answer.status_code == (200 if "https" in headers.values() else 403)
