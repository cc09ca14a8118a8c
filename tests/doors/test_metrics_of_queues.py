"""What waits in the register, as `/metrics` shows it, and how often the database is asked for it."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.ils.webhook import draw_key
from app.register.figures.backlog import QUEUES
from app.register.library.webhooks import listen_at
from app.register.patron.changes import CHANGED, note_change
from app.register.store.transaction import db
from app.register.tables.library import LibraryQueue
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.messages import Urgency
from app.web.metrics import page
from app.work.log_keeping import seal_access_log
from tests.conftest import Clock, MakeApp
from tests.doors.metrics import TOKEN, read, value
from tests.doors.visits import (
    GUARDIAN,
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


def test_what_waits_is_shown_with_its_age(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    began = read(client)
    with app.app_context():
        patron_id = db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN[0]))
        now = clock()
        asked = {"patron_id": patron_id, "kind": "new-pin", "asked_at": now}
        for urgency in Urgency:
            for _ in range(urgency):
                db.session.add(Message(urgency=urgency, due_at=now, queue="email", **asked))
        db.session.add(Message(channel="letter", **asked))
        # One that went out.
        db.session.add(Message(sent_at=now, **asked))
        db.session.execute(update(Patron).where(Patron.id == patron_id).values(erase_at=now, erase_reason="death"))
        db.session.commit()
    clock.turn(seconds=90)
    values = read(client)
    for name, length in (*((urgency.name.lower(), urgency) for urgency in Urgency), ("letter", 1), ("erasure", 1)):
        assert value(values, "lanekort_queue_length", queue=name) == length, name
        assert value(values, "lanekort_queue_oldest_seconds", queue=name) == 90, name
    assert {queue for key, labels in began if key == "lanekort_queue_length" for _, queue in labels} == set(QUEUES)


def test_the_access_log_that_is_not_sealed_is_a_queue_too(
    app: APIFlask, client: FlaskClient, phone: FlaskClient, clock: Clock
) -> None:
    with app.app_context():
        while seal_access_log():
            pass
    assert value(read(client), "lanekort_queue_length", queue="access-log") == 0
    scan_at_kiosk(client, shown_code(phone))
    clock.turn(seconds=40)
    values = read(client)
    assert value(values, "lanekort_queue_length", queue="access-log") == 1
    assert value(values, "lanekort_queue_oldest_seconds", queue="access-log") == 40


def test_notices_that_wait_are_shown_for_each_library(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    with app.app_context():
        listen_at(library_id="2023500", url="https://ils.example.org/notices", key=draw_key(), now=clock())
        patron = db.session.scalars(select(Patron).where(Patron.card_number == GUARDIAN[0])).one()
        for _ in range(3):
            note_change(patron=patron, kind=CHANGED, now=clock())
        db.session.commit()
        db.session.execute(
            update(LibraryQueue)
            .where(LibraryQueue.library_id == "2023500")
            .values(attempts=4, last_delivered_at=clock())
        )
        db.session.commit()
    at = clock().timestamp()
    clock.turn(seconds=3700)
    values = read(client)
    assert value(values, "lanekort_library_notices", library="2023500", by="portal") >= 1
    assert value(values, "lanekort_library_notices_oldest_seconds", library="2023500", by="portal") == 3700
    assert value(values, "lanekort_library_failures", library="2023500") == 4
    assert value(values, "lanekort_library_last_sync_timestamp_seconds", library="2023500") == at


def test_the_last_run_of_retention_is_shown(app: APIFlask, client: FlaskClient, clock: Clock) -> None:
    name = "lanekort_retention_last_run_timestamp_seconds"
    assert value(read(client), name) == 0
    assert app.test_cli_runner().invoke(args=["retention", "run", "--no-rewrite"]).exit_code == 0
    assert value(read(client), name) == clock().timestamp()
    clock.turn(days=1)
    assert app.test_cli_runner().invoke(args=["retention", "run", "--no-rewrite"]).exit_code == 0
    assert value(read(client), name) == clock().timestamp()


def test_the_database_is_asked_at_most_once_in_ten_seconds(
    app: APIFlask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "ANEW_AFTER", 10.0)
    with app.app_context():
        read(client)
        with statements_sent(db.engine) as sent:
            read(client)
            read(client)
        assert sent == []
        monkeypatch.setattr(page, "ANEW_AFTER", 0.0)
        with statements_sent(db.engine) as sent:
            read(client)
        assert sent
