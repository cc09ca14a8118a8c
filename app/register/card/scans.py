"""The scan: the hot path. One look-up, one conditional write with its log line, one commit, no ORM objects.

Sources: the card protocol (docs/card.md), RFC 6238 §5.2 (a code counts once).
"""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import bindparam, literal_column, text
from sqlalchemy.orm import aliased

from app.register.card.cards import KEY_COLUMN
from app.register.card.steps import log_again, take_step
from app.register.keys.vault import vault
from app.register.limits.budgets import count_try
from app.register.log.access_log import Terminal, check_log_words
from app.register.log.proofs import body_of, prove
from app.register.patron.card_status import state_at
from app.register.staff.machine_use import SEEN_EVERY
from app.register.staff.machines import SignedInMachine, machine_token, scope_of, terminal_of
from app.register.store.driver import DriverConnection, Statement, autonomous_driver, read_instant
from app.register.store.transaction import autonomous
from app.register.tables.columns import UtcInstant
from app.register.tables.patrons import Patron
from app.register.totals.counting import count_at_once
from app.rules.card import scan as scan_rules
from app.rules.card.code import CardCode, Misread, NotOurs, parse
from app.rules.card.status import State
from app.rules.clocks import noted
from app.rules.library.figures import Kind
from app.rules.people.ages import AgeBand, age_band, day_in_norway

_log = structlog.get_logger()

_PURPOSE = "scan"
_FIELDS = "name, age band, home library, device"
# The entry is written without the functions of access_log.py, to be one statement with the rest.
check_log_words(purpose=_PURPOSE, fields=_FIELDS)

_STATE = state_at(literal_column("here.id"), aliased(Patron, name="p")).compile(compile_kwargs={"literal_binds": True})
_COLUMNS = f"""
    c.id, c.kind, c.sealed_key, c.revoked_at, c.expires_at, c.issued_at, c.last_step, c.drift,
    p.id AS patron_id, p.card_number, p.name, p.birth_date,
    {_STATE} AS state, home.name AS home_library,
    d.label, d.patron_id <> p.id AS carried,
    s.terminal AS last_terminal, s.session AS last_session, s.presented_at AS last_presented_at,
    s.expires_at AS session_expires,
    a.library_id IS NOT NULL AS activated, f.taken AS failures, f.since AS failing_since,
    here.static_codes AS static_allowed
"""
_BESIDE = """
    LEFT JOIN devices d ON d.id = c.device_id
    LEFT JOIN presented_steps s ON s.credential_id = c.id AND s.step = c.last_step
    LEFT JOIN affiliations a ON a.patron_id = p.id AND a.library_id = here.id
    LEFT JOIN attempt_counts f ON f.purpose = 'scan' AND f.subject =
"""
_FIND = Statement(f"""
    SELECT {_COLUMNS}
    FROM credentials c
    JOIN patrons p ON p.id = c.patron_id
    JOIN libraries home ON home.id = p.home_library_id
    JOIN libraries here ON here.id = :library_id
    {_BESIDE} :failing
    WHERE c.number = :credential
""")  # noqa: S608 - put together from constants
# Outer joins keep the order: without the right password nothing of the credential is looked at, and so it takes as long
# whether or not there is one.
SIGN_IN_AND_FIND = Statement(f"""
    SELECT {_COLUMNS}, m.library_id, m.kind
    FROM machines m
    JOIN libraries here ON here.id = m.library_id
    LEFT JOIN credentials c ON c.number = :credential
    LEFT JOIN patrons p ON p.id = c.patron_id
    LEFT JOIN libraries home ON home.id = p.home_library_id
    {_BESIDE} CASE m.kind WHEN 'kiosk' THEN :failing_kiosk ELSE :failing_system END
    WHERE m.username = :username AND m.kind IN ('kiosk', 'system')
      AND (m.password_token = :token OR (m.former_token = :token AND m.former_until > :now))
      AND m.last_seen_at > :seen AND m.last_seen_at <= :now
""")  # noqa: S608 - put together from constants


class _Found(NamedTuple):
    """A row of `_FIND`, in its order. Instants and days are as the driver returns them."""

    id: int
    kind: int
    sealed_key: bytes
    revoked_at: Any
    expires_at: Any
    issued_at: Any
    last_step: int
    drift: int
    patron_id: int
    card_number: str
    name: str
    birth_date: Any
    state: str
    home_library: str
    label: str | None
    carried: bool | None
    last_terminal: str | None
    last_session: str | None
    last_presented_at: Any
    session_expires: Any
    activated: bool
    failures: int | None
    failing_since: Any
    static_allowed: bool


@dataclass(frozen=True, slots=True)
class ScannedPatron:
    """The minimum that a desk or kiosk gets; the card number is for asking the library's own system."""

    id: int
    card_number: str
    name: str
    age_band: AgeBand
    home_library: str
    activated_here: bool
    device_label: str
    device_since: datetime
    carried_by_guardian: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The code was right. `session` identifies the patron to this library until `expires` (UTC)."""

    session: str
    expires: datetime
    patron: ScannedPatron


def scan(*, payload: str, terminal: Terminal, now: datetime) -> Accepted | scan_rules.Refused:
    """Judge a scanned code, mark its step as used, and log the access, in one transaction. A refusal is counted."""
    outcome = _scan(payload=payload, terminal=terminal, now=now)
    if isinstance(outcome, scan_rules.Refused):
        count_at_once(Kind.REFUSAL, library_id=terminal.library_id, now=now, part=outcome.reason.value)
    return outcome


def _scan(*, payload: str, terminal: Terminal, now: datetime) -> Accepted | scan_rules.Refused:
    try:
        code = parse(payload)
    except NotOurs:
        return scan_rules.Refused(scan_rules.Reason.NOT_OURS)
    except Misread:
        return scan_rules.Refused(scan_rules.Reason.MISREAD)
    failing = _failing(code, terminal.scope)
    asked = {"credential": code.credential, "library_id": terminal.library_id, "failing": failing}
    driver = autonomous_driver()
    # A second round is needed only where another terminal used the step between the query and the update.
    for _ in range(2):
        row = driver.send(_FIND, asked).fetchone()
        found = row and _Found._make(row)
        verdict = scan_rules.judge(code=code, known=_known(found, now), terminal=terminal.scope, now=now)
        if isinstance(verdict, scan_rules.Refused):
            if found is not None and verdict.cause is scan_rules.Cause.WRONG_CODE:
                _count_failure(credential_id=found.id, failing=failing, now=now)
            return verdict
        accepted = _take(driver, found, verdict, terminal=terminal, now=now)
        if accepted is not None:
            return accepted
    return scan_rules.Refused(scan_rules.Reason.REPLAY)


def scan_at_once(*, payload: str, username: str, password: str, now: datetime) -> tuple[Accepted, Terminal] | None:
    """Sign a machine in and do as `scan`, with one look-up for both. None, and nothing is written, where a scan is not
    accepted or the machine's visit is to be noted: then `sign_in_machine` and `scan` say what comes of it."""
    try:
        code = parse(payload)
    except (NotOurs, Misread):
        return None
    driver = autonomous_driver()
    asked = {
        "credential": code.credential,
        "failing_kiosk": _failing(code, scope_of(username, "kiosk")),
        "failing_system": _failing(code, scope_of(username, "system")),
        "username": username,
        "token": machine_token(password),
        "now": driver.write_instant(now),
        "seen": driver.write_instant(now - SEEN_EVERY),
    }
    row = driver.send(SIGN_IN_AND_FIND, asked).fetchone()
    if row is None or row[0] is None:
        return None
    *columns, library_id, kind = row
    found = _Found._make(columns)
    terminal = terminal_of(SignedInMachine(username=username, library_id=library_id, kind=kind))
    verdict = scan_rules.judge(code=code, known=_known(found, now), terminal=terminal.scope, now=now)
    if isinstance(verdict, scan_rules.Refused):
        return None
    accepted = _take(driver, found, verdict, terminal=terminal, now=now)
    return None if accepted is None else (accepted, terminal)


def _failing(code: CardCode, scope: str) -> str:
    return vault.subject(f"scan:{code.credential}:{scope}")


def _take(
    driver: DriverConnection,
    found: _Found,
    verdict: scan_rules.Fresh | scan_rules.Again,
    *,
    terminal: Terminal,
    now: datetime,
) -> Accepted | None:
    """Write the accepted scan down; None where another terminal used the step since the look-up."""
    if isinstance(verdict, scan_rules.Again):
        log_again(driver, _entry(driver, found=found, terminal=terminal, now=now))
        expires = read_instant(found.session_expires)
        return _accepted(found, session=str(found.last_session), expires=expires, now=now)
    session = secrets.token_urlsafe(24)
    expires = now + timedelta(seconds=scan_rules.SESSION_SECONDS)
    taken = {
        "id": found.id,
        "step": verdict.step,
        "last_step": found.last_step,
        "drift": verdict.drift,
        "terminal": terminal.scope,
        "session": session,
        "expires_at": driver.write_instant(expires),
        **_entry(driver, found=found, terminal=terminal, now=now),
    }
    return _accepted(found, session=session, expires=expires, now=now) if take_step(driver, taken) else None


def _known(found: _Found | None, now: datetime) -> scan_rules.Known | None:
    if found is None:
        return None
    return scan_rules.Known(
        kind=found.kind,
        key=vault.open(found.sealed_key, column=KEY_COLUMN),
        revoked=found.revoked_at is not None,
        expires_at=read_instant(found.expires_at).timestamp(),
        state=State(found.state),
        static_allowed=bool(found.static_allowed),
        failures_here=_failures_here(found, now),
        last_step=found.last_step,
        last_terminal=found.last_terminal,
        last_presented_at=read_instant(found.last_presented_at) if found.last_presented_at is not None else None,
        drift=found.drift,
    )


def _failures_here(found: _Found, now: datetime) -> int:
    if not found.failures:
        return 0
    since = noted(read_instant(found.failing_since), now=now)
    return found.failures if since > now - timedelta(seconds=scan_rules.FAILURE_WINDOW_SECONDS) else 0


def _entry(driver: DriverConnection, *, found: _Found, terminal: Terminal, now: datetime) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "patron_id": found.patron_id,
        "library_id": terminal.library_id,
        "role": terminal.viewer.role,
        "actor": terminal.viewer.actor,
        "purpose": _PURPOSE,
        "fields": _FIELDS,
    }
    return {**entry, "now": driver.write_instant(now), "proof": prove(body_of(at=now, **entry))}


_COUNT_IN_ALL = text("UPDATE credentials SET failures = failures + 1 WHERE id = :id RETURNING failures")
_ASK_FOR_NEW_KEY = text("UPDATE credentials SET revoked_at = :now WHERE id = :id").bindparams(
    bindparam("now", type_=UtcInstant())
)


def _count_failure(*, credential_id: int, failing: str, now: datetime) -> None:
    with autonomous() as connection:
        count_try(connection, purpose="scan", subject=failing, seconds=scan_rules.FAILURE_WINDOW_SECONDS, now=now)
        failures = connection.execute(_COUNT_IN_ALL, {"id": credential_id}).scalar_one()
        if failures >= scan_rules.FAILURES_PER_KEY:
            connection.execute(_ASK_FOR_NEW_KEY, {"id": credential_id, "now": now})
            _log.warning("card key guessed at", credential_id=credential_id, failures=failures)


def _accepted(found: _Found, *, session: str, expires: datetime, now: datetime) -> Accepted:
    birth_date = date.fromisoformat(str(found.birth_date))
    patron = ScannedPatron(
        id=found.patron_id,
        card_number=found.card_number,
        name=found.name,
        age_band=age_band(birth_date=birth_date, day=day_in_norway(now)),
        home_library=found.home_library,
        activated_here=bool(found.activated),
        device_label=found.label or "",
        device_since=read_instant(found.issued_at),
        carried_by_guardian=bool(found.carried),
    )
    return Accepted(session=session, expires=expires, patron=patron)
