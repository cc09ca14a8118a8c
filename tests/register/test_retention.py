"""What is kept for a time only goes when its time is over, not before, and going twice is going once."""

from datetime import timedelta

import pytest

from app.register.access_log import Looker, write_down
from app.register.budgets import take_tries
from app.register.cards import issue_card
from app.register.devices import admit_device
from app.register.outbox import FAMILY_ADVICE_TO_CHILD, ask_for_message
from app.register.retention import (
    ACCESS_LOG,
    ATTEMPT_COUNTS,
    EXPIRED_CREDENTIALS,
    PRESENTED_STEPS,
    SENT_MESSAGES,
    purge,
)
from app.register.scans import scan
from app.register.sessions import DESK, start_session
from app.register.tables import Message
from app.register.transaction import db
from app.rules.pin import SOURCE
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
        looker = Looker(role="kiosk", actor="2023500-kiosk1", library_id=ULLENSAKER)
        write_down(patron_id=patron_id(GUARDIAN), looker=looker, purpose="scan", fields="name", now=clock())
        return clock() + ACCESS_LOG

    return {
        "messages": message,
        "presented_steps": presented_step,
        "attempt_counts": attempt_count,
        "sessions": session,
        "credentials": credential,
        "access_log": access_log,
    }


@pytest.mark.parametrize(
    "table", ["messages", "presented_steps", "attempt_counts", "sessions", "credentials", "access_log"]
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


def test_a_device_goes_with_its_last_card_and_not_while_a_session_is_open_on_it(clock):
    phone = make_phone(GUARDIAN, now=clock()).id
    over = clock() + timedelta(days=90) + EXPIRED_CREDENTIALS
    assert purge_at(over - SECOND)["devices"] == 0
    start_session(lasting=DESK, now=over, patron_id=patron_id(GUARDIAN), device_id=phone)
    db.session.commit()
    assert purge_at(over)["devices"] == 0
    assert purge_at(over + timedelta(days=1))["devices"] == 1


def test_nothing_else_is_ever_purged(clock):
    kept = ("patrons", "affiliations", "national_id_tokens", "pin_verifiers", "libraries", "staff", "machines")
    before = [count_rows(table) for table in kept]
    assert all(before)
    purge_at(clock() + timedelta(days=36500))
    assert [count_rows(table) for table in kept] == before


def test_the_operators_command_does_it_and_says_what_went(app, clock, one_of):
    clock.instant = one_of["access_log"]()
    result = app.test_cli_runner().invoke(args=["retention", "run"])
    assert result.exit_code == 0
    assert "access_log: 1" in result.stdout
    assert count_rows("access_log") == 0
