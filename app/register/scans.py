"""The scan: the hot path. One look-up, one conditional write with its log line, one commit, no ORM objects.

Sources: the card protocol (docs/card.md), RFC 6238 §5.2 (a code counts once).
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Date, LargeBinary, Row, bindparam, text

from app.register.access_log import Looker
from app.register.budgets import count_try
from app.register.cards import KEY_COLUMN
from app.register.tables import UtcInstant
from app.register.transaction import db, direct_connection
from app.register.vault import vault
from app.rules.ages import AgeBand, age_band, day_in_norway
from app.rules.card_code import Misread, NotOurs, parse
from app.rules.scan import (
    FAILURE_WINDOW_SECONDS,
    FAILURES_PER_KEY,
    SESSION_SECONDS,
    Again,
    Cause,
    Known,
    Reason,
    Refused,
    judge,
)

_log = structlog.get_logger()

_PURPOSE = "scan"
_FIELDS = "name, age band, home library, device"

_FIND = text(
    """
    SELECT c.id, c.kind, c.sealed_key, c.revoked_at, c.expires_at, c.issued_at, c.last_step, c.drift,
           p.id AS patron_id, p.card_number, p.name, p.birth_date, p.card_state, home.name AS home_library,
           d.label, s.terminal AS last_terminal, s.session AS last_session, s.expires_at AS session_expires,
           a.library_id IS NOT NULL AS activated, f.taken AS failures, f.since AS failing_since,
           here.static_codes AS static_allowed
    FROM credentials c
    JOIN patrons p ON p.id = c.patron_id
    JOIN libraries home ON home.id = p.home_library_id
    JOIN libraries here ON here.id = :library_id
    LEFT JOIN devices d ON d.id = c.device_id
    LEFT JOIN presented_steps s ON s.credential_id = c.id AND s.step = c.last_step
    LEFT JOIN affiliations a ON a.patron_id = p.id AND a.library_id = here.id
    LEFT JOIN attempt_counts f ON f.purpose = 'scan' AND f.subject = :failing
    WHERE c.number = :credential
    """
).columns(
    sealed_key=LargeBinary,
    revoked_at=UtcInstant,
    expires_at=UtcInstant,
    issued_at=UtcInstant,
    birth_date=Date,
    session_expires=UtcInstant,
    failing_since=UtcInstant,
)

_TAKE = """
    UPDATE credentials SET last_step = :step, drift = :drift
    WHERE id = :id AND last_step < :step AND revoked_at IS NULL
"""
_REMEMBER = """
    INSERT INTO presented_steps
        (credential_id, step, patron_id, library_id, terminal, session, presented_at, expires_at)
"""
_WRITE_DOWN = "INSERT INTO access_log (at, patron_id, library_id, role, actor, purpose, fields)"
_REMEMBERED = ":id, :step, :patron_id, :library_id, :terminal, :session, :now, :expires_at"
_WRITTEN = ":now, :patron_id, :library_id, :role, :actor, :purpose, :fields"


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a code is shown: `scope` owns the step, `looker` goes into the access log."""

    scope: str
    looker: Looker
    library_id: str


@dataclass(frozen=True, slots=True)
class ScannedPatron:
    """The minimum a desk or kiosk is told; the card number is for asking the library's own system."""

    id: int
    card_number: str
    name: str
    age_band: AgeBand
    home_library: str
    activated_here: bool
    device_label: str
    device_since: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The code was right. `session` names the patron to this library until `expires` (UTC)."""

    session: str
    expires: datetime
    patron: ScannedPatron


def scan(*, payload: str, terminal: Terminal, now: datetime) -> Accepted | Refused:
    """Judge a scanned code, take its step, and write down who looked; all of it or nothing."""
    try:
        code = parse(payload)
    except NotOurs:
        return Refused(Reason.NOT_OURS)
    except Misread:
        return Refused(Reason.MISREAD)
    # Nothing may be held open by the request while the step is taken on a connection of its own.
    db.session.rollback()
    failing = vault.subject(f"scan:{code.credential}:{terminal.scope}")
    asked = {"credential": code.credential, "library_id": terminal.library_id, "failing": failing}
    with direct_connection() as connection:
        # A second look is needed only where another terminal took the step between the look and the write.
        for _ in range(2):
            row = connection.execute(_FIND, asked).first()
            verdict = judge(code=code, known=_known(row, now), terminal=terminal.scope, now=now)
            if isinstance(verdict, Refused):
                if row is not None and verdict.cause is Cause.WRONG_CODE:
                    _count_failure(connection, row=row, failing=failing, now=now)
                return verdict
            assert row is not None
            if isinstance(verdict, Again):
                _write_down_again(connection, row=row, terminal=terminal, now=now)
                return _accepted(row, session=row.last_session, expires=row.session_expires, now=now)
            session = secrets.token_urlsafe(24)
            expires = now + timedelta(seconds=SESSION_SECONDS)
            taken = {
                "id": row.id,
                "step": verdict.step,
                "drift": verdict.drift,
                "terminal": terminal.scope,
                "session": session,
                "expires_at": expires,
                **_look(row=row, terminal=terminal, now=now),
            }
            if _take_step(connection, taken):
                return _accepted(row, session=session, expires=expires, now=now)
    return Refused(Reason.REPLAY)


def _known(row: Row[Any] | None, now: datetime) -> Known | None:
    if row is None:
        return None
    window = timedelta(seconds=FAILURE_WINDOW_SECONDS)
    return Known(
        kind=row.kind,
        key=vault.open(row.sealed_key, column=KEY_COLUMN),
        revoked=row.revoked_at is not None,
        expires_at=row.expires_at.timestamp(),
        card_lost=row.card_state != "active",
        static_allowed=bool(row.static_allowed),
        failures_here=row.failures if row.failures and row.failing_since > now - window else 0,
        last_step=row.last_step,
        last_terminal=row.last_terminal,
        drift=row.drift,
    )


def _look(*, row: Row[Any], terminal: Terminal, now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "patron_id": row.patron_id,
        "library_id": terminal.library_id,
        "role": terminal.looker.role,
        "actor": terminal.looker.actor,
        "purpose": _PURPOSE,
        "fields": _FIELDS,
    }


_INSTANTS = (bindparam("now", type_=UtcInstant()), bindparam("expires_at", type_=UtcInstant()))
_TAKE_IN_ONE = text(
    f"""
    WITH taken AS ({_TAKE} RETURNING id),
         remembered AS ({_REMEMBER} SELECT {_REMEMBERED} FROM taken)
    {_WRITE_DOWN} SELECT {_WRITTEN} FROM taken
    """  # noqa: S608 - put together from the constants above
).bindparams(*_INSTANTS)
_TAKE_ALONE = text(_TAKE)
_REMEMBER_ALONE = text(f"{_REMEMBER} VALUES ({_REMEMBERED})").bindparams(*_INSTANTS)
_WRITE_DOWN_ALONE = text(f"{_WRITE_DOWN} VALUES ({_WRITTEN})").bindparams(_INSTANTS[0])


def _take_step(connection: Connection, taken: dict[str, Any]) -> bool:
    """Take the step if it is still free. PostgreSQL does it in one statement, and so in one journey and commit."""
    if connection.dialect.name == "postgresql":
        return connection.execute(_TAKE_IN_ONE, taken).rowcount == 1
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        free = connection.execute(_TAKE_ALONE, taken).rowcount == 1
        if free:
            connection.execute(_REMEMBER_ALONE, taken)
            connection.execute(_WRITE_DOWN_ALONE, taken)
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    return free


def _write_down_again(connection: Connection, *, row: Row[Any], terminal: Terminal, now: datetime) -> None:
    connection.execute(_WRITE_DOWN_ALONE, _look(row=row, terminal=terminal, now=now))


_COUNT_IN_ALL = text("UPDATE credentials SET failures = failures + 1 WHERE id = :id RETURNING failures")
_ASK_FOR_NEW_KEY = text("UPDATE credentials SET revoked_at = :now WHERE id = :id").bindparams(
    bindparam("now", type_=UtcInstant())
)


def _count_failure(connection: Connection, *, row: Row[Any], failing: str, now: datetime) -> None:
    count_try(connection, purpose="scan", subject=failing, seconds=FAILURE_WINDOW_SECONDS, now=now)
    failures = connection.execute(_COUNT_IN_ALL, {"id": row.id}).scalar_one()
    if failures >= FAILURES_PER_KEY:
        connection.execute(_ASK_FOR_NEW_KEY, {"id": row.id, "now": now})
        _log.warning("card key guessed at", credential_id=row.id, failures=failures)


def _accepted(row: Row[Any], *, session: str, expires: datetime, now: datetime) -> Accepted:
    birth_date: date = row.birth_date
    patron = ScannedPatron(
        id=row.patron_id,
        card_number=row.card_number,
        name=row.name,
        age_band=age_band(birth_date=birth_date, day=day_in_norway(now)),
        home_library=row.home_library,
        activated_here=bool(row.activated),
        device_label=row.label or "",
        device_since=row.issued_at.astimezone(UTC),
    )
    return Accepted(session=session, expires=expires, patron=patron)
