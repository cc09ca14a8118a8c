"""The scan: one winner, the same answer again, refusals that change nothing, and a line in the log or no answer."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import select, text, update

from app.register.card import scans
from app.register.card.cards import KEY_COLUMN, report_lost, revoke_device
from app.register.card.scans import Accepted, scan
from app.register.keys.vault import SecretNotOpened, vault
from app.register.store.transaction import db, reading
from app.register.tables.devices import Credential
from app.register.tables.library import Library
from app.register.tables.log import AccessLogEntry
from app.rules.card.code import Kind, build
from app.rules.card.scan import FAILURES_PER_KEY, FAILURES_PER_TERMINAL, Cause, Reason, Refused
from app.rules.people.ages import AgeBand
from tests.register.counting import statements_sent
from tests.register.people import (
    CHILD,
    GUARDIAN,
    MULLSJO,
    ULLENSAKER,
    code_on,
    count_rows,
    make_phone,
    patron_id,
    read_register,
    terminal,
)

STEP = timedelta(seconds=30)
DRIVER_ERRORS = (sqlite3.Error, psycopg.Error)


@pytest.fixture
def phone(clock) -> int:
    return make_phone(GUARDIAN, now=clock()).id


def changed_tables(before) -> set[str]:
    after = read_register()
    return {table for table, rows in after.items() if rows != before[table]}


def wrong(code: str) -> str:
    """Return the code with another one-time part, one that is right at no step near by."""
    return f"{code[:16]}{(int(code[16:]) + 1) % 10**8:08d}"


def test_a_scan_tells_the_desk_the_minimum(phone, clock):
    accepted = scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock())
    assert isinstance(accepted, Accepted)
    patron = accepted.patron
    assert (patron.name, patron.age_band, patron.home_library) == (
        "Ingrid Solvang",
        AgeBand.ADULT,
        "Ullensaker bibliotek",
    )
    assert (patron.activated_here, patron.device_label) == (True, "Firefox, Android")
    assert (patron.device_since, accepted.expires) == (clock(), clock() + timedelta(minutes=5))


def test_a_scan_says_where_the_card_is_not_activated(clock):
    phone = make_phone(CHILD, now=clock())
    accepted = scan(payload=code_on(phone.id, now=clock()), terminal=terminal(library_id=MULLSJO), now=clock())
    assert isinstance(accepted, Accepted)
    assert not accepted.patron.activated_here
    assert accepted.patron.age_band is AgeBand.CHILD


def test_a_scan_costs_one_look_and_one_write(phone, clock, engine):
    code = code_on(phone, now=clock())
    with statements_sent(db.engine) as sent:
        assert isinstance(scan(payload=code, terminal=terminal(), now=clock()), Accepted)
    words = [statement.split()[0] for statement in sent]
    if engine == "postgresql":
        assert words == ["SELECT", "WITH"]
    else:
        assert words == ["SELECT", "BEGIN", "UPDATE", "INSERT", "INSERT", "COMMIT"]


def test_a_scan_does_not_wait_for_what_its_own_request_has_read(phone, clock):
    code = code_on(phone, now=clock())
    with reading():
        db.session.scalar(select(Library.id).limit(1))
        assert isinstance(scan(payload=code, terminal=terminal(), now=clock()), Accepted)


@pytest.fixture
def race(make_app, clock, monkeypatch):
    """Let scans run at once in two processes' worth of portals; all have looked before the first one writes."""
    portals = [make_app(), make_app()]

    def run(payload, terminals):
        gate = Barrier(len(terminals))
        take_step = scans.take_step

        def take_step_together(connection, taken):
            gate.wait(timeout=300)
            return take_step(connection, taken)

        def present(numbered):
            number, where = numbered
            with portals[number % 2].app_context():
                return scan(payload=payload, terminal=where, now=clock())

        monkeypatch.setattr(scans, "take_step", take_step_together)
        with ThreadPoolExecutor(len(terminals)) as pool:
            return list(pool.map(present, enumerate(terminals)))

    return run


def test_of_twenty_terminals_racing_for_one_step_one_wins(phone, clock, race):
    outcomes = race(code_on(phone, now=clock()), [terminal(number) for number in range(20)])
    winners = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    losers = [outcome for outcome in outcomes if outcome == Refused(Reason.REPLAY)]
    assert (len(winners), len(losers)) == (1, 19)
    assert (count_rows("presented_steps"), count_rows("access_log")) == (1, 1)


def test_a_terminal_racing_with_itself_gets_one_session(phone, clock, race):
    outcomes = race(code_on(phone, now=clock()), [terminal()] * 10)
    assert len({outcome.session for outcome in outcomes}) == 1
    assert count_rows("presented_steps") == 1


def test_the_same_terminal_gets_the_same_session_again(phone, clock):
    code = code_on(phone, now=clock())
    first = scan(payload=code, terminal=terminal(), now=clock())
    again = scan(payload=code, terminal=terminal(), now=clock.turn(seconds=10))
    assert isinstance(first, Accepted)
    assert again == first


def test_another_terminal_is_told_to_wait_for_the_next_code(phone, clock):
    code = code_on(phone, now=clock())
    assert isinstance(scan(payload=code, terminal=terminal(1), now=clock()), Accepted)
    assert scan(payload=code, terminal=terminal(2), now=clock()) == Refused(Reason.REPLAY)
    later = clock() + STEP
    assert isinstance(scan(payload=code_on(phone, now=later), terminal=terminal(2), now=later), Accepted)


def test_the_sessions_of_two_steps_are_two(phone, clock):
    sessions = set()
    for _ in range(2):
        sessions.add(scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock()).session)
        clock.turn(seconds=30)
    assert len(sessions) == 2


def test_a_phone_whose_clock_is_behind_is_known_by_it_the_next_time(phone, clock):
    slow = clock() - STEP
    assert isinstance(scan(payload=code_on(phone, now=slow), terminal=terminal(), now=clock()), Accepted)
    later = clock.turn(seconds=3600)
    slower = later - 2 * STEP
    assert isinstance(scan(payload=code_on(phone, now=slower), terminal=terminal(), now=later), Accepted)


def test_a_device_is_revoked_from_that_second_on(phone, clock):
    code = code_on(phone, now=clock())
    revoke_device(patron_id=patron_id(GUARDIAN), device_id=phone, now=clock())
    db.session.commit()
    assert scan(payload=code, terminal=terminal(), now=clock()) == Refused(Reason.REVOKED)


def test_a_device_that_is_revoked_between_look_and_write_is_refused(phone, clock, monkeypatch):
    code, owner = code_on(phone, now=clock()), patron_id(GUARDIAN)
    take_step = scans.take_step

    def revoke_first(connection, taken):
        revoke_device(patron_id=owner, device_id=phone, now=clock())
        db.session.commit()
        return take_step(connection, taken)

    monkeypatch.setattr(scans, "take_step", revoke_first)
    assert scan(payload=code, terminal=terminal(), now=clock()) == Refused(Reason.REVOKED)
    assert (count_rows("presented_steps"), count_rows("access_log")) == (0, 0)


def test_one_revoked_phone_leaves_the_other_one_good(phone, clock):
    other = make_phone(GUARDIAN, now=clock(), token="another phone's token").id
    revoke_device(patron_id=patron_id(GUARDIAN), device_id=phone, now=clock())
    db.session.commit()
    assert isinstance(scan(payload=code_on(other, now=clock()), terminal=terminal(), now=clock()), Accepted)


def test_a_lost_card_is_blocked_and_staff_are_told_why(phone, clock):
    code = code_on(phone, now=clock())
    report_lost(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    assert scan(payload=code, terminal=terminal(), now=clock()) == Refused(Reason.REVOKED, Cause.CARD_LOST)


def test_a_card_that_was_not_renewed_has_expired(phone, clock):
    now = clock.turn(days=90)
    digits = build(kind=Kind.ROTATING, credential=db.session.scalars(select(Credential.number)).one(), totp="00000000")
    db.session.rollback()
    assert scan(payload=digits, terminal=terminal(), now=now) == Refused(Reason.EXPIRED)


def test_a_refusal_changes_nothing_but_how_many_there_were(phone, clock):
    code = code_on(phone, now=clock())
    unknown = build(kind=Kind.ROTATING, credential=f"{(int(code[3:15]) + 1) % 10**12:012d}", totp=code[16:])
    swapped_kind = build(kind=Kind.STATIC, credential=code[3:15])
    old = code_on(phone, now=clock() - 3 * STEP)
    assert isinstance(scan(payload=code, terminal=terminal(1), now=clock()), Accepted)
    before = read_register()
    for payload, reason in [
        ("9781234567897", Reason.NOT_OURS),
        (code[:15] + str((int(code[15]) + 1) % 10) + code[16:], Reason.MISREAD),
        (unknown, Reason.UNKNOWN),
        (swapped_kind, Reason.UNKNOWN),
        (old, Reason.CLOCK),
        (code, Reason.REPLAY),
    ]:
        assert scan(payload=payload, terminal=terminal(2), now=clock()) == Refused(reason)
    assert changed_tables(before) == {"library_totals"}


def test_a_wrong_code_changes_the_counters_and_nothing_else(phone, clock):
    code = code_on(phone, now=clock())
    before = read_register()
    refused = scan(payload=wrong(code), terminal=terminal(), now=clock())
    assert refused == Refused(Reason.UNKNOWN, Cause.WRONG_CODE)
    assert changed_tables(before) == {"attempt_counts", "credentials", "library_totals"}
    assert isinstance(scan(payload=code, terminal=terminal(), now=clock()), Accepted)


def test_ten_wrong_codes_at_a_terminal_throttle_it_there_for_ten_minutes(phone, clock):
    for _ in range(FAILURES_PER_TERMINAL):
        refused = scan(payload=wrong(code_on(phone, now=clock())), terminal=terminal(1), now=clock())
        assert refused.reason is Reason.UNKNOWN
    code = code_on(phone, now=clock())
    assert scan(payload=code, terminal=terminal(1), now=clock()) == Refused(Reason.THROTTLED)
    assert isinstance(scan(payload=code, terminal=terminal(2), now=clock()), Accepted)
    now = clock.turn(seconds=599)
    assert scan(payload=code_on(phone, now=now), terminal=terminal(1), now=now) == Refused(Reason.THROTTLED)
    now = clock.turn(seconds=1)
    assert isinstance(scan(payload=code_on(phone, now=now), terminal=terminal(1), now=now), Accepted)


def test_a_hundred_wrong_codes_in_all_revoke_the_key(phone, clock):
    code = code_on(phone, now=clock())
    terminals = [terminal(n) for n in range(FAILURES_PER_KEY // FAILURES_PER_TERMINAL)]
    db.session.execute(update(Credential).values(failures=FAILURES_PER_KEY - len(terminals)))
    db.session.commit()
    for where in terminals:
        assert scan(payload=wrong(code), terminal=where, now=clock()).reason is Reason.UNKNOWN
    assert scan(payload=code, terminal=terminal(99), now=clock()) == Refused(Reason.REVOKED)


def test_a_look_is_written_down_with_the_acceptance(phone, clock):
    scan(payload=code_on(phone, now=clock()), terminal=terminal(), now=clock())
    owner = patron_id(GUARDIAN)
    line = db.session.scalars(select(AccessLogEntry)).one()
    assert (line.patron_id, line.library_id, line.at) == (owner, ULLENSAKER, clock())
    assert (line.role, line.actor, line.purpose) == ("kiosk", "2023500-kiosk1", "scan")
    assert line.fields == "name, age band, home library, device"


def test_every_look_is_written_down_also_the_second_at_the_same_terminal(phone, clock):
    code = code_on(phone, now=clock())
    for looks in (1, 2, 3):
        scan(payload=code, terminal=terminal(), now=clock())
        assert count_rows("access_log") == looks


def rename(table: str, new_name: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {new_name}"))


def test_without_a_line_in_the_log_there_is_no_answer_and_the_step_stays_free(phone, clock):
    code = code_on(phone, now=clock())
    rename("access_log", "access_log_away")
    with pytest.raises(DRIVER_ERRORS):
        scan(payload=code, terminal=terminal(1), now=clock())
    rename("access_log_away", "access_log")
    assert (count_rows("presented_steps"), count_rows("access_log")) == (0, 0)
    assert isinstance(scan(payload=code, terminal=terminal(2), now=clock()), Accepted)


def test_without_a_line_in_the_log_the_same_answer_is_not_given_again_either(phone, clock):
    code = code_on(phone, now=clock())
    scan(payload=code, terminal=terminal(), now=clock())
    rename("access_log", "access_log_away")
    with pytest.raises(DRIVER_ERRORS):
        scan(payload=code, terminal=terminal(), now=clock())


def test_a_static_code_is_accepted_only_where_its_library_allows_it(clock):
    number = "123456789012"
    db.session.add(
        Credential(
            number=number,
            patron_id=patron_id(GUARDIAN),
            kind=Kind.STATIC,
            sealed_key=vault.seal(bytes(20), column=KEY_COLUMN),
            issued_at=clock(),
            expires_at=clock() + timedelta(days=90),
        )
    )
    db.session.execute(update(Library).where(Library.id == MULLSJO).values(static_codes=True))
    db.session.commit()
    code = build(kind=Kind.STATIC, credential=number)
    assert scan(payload=code, terminal=terminal(), now=clock()) == Refused(Reason.STATIC_FORBIDDEN)
    accepted = scan(payload=code, terminal=terminal(library_id=MULLSJO), now=clock())
    assert isinstance(accepted, Accepted)
    assert accepted.patron.device_label == ""


def test_a_key_that_was_altered_opens_for_nobody(phone, clock):
    code = code_on(phone, now=clock())
    key = db.session.scalars(select(Credential.sealed_key)).one()
    db.session.execute(update(Credential).values(sealed_key=key[:-1] + bytes([key[-1] ^ 1])))
    db.session.commit()
    with pytest.raises(SecretNotOpened):
        scan(payload=code, terminal=terminal(), now=clock())
    assert count_rows("access_log") == 0
