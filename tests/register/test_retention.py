"""What is kept for a time only goes when its time is over, not before, and going twice is going once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.register.card.cards import issue_card
from app.register.card.scans import scan
from app.register.desk.visits import open_visit
from app.register.leaving.erasure import erase_patron
from app.register.leaving.retention import (
    ACCESS_LOG,
    ANSWERED_NOTICES,
    ATTEMPT_COUNTS,
    DESK_VISITS,
    ERASURES,
    EXPIRED_CREDENTIALS,
    FORMER_ADDRESSES,
    MACHINE_ANSWERS,
    NOTICES,
    PIN_ORDERS,
    PRESENTED_STEPS,
    SENT_MESSAGES,
    purge,
)
from app.register.library.kept_answers import KeptAnswer, keep_answer, take_key
from app.register.library.notices import mark_delivered
from app.register.limits.budgets import take_tries
from app.register.log.access_log import Viewer, log_access
from app.register.messages.outbox import ask_for_message
from app.register.patron.proven import EMAIL
from app.register.sign_in.devices import admit_device
from app.register.sign_in.one_time import LINK_LASTS, draw_link
from app.register.sign_in.sessions import DESK, start_session
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue, Machine
from app.register.tables.log import Erasure
from app.register.tables.messages import Message, PinOrder
from app.rules.messages import CONTACT_CHANGED, FAMILY_ADVICE_TO_CHILD
from app.rules.pins.pin import SOURCE
from tests.register.people import GUARDIAN, ULLENSAKER, code_on, count_rows, make_phone, patron_id, terminal

SECOND = timedelta(seconds=1)


def purge_at(now) -> dict[str, int]:
    gone = purge(now=now)
    db.session.commit()
    return gone


@pytest.fixture
def one_of(clock):
    """Leave one row behind in the table that is named, at this instant. Returns the end of its time."""

    def message():
        ask_for_message(patron_id=patron_id(GUARDIAN), kind=FAMILY_ADVICE_TO_CHILD, now=clock())
        db.session.commit()
        with db.engine.begin() as connection:
            connection.execute(Message.__table__.update().values(due_at=None, sent_at=clock()))
        return clock() + SENT_MESSAGES

    def presented_step():
        phone = make_phone(GUARDIAN, now=clock()).id
        scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock())
        return clock() + PRESENTED_STEPS

    def attempt_count():
        take_tries(tries=[(SOURCE, "203.0.113.7")], now=clock())
        return clock() + ATTEMPT_COUNTS

    def session():
        start_session(lasting=DESK, now=clock(), staff_id=1)
        db.session.commit()
        return clock() + timedelta(seconds=DESK.absolute)

    def credential():
        owner = patron_id(GUARDIAN)
        device = admit_device(patron_id=owner, token="a token", label="Firefox, Linux", now=clock())
        expires_at = clock() + timedelta(hours=12)
        issue_card(patron_id=owner, device_id=device.id, expires_at=expires_at, now=clock())
        db.session.commit()
        return expires_at + EXPIRED_CREDENTIALS

    def access_log():
        viewer = Viewer(role="kiosk", actor="2023500-kiosk1", library_id=ULLENSAKER)
        log_access(patron_id=patron_id(GUARDIAN), viewer=viewer, purpose="scan", fields="name", now=clock())
        return clock() + ACCESS_LOG

    def desk_visit():
        open_visit(patron_id=patron_id(GUARDIAN), terminal=terminal(), now=clock())
        db.session.commit()
        return clock() + DESK_VISITS

    def one_time_secret():
        draw_link(patron_id=patron_id(GUARDIAN), lasting=LINK_LASTS, now=clock())
        db.session.commit()
        return clock() + LINK_LASTS

    def pin_order():
        db.session.add(PinOrder(sealed_number=b"sealed", asked_at=clock()))
        db.session.commit()
        return clock() + PIN_ORDERS

    def machine_answer():
        take_key(username=ULLENSAKER, key="a key", asked="a request", now=clock())
        keep_answer(KeptAnswer(201, {}, None, None), username=ULLENSAKER, key="a key")
        db.session.commit()
        return clock() + MACHINE_ANSWERS

    def erasure():
        db.session.add(Erasure(receipt_hash="0" * 64, reason="asked", erased_at=clock()))
        db.session.commit()
        return clock() + ERASURES

    return {
        "desk_visits": desk_visit,
        "one_time_secrets": one_time_secret,
        "pin_orders": pin_order,
        "machine_answers": machine_answer,
        "erasures": erasure,
        "messages": message,
        "presented_steps": presented_step,
        "attempt_counts": attempt_count,
        "sessions": session,
        "credentials": credential,
        "access_log": access_log,
    }


@pytest.mark.parametrize(
    "table",
    [
        "access_log",
        "attempt_counts",
        "credentials",
        "desk_visits",
        "erasures",
        "machine_answers",
        "messages",
        "one_time_secrets",
        "pin_orders",
        "presented_steps",
        "sessions",
    ],
)
def test_a_row_stays_until_its_time_is_over_and_then_goes(one_of, table):
    over = one_of[table]()
    assert purge_at(over - SECOND)[table] == 0
    assert count_rows(table) == 1
    assert purge_at(over)[table] == 1
    assert count_rows(table) == 0


def test_a_second_purge_finds_nothing_left(one_of):
    over = max(leave() for leave in one_of.values())
    assert sum(purge_at(over).values()) >= len(one_of)
    assert set(purge_at(over).values()) == {0}


def test_a_message_that_is_still_to_be_sent_stays(clock):
    ask_for_message(patron_id=patron_id(GUARDIAN), kind=FAMILY_ADVICE_TO_CHILD, now=clock())
    db.session.commit()
    assert purge_at(clock() + timedelta(days=1000))["messages"] == 0


def test_a_former_address_to_which_nothing_could_be_sent_is_kept_for_a_month(clock):
    whose = patron_id(GUARDIAN)
    ask_for_message(patron_id=whose, kind=CONTACT_CHANGED, channel=EMAIL, to="before@example.org", now=clock())
    ask_for_message(patron_id=whose, kind=CONTACT_CHANGED, now=clock())
    db.session.commit()
    over = clock() + FORMER_ADDRESSES
    assert purge_at(over - SECOND)["messages"] == 0
    assert purge_at(over)["messages"] == 1
    assert db.session.scalars(select(Message.sealed_to)).all() == [None]


def notices() -> int:
    return count_rows("library_notices")


def test_a_notice_goes_ninety_days_after_the_librarys_answer(clock):
    first, *_others = db.session.scalars(select(LibraryNotice).order_by(LibraryNotice.id)).all()
    library_id, seq, before = first.library_id, first.seq, notices()
    mark_delivered(notice_id=first.id, now=clock())
    over = clock() + ANSWERED_NOTICES
    assert purge_at(over - SECOND)["library_notices"] == 0
    assert purge_at(over)["library_notices"] == 1
    assert notices() == before - 1
    assert db.session.get_one(LibraryQueue, library_id).purged_seq == seq


def test_a_notice_that_no_library_answers_goes_after_a_year(clock):
    before = notices()
    over = clock() + NOTICES
    assert before > 0
    assert purge_at(over - SECOND)["library_notices"] == 0
    assert purge_at(over)["library_notices"] == before
    db.session.expire_all()
    for queue in db.session.scalars(select(LibraryQueue)):
        assert queue.purged_seq == queue.last_seq


def test_a_receipt_is_there_as_long_as_it_says(clock):
    erase_patron(patron_id=patron_id(GUARDIAN), reason="asked", now=clock())
    db.session.commit()
    over = clock() + ERASURES
    assert purge_at(over - SECOND)["erasures"] == 0
    assert purge_at(over)["erasures"] == 1


def test_a_former_password_of_a_machine_is_forgotten_when_it_works_no_longer(clock):
    machine = db.session.scalars(select(Machine)).first()
    machine.former_token, machine.former_until = "0" * 64, clock() + timedelta(days=7)
    username = machine.username
    db.session.commit()
    purge_at(clock() + timedelta(days=7) - SECOND)
    assert db.session.get_one(Machine, username).former_token is not None
    db.session.rollback()
    purge_at(clock() + timedelta(days=7))
    assert db.session.get_one(Machine, username).former_token is None


def test_many_rows_go_in_batches_and_none_is_left_over(clock, monkeypatch):
    monkeypatch.setattr("app.register.leaving.retention.BATCH", 3)
    for number in range(10):
        take_tries(tries=[(SOURCE, f"203.0.113.{number}")], now=clock() + timedelta(seconds=number % 2))
    assert purge_at(clock() + ATTEMPT_COUNTS)["attempt_counts"] == 5
    assert purge_at(clock() + ATTEMPT_COUNTS + SECOND)["attempt_counts"] == 5
    assert count_rows("attempt_counts") == 0


def test_runs_at_the_same_moment_delete_each_row_once(app, clock, monkeypatch):
    monkeypatch.setattr("app.register.leaving.retention.BATCH", 5)
    for number in range(40):
        take_tries(tries=[(SOURCE, f"203.0.113.{number}")], now=clock())

    def run():
        with app.app_context():
            return purge(now=clock() + ATTEMPT_COUNTS)["attempt_counts"]

    with ThreadPoolExecutor(4) as pool:
        gone = [future.result() for future in [pool.submit(run) for _ in range(4)]]
    purge_at(clock() + ATTEMPT_COUNTS)
    assert sum(gone) <= 40
    assert count_rows("attempt_counts") == 0


def test_a_device_goes_with_its_last_card_and_not_while_a_session_is_open_on_it(clock):
    phone = make_phone(GUARDIAN, now=clock()).id
    over = clock() + timedelta(days=90) + EXPIRED_CREDENTIALS
    assert purge_at(over - SECOND)["devices"] == 0
    start_session(lasting=DESK, now=over, patron_id=patron_id(GUARDIAN), device_id=phone)
    db.session.commit()
    assert purge_at(over)["devices"] == 0
    assert purge_at(over + timedelta(days=1))["devices"] == 1


def test_nothing_else_is_ever_purged(clock):
    kept = (
        "patrons",
        "affiliations",
        "issued_numbers",
        "national_id_tokens",
        "pin_verifiers",
        "libraries",
        "staff",
        "machines",
    )
    before = [count_rows(table) for table in kept]
    assert all(before)
    purge_at(clock() + timedelta(days=36500))
    assert [count_rows(table) for table in kept] == before


def test_the_operators_command_does_it_and_says_what_went(app, clock, one_of):
    clock.instant = one_of["access_log"]()
    for expected in (1, 0):
        result = app.test_cli_runner().invoke(args=["retention", "run"])
        assert result.exit_code == 0, result.output
        assert f"access_log: {expected}" in result.stdout
        assert "tables left: 0" in result.stdout
    assert count_rows("access_log") == 0


def test_the_operator_may_leave_the_tables_as_they_are(app):
    result = app.test_cli_runner().invoke(args=["retention", "run", "--no-rewrite"])
    assert result.exit_code == 0
    assert "warned: 0, erased: 0" in result.stdout
    assert "tables left" not in result.stdout
