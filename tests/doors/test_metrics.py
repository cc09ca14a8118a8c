"""What operators measure at `/metrics`, and who may read it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from app import create_app
from app.ils.budget import call_within
from app.ils.guard import Guard
from app.ils.port import Unavailable
from app.ils.systems import Systems
from app.register.keys.evaluations import GATE
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.card.scan import Reason
from app.web.metrics import page
from app.web.metrics.process import note_process
from app.work.worker import Duty, do_duty
from tests.conftest import Clock, MakeApp, settings_for
from tests.doors.metrics import SHOWN, TOKEN, read, value
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    KIOSK_1,
    KIOSK_2,
    NOBODYS_CODE,
    SCAN,
    SYSTEM,
    desk_log_in,
    log_in,
    scan_at_desk,
    scan_at_kiosk,
    shown_code,
)
from tests.register.counting import statements_sent


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    return make_app(metrics_token=TOKEN)


@pytest.fixture(autouse=True)
def ask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ANEW_AFTER", 0.0)


@pytest.fixture
def counted(app: APIFlask) -> Callable[..., float]:
    """How much a counter has grown since the test began: all tests of a process count in the same ones."""
    before = {
        (one.name, frozenset(one.labels.items())): one.value for family in REGISTRY.collect() for one in family.samples
    }

    def grown(name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return read(app.test_client())[key] - before.get(key, 0.0)

    return grown


def test_without_the_setting_there_is_no_such_page(make_app: MakeApp) -> None:
    client = make_app().test_client()
    for headers in ({}, SHOWN, {"Authorization": "Bearer "}):
        assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ø"]
)
def test_nobody_reads_it_without_the_token(client: FlaskClient, shown: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": shown} if shown else {})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "lanekort_" not in answer.text


def test_the_token_is_taken_however_the_scheme_is_written(client: FlaskClient) -> None:
    assert client.get("/metrics", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


def test_it_can_be_read_in_clear_on_the_machine_itself(database_url: str) -> None:
    production = replace(settings_for(database_url), metrics_token=TOKEN, demo=False, secure_cookies=True)
    assert create_app(production).test_client().get("/metrics", headers=SHOWN).status_code == 200


def test_every_reason_of_a_scan_is_there_before_it_is_first_counted(client: FlaskClient) -> None:
    values = read(client)
    for door in ("api", "desk", "door", "supplier", "kiosk"):
        for result in ("ACCEPTED", *Reason):
            assert value(values, "lanekort_scans_total", door=door, result=str(result)) >= 0


def test_scans_are_counted_by_door_and_result(
    client: FlaskClient, phone: FlaskClient, clock: Clock, counted: Callable[..., float]
) -> None:
    code = shown_code(phone)
    scan_at_kiosk(client, code)
    scan_at_kiosk(client, code, kiosk=KIOSK_2)
    scan_at_kiosk(client, "not a card")
    scan_at_kiosk(client, NOBODYS_CODE)
    assert desk_log_in(client).status_code == 302
    clock.turn(seconds=60)
    scan_at_desk(client, shown_code(phone))
    for reason in ("ACCEPTED", "REPLAY", "NOT_OURS", "UNKNOWN"):
        assert counted("lanekort_scans_total", door="api", result=reason) == 1, reason
    assert counted("lanekort_scans_total", door="desk", result="ACCEPTED") == 1


def test_scans_and_card_pages_are_timed_and_answers_told_apart(
    client: FlaskClient, phone: FlaskClient, counted: Callable[..., float]
) -> None:
    scan_at_kiosk(client, shown_code(phone))
    client.post(SCAN, json={"payload": 7}, auth=KIOSK_1)
    phone.get("/card")
    client.get("/no-such-page")
    for part, answer in (("scan", "ok"), ("scan", "refused"), ("card_page", "ok"), ("nowhere", "refused")):
        assert counted("lanekort_request_seconds_count", part=part, answer=answer) == 1, part
        assert counted("lanekort_request_seconds_bucket", part=part, answer=answer, le="+Inf") == 1
    assert counted("lanekort_request_seconds_bucket", part="scan", answer="ok", le="0.3") in (0, 1)


def test_a_fault_of_ours_is_a_request_that_failed(
    app: APIFlask, client: FlaskClient, counted: Callable[..., float]
) -> None:
    app.testing = False
    with app.app_context():
        Patron.__table__.drop(db.engine)
    answer = client.post(SCAN, json={"payload": NOBODYS_CODE}, auth=KIOSK_1)
    assert answer.status_code == 500
    assert counted("lanekort_request_seconds_count", part="scan", answer="failed") == 1


def test_sign_ins_are_counted_by_door_and_outcome(
    client: FlaskClient, app: APIFlask, counted: Callable[..., float]
) -> None:
    log_in(client, *GUARDIAN)
    wrong = app.test_client()
    for _ in range(6):
        log_in(wrong, CHILD[0], "0000")
    desk_log_in(app.test_client())
    for pin in (GUARDIAN[1], "0000"):
        client.post("/api/v1/pin-checks", json={"card_number": GUARDIAN[0], "pin": pin}, auth=SYSTEM)
    client.post(SCAN, json={"payload": "x"}, auth=("2023500", "no password of theirs"))
    for door, outcome, times in (
        ("portal", "right", 1),
        ("portal", "wrong", 5),
        ("portal", "budget", 1),
        ("desk", "right", 1),
        ("pin-check", "right", 1),
        ("pin-check", "wrong", 1),
        ("machine", "wrong", 1),
    ):
        assert counted("lanekort_sign_ins_total", door=door, outcome=outcome) == times, (door, outcome)
    assert counted("lanekort_budget_refusals_total", purpose="sign-in card soon") == 1


def test_slow_hashes_that_wait_and_requests_refused_for_them_are_shown(
    client: FlaskClient, app: APIFlask, counted: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GATE, "seconds", 1.0)
    GATE.inside += 1000
    try:
        assert log_in(client, *GUARDIAN).status_code == 503
        note_process(app)
        assert counted("lanekort_evaluations_refused_total") == 1
        assert value(read(client), "lanekort_evaluations", state="waiting") >= 1000 - GATE.at_once
    finally:
        GATE.inside -= 1000


def test_nothing_of_it_is_asked_on_the_way_of_a_scan(app: APIFlask, client: FlaskClient, phone: FlaskClient) -> None:
    code = shown_code(phone)
    with app.app_context(), statements_sent(db.engine) as sent:
        assert scan_at_kiosk(client, code).json["result"] == "accepted"
    assert sent
    counted = ("messages", "library_notices", "library_queues", "erasures", "last_runs", "access_log_chain")
    assert not [statement for statement in sent if any(table in statement for table in counted)]


def test_where_the_database_does_not_work_it_says_so_and_the_rest_all_the_same(database_url: str) -> None:
    dead = replace(settings_for("postgresql+psycopg://nobody@127.0.0.1:1/none"), metrics_token=TOKEN)
    values = read(create_app(dead).test_client())
    assert value(values, "lanekort_ready") == 0
    assert value(values, "lanekort_scans_total", door="api", result="UNKNOWN") >= 0
    assert not [name for name, _ in values if name == "lanekort_queue_length"]


def test_a_portal_that_is_ready_says_so(client: FlaskClient) -> None:
    assert value(read(client), "lanekort_ready") == 1


class _Dead:
    """A library's system that answers nothing in time."""

    def __init__(self) -> None:
        self.guard = Guard()

    def ask(self, *, slow: bool) -> None:
        def call(_budget: object) -> None:
            raise Unavailable("too_slow" if slow else "no_answer")

        with pytest.raises(Unavailable):
            call_within(1, call, guard=self.guard)


def test_calls_to_libraries_are_counted_and_a_circuit_that_is_open_is_shown(
    app: APIFlask, client: FlaskClient, counted: Callable[..., float]
) -> None:
    dead = _Dead()
    app.extensions["ils"] = Systems({"2023500": dead})
    note_process(app)
    assert value(read(client), "lanekort_library_circuit_open", library="2023500") == 0
    dead.ask(slow=False)
    for _ in range(4):
        dead.ask(slow=True)
    note_process(app)
    assert value(read(client), "lanekort_library_circuit_open", library="2023500") == 1
    for outcome, times in (("no_answer", 1), ("too_slow", 3), ("not_asked", 1)):
        assert counted("lanekort_library_calls_total", library="2023500", outcome=outcome) == times, outcome
    assert counted("lanekort_library_seconds_count", library="2023500") == 4


def test_connections_to_the_database_are_shown(app: APIFlask, client: FlaskClient) -> None:
    with app.app_context(), db.engine.connect():
        note_process(app)
    values = read(client)
    assert value(values, "lanekort_database_connections") == 1
    assert value(values, "lanekort_database_connections_most") == 24


def test_the_workers_duties_are_measured_and_their_failures_counted(
    app: APIFlask, client: FlaskClient, counted: Callable[..., float]
) -> None:
    def fail() -> None:
        raise RuntimeError

    do_duty(app, Duty("keep roots", lambda: None, every=1))
    do_duty(app, Duty("seal access log", fail, every=1))
    assert counted("lanekort_duty_seconds_count", duty="keep roots") == 1
    assert counted("lanekort_duty_failures_total", duty="seal access log") == 1
    ended = {labels for name, labels in read(client) if name == "lanekort_duty_last_end_timestamp_seconds"}
    assert frozenset({("duty", "keep roots")}) in ended
