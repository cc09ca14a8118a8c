"""The door: who may come in, what it answers to nonsense, and the contract that the portal relies on."""

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from circulation.errors import PROBLEMS, Refused
from circulation.http.calls import CALLS
from circulation.http.rules_calls import RULES_CALLS
from circulation.http.staff_calls import STAFF_CALLS
from circulation.policy.library import load_policy, policy_view
from tests.circulation import writing_rules
from tests.circulation.conftest import ANNA, BERIT, PASSWORD, STAFF, USER, Building

WAYS = {"due": "push", "ready": "email", "overdue": "sms"}

# One valid body for each call, in the state that `furnished` makes; {…} stands for an id made there.
BODIES: dict[str, dict[str, Any]] = {
    "patrons/overview": {"card_numbers": [ANNA]},
    "patrons/rename": {"old_card_number": ANNA, "new_card_number": "N000299999"},
    "patrons/end": {"card_number": ANNA, "dry_run": False},
    "patrons/reminders": {"card_number": ANNA, "days_before": 3, "quiet_from": 21, "quiet_to": 8, **WAYS},
    "loans/checkout": {"card_number": ANNA, "barcode": "free"},
    "loans/return": {"barcode": "lent"},
    "loans/renew": {"card_number": ANNA, "loan_id": "{loan}"},
    "loans/renew-all": {"card_number": ANNA},
    "loans/cost": {"card_number": ANNA, "on": "2026-04-30"},
    "items/show": {"barcode": "lent", **STAFF},
    "items/find": {"text": "gösta", **STAFF},
    "loans/undo-checkout": {"card_number": ANNA, "barcode": "today", "was_held": False, **STAFF},
    "loans/undo-return": {
        "card_number": ANNA,
        "barcode": "free",
        "lent_on": "2026-02-20",
        "due_on": "2026-03-20",
        "renewals": 1,
        **STAFF,
    },
    **{call: {"barcode": "lent", **STAFF} for call in ("loans/lost", "loans/destroyed")},
    "holds/reserve": {"card_number": ANNA, "barcode": "free"},
    "holds/cancel": {"card_number": BERIT, "hold_id": "{hold}"},
    "holds/pause": {
        "card_number": BERIT,
        "hold_id": "{waiting}",
        "paused_from": "2026-04-30",
        "paused_until": "2026-05-14",
    },
    "holds/resume": {"card_number": BERIT, "hold_id": "{hold}"},
    "totals/show": {"year": 2026, **STAFF},
    **dict.fromkeys(("interlibrary/list", "holds/to-pick", "claims/list"), STAFF),
    "holds/picked": {"barcode": "queue", **STAFF},
    "claims/stop": {"loan_id": "{loan}", "reason": "agreed", **STAFF},
    "claims/resume": {"loan_id": "{loan}", **STAFF},
    "fees/pay": {"card_number": ANNA, "amount": 100, "currency": "SEK", "idempotency_key": "payment-1", **STAFF},
    "fees/waive": {"card_number": ANNA, "debt_id": "{debt}", "reason": "goodwill", **STAFF},
    "cards/replacement": {"card_number": ANNA, "idempotency_key": "card-0002", **STAFF},
    "interlibrary/ask": {
        "card_number": ANNA,
        "title": "Fångaren i dimman",
        "author": "Sten, Karla",
        "publication_year": 2020,
        "category": "book",
        "idempotency_key": "request-2",
    },
    "interlibrary/cancel": {"card_number": BERIT, "request_id": "{request}"},
    "interlibrary/handle": {"request_id": "{request}", "action": "order", **STAFF},
    **writing_rules.BODIES,
}

NONSENSE: list[Any] = [
    *(None, "", " ", 0, -1, 1.5, True, [], {}),
    [[ANNA]],
    "N00020000１",  # a full-width digit
    "N٠٠٠٢٠٠٠٠١",
    "n000200001",
    "N00020\n0001",
    "N000200001\x00",
    "' OR 1=1 --",
    "\ud800",
    "\u202e",
    "x" * 5000,
    10**30,
    -(10**30),
    "2026-13-45",
    "9999-12-31",
    "0001-01-01",
    "../../etc/passwd",
]


@pytest.fixture
def furnished(mull: Building) -> dict[str, dict[str, Any]]:
    """A library where every call of BODIES would succeed; the bodies with the ids filled in."""
    mull.stock("free", "lent", "queue", "today", "away")
    mull.stock("film", category="dvd", title="Vargarna vid Nässjön")
    ids = {"loan": mull.lend("lent")}
    mull.act("cards/replacement", card_number=ANNA, idempotency_key="card-0001", **STAFF)
    ids["debt"] = mull.patron()["debts"][0]["debt_id"]
    ids["hold"] = mull.act("holds/reserve", card_number=BERIT, barcode="queue")["hold"]["hold_id"]
    mull.lend("away", to="N000200003")
    ids["waiting"] = mull.act("holds/reserve", card_number=BERIT, barcode="away")["hold"]["hold_id"]
    asked = {**BODIES["interlibrary/ask"], "card_number": BERIT, "idempotency_key": "request-1"}
    ids["request"] = mull.act("interlibrary/ask", **asked)["request"]["request_id"]
    mull.clock.turn(days=1)
    mull.lend("today")
    writing_rules.write_rules(mull)

    def fill(value: Any) -> Any:
        return value.format(**ids) if isinstance(value, str) and value.startswith("{") else value

    return {call: {name: fill(value) for name, value in body.items()} for call, body in BODIES.items()}


def test_there_is_a_valid_body_for_every_call() -> None:
    assert set(BODIES) == {*CALLS, *STAFF_CALLS, *RULES_CALLS}


@pytest.mark.parametrize("call", BODIES)
def test_every_call_answers_to_a_valid_body(mull: Building, furnished: dict[str, dict[str, Any]], call: str) -> None:
    answer = mull.post(call, **furnished[call])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "application/json"


def lawful(field: str, value: object) -> bool:
    """A title or search may look strange, a key and a user name are free, true is a dry run, and a loan may be old."""
    if field in ("title", "author", "text", "note"):
        return isinstance(value, str) and 1 < len(value) <= 300 and value.isprintable()
    if field in ("staff", "idempotency_key"):
        return value in ("n000200001", "2026-13-45", "9999-12-31", "0001-01-01")
    if field in ("dry_run", "was_held"):
        return value is True
    zero = ("number", "renewals", "days_before", "quiet_from", "quiet_to")
    return (field, value) == ("lent_on", "0001-01-01") or (field in zero and value == 0 and value is not False)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("call", BODIES)
def test_nonsense_in_any_field_is_refused_and_changes_nothing(
    mull: Building, furnished: dict[str, dict[str, Any]], call: str
) -> None:
    before = mull.rows()
    for field in furnished[call]:
        for value in NONSENSE:
            if lawful(field, value):
                continue
            answer = mull.post(call, **{**furnished[call], field: value})
            assert 400 <= answer.status_code < 500, (field, value)
            assert answer.get_json()["code"] in PROBLEMS
        answer = mull.post(call, **{name: value for name, value in furnished[call].items() if name != field})
        assert 400 <= answer.status_code < 500, field
    assert mull.refuse(call, **furnished[call], surprise=1) == "invalid_field"
    assert mull.rows() == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("engine", ["sqlite"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=st.sampled_from(sorted(BODIES)), data=st.data())
def test_no_body_brings_the_server_down(mull: Building, call: str, data: st.DataObject) -> None:
    fields = st.sampled_from(sorted(BODIES[call]))
    body = {**BODIES[call], **data.draw(st.dictionaries(fields | st.text(max_size=8), json_values, max_size=5))}
    assert mull.post(call, **body).status_code < 500


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("raw", "mimetype", "status", "code"),
    [
        (b"", "application/json", 400, "invalid_json"),
        (b"{", "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 400, "invalid_json"),
        (b'"text"', "application/json", 400, "invalid_json"),
        (b'{"card_number": NaN}', "application/json", 400, "invalid_json"),
        (b'{"dry_run": true, "dry_run": false}', "application/json", 400, "invalid_json"),
        ('{"barcode": "å"}'.encode("latin-1"), "application/json", 400, "invalid_json"),
        ('{"barcode": "1"}'.encode("utf-16"), "application/json", 400, "invalid_json"),
        (b"[" * 60000, "application/json", 400, "invalid_json"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "application/json", 400, "invalid_json"),
        (b'{"a":' * 9000 + b"1" + b"}" * 9000, "application/json", 400, "invalid_json"),
        (b'{"amount": ' + b"9" * 20000 + b"}", "application/json", 400, "invalid_json"),
        (b"{}", "text/plain", 415, "not_json"),
        (b"barcode=1001", "application/x-www-form-urlencoded", 415, "not_json"),
        (b'{"barcode": "' + b"1" * 70000 + b'"}', "application/json", 413, "too_large"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    mull: Building, raw: bytes, mimetype: str, status: int, code: str
) -> None:
    path = "/circulation/v1/Mull/loans/return"
    answer = mull.client.post(path, data=raw, content_type=mimetype, auth=(USER, PASSWORD))
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("engine", ["sqlite"])
class TestTheDoor:
    """Closed by default."""

    @pytest.mark.parametrize(
        "authorization",
        [
            None,
            "Basic",
            "Basic !!!",
            "Bearer " + PASSWORD,
            "Basic " + base64.b64encode(b"portal").decode(),
            "Basic " + base64.b64encode(b"portal:").decode(),
            "Basic " + base64.b64encode(f"portal:{PASSWORD}x".encode()).decode(),
            "Basic " + base64.b64encode(f"Portal:{PASSWORD}".encode()).decode(),
            "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode(),
        ],
    )
    def test_nobody_comes_in_without_the_buildings_password(self, mull: Building, authorization: str | None) -> None:
        headers = {} if authorization is None else {"Authorization": authorization}
        for rule in mull.app.url_map.iter_rules():
            if rule.rule in ("/healthz", "/readyz"):
                continue
            path = rule.rule.replace("<library_id>", "Mull")
            for method in (rule.methods or set()) - {"HEAD"}:
                answer = mull.client.open(path, method=method, json={"barcode": "1001"}, headers=headers)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert mull.client.get("/circulation/v2/anything", headers=headers).status_code == 401

    def test_what_is_not_there_is_told(self, mull: Building) -> None:
        key = (USER, PASSWORD)
        for path, status, code in (
            ("/circulation/v1/Falk/rules", 404, "unknown_library"),
            ("/circulation/v1/..%2fMull/rules", 404, "unknown_path"),
            ("/circulation/v1/Mull/loans/steal", 404, "unknown_path"),
            ("/elsewhere", 404, "unknown_path"),
            ("/circulation/v1/Mull/loans/return", 405, "method_not_allowed"),
        ):
            answer = mull.client.get(path, auth=key)
            assert (answer.status_code, answer.get_json()["code"]) == (status, code), path
        answer = mull.client.post("/circulation/v1/Falk/loans/return", json={"barcode": "1"}, auth=key)
        assert answer.get_json()["code"] == "unknown_library"

    def test_addresses_carry_no_card_numbers_and_no_ids(self, mull: Building) -> None:
        assert {name for rule in mull.app.url_map.iter_rules() for name in rule.arguments} == {"library_id"}

    def test_health_and_readiness_are_open(self, mull: Building) -> None:
        assert mull.client.get("/healthz").status_code == 200
        assert mull.client.get("/readyz").status_code == 200
        mull.database.migrate("base")
        answer = mull.client.get("/readyz")
        assert (answer.status_code, answer.get_json()["libraries"]) == (503, ["Mull"])

    def test_a_busy_database_says_when_to_come_back(self, mull: Building, monkeypatch: pytest.MonkeyPatch) -> None:
        def busy(**_: object) -> None:
            raise Refused("busy")

        monkeypatch.setattr("circulation.lending.loans.return_item", busy)
        answer = mull.post("loans/return", barcode="1001")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_rules_page_says_what_is_charged(mull: Building) -> None:
    answer = mull.client.get("/circulation/v1/Mull/rules", auth=(USER, PASSWORD))
    rules = answer.get_json()
    assert rules == json.loads(json.dumps(policy_view(load_policy("Mull"))))
    book = next(category for category in rules["categories"] if category["id"] == "book")
    assert (book["loan_days"], book["overdue_per_day"], book["exempt_shelf_prefixes"]) == (28, 200, ["Hcf", "Hcg"])
    assert book["names"]["sv"] == "Böcker"
    assert [claim["fee"] for claim in rules["claims"]] == [0, 0, 5000]
    assert rules["interlibrary"]["summer"] == {"first": "06-01", "last": "08-31", "max_open_requests": 1}
    assert "Böcker".encode() in answer.data


def test_the_program_says_its_version_and_which_tables_it_has(mull: Building) -> None:
    told = mull.client.get("/circulation/v1/Mull/version", auth=(USER, PASSWORD)).get_json()
    wanted = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    with mull.database.reading() as session:
        tables = session.scalar(text("SELECT version_num FROM alembic_version"))
    assert told == {"version": wanted["project"]["version"], "tables": tables}
    assert mull.client.get("/circulation/v1/Mull/version").status_code == 401


def test_every_code_has_a_status_and_a_sentence() -> None:
    for code, (status, sentence) in PROBLEMS.items():
        assert code == code.lower()
        assert 400 <= status < 600
        assert sentence.endswith(".")
