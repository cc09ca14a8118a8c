"""Libraries' systems and kiosks, which sign in with a user name and password over HTTPS (HTTP Basic, RFC 7617).

The register draws these passwords, long and random, so a keyed hash suffices: Argon2id would only slow the scan.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.register.keys.vault import vault
from app.register.limits.budgets import from_source, take_tries
from app.register.log.access_log import Terminal, Viewer
from app.register.patron.libraries import check_library
from app.register.staff.machine_use import WRONG_PASSWORD, is_seen_lately, note_refusal, note_seen
from app.register.store.driver import Statement, autonomous_driver, read_instant
from app.register.store.transaction import autonomous, db, savepoint
from app.register.tables.library import Machine, MachineAnswer
from app.rules.errors import RuleBroken
from app.rules.pins.pin import Budget

FORMER_PASSWORD = timedelta(days=7)
_FAILURES = Budget("machine", limit=100, seconds=5 * 60)
_FIND = Statement(
    "SELECT library_id, kind, key_id, password_token, former_token, former_until, last_seen_at FROM machines"
    " WHERE username = :username"
)
_FIND_KIOSK = Statement(
    "SELECT last_seen_at FROM machines WHERE username = :username AND library_id = :library_id AND kind = 'kiosk'"
)
_PURPOSE = "machine"
_NOBODY = ("", "", 0, "0" * 64, None, None, None)


class MachineRefused(RuleBroken):
    """Unknown user name or wrong password."""

    code = "unauthorized"


class UsernameTaken(RuleBroken):
    """Somebody else has this user name."""


class NoSuchMachine(RuleBroken):
    """No machine has this user name."""


@dataclass(frozen=True, slots=True)
class SignedInMachine:
    """A machine that has signed in. `kind` is `system`, `kiosk` or `supplier`."""

    username: str
    library_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class ConnectedMachine:
    """A machine that may sign in; with its former password, too, until `former_until` (UTC)."""

    username: str
    library_id: str
    kind: str
    former_until: datetime | None


def draw_password() -> str:
    """Return a new password of 192 random bits."""
    return secrets.token_urlsafe(24)


def connect_machine(*, username: str, library_id: str, kind: str, password: str) -> None:
    """Add a library's `system`, `kiosk` or door, or `supplier` of e-books. Raises NoSuchLibrary or UsernameTaken."""
    check_library(library_id)
    token = machine_token(password)
    machine = Machine(username=username, library_id=library_id, kind=kind, password_token=token, key_id=vault.key_id)
    with savepoint({"pk_machines": UsernameTaken}):
        db.session.add(machine)


def rotate_password(*, username: str, now: datetime) -> str:
    """Draw a machine's new password; the present one, and no older one, works for 7 days more. Raises NoSuchMachine."""
    machine = db.session.get(Machine, username, with_for_update=True)
    if machine is None:
        raise NoSuchMachine
    password = draw_password()
    machine.former_token = vault.renew_token(machine.password_token, key_id=machine.key_id)
    machine.former_until = now + FORMER_PASSWORD
    machine.password_token = machine_token(password)
    machine.key_id = vault.key_id
    db.session.flush()
    return password


def disconnect_machine(*, username: str) -> None:
    """Delete a machine and the answers that were kept for it. Raises NoSuchMachine."""
    machine = db.session.get(Machine, username)
    if machine is None:
        raise NoSuchMachine
    db.session.delete(machine)
    db.session.execute(delete(MachineAnswer).where(MachineAnswer.username == username))


def list_machines(*, library_id: str | None = None) -> list[ConnectedMachine]:
    """Return all machines, by library and user name, or those of one library."""
    columns = (Machine.username, Machine.library_id, Machine.kind, Machine.former_until)
    query = select(*columns).order_by(Machine.library_id, Machine.username)
    with autonomous() as connection:
        rows = connection.execute(query.where(Machine.library_id == library_id) if library_id is not None else query)
        return [ConnectedMachine(*row) for row in rows.all()]


def sign_in_machine(*, username: str, password: str, address: str, now: datetime) -> SignedInMachine:
    """Return the machine with this user name and password. Raises MachineRefused or TooManyAttempts.

    Wrong passwords are counted per network address, never per user name, so that nobody can lock a kiosk out.
    """
    row = autonomous_driver().send(_FIND, {"username": username}).fetchone()
    library_id, kind, key_id, known_token, former_token, former_until, last_seen_at = row or _NOBODY
    token = vault.tokens(purpose=_PURPOSE, text=password).get(key_id, "")
    right = hmac.compare_digest(token, known_token)
    if former_token is not None and former_until is not None and read_instant(former_until) > now:
        right = hmac.compare_digest(token, former_token) or right
    if not right:
        take_tries(tries=from_source(_FAILURES, address), now=now)
        note_refusal(username=username, reason=WRONG_PASSWORD, now=now)
        raise MachineRefused
    _see(username, last_seen_at, now=now)
    return SignedInMachine(username=username, library_id=library_id, kind=kind)


def _see(username: str, last_seen_at: Any, *, now: datetime) -> None:  # noqa: ANN401 - as the driver gives it
    if not is_seen_lately(read_instant(last_seen_at) if last_seen_at is not None else None, now=now):
        note_seen(username=username, now=now)


def recognise_kiosk(*, username: str, library_id: str, now: datetime) -> SignedInMachine:
    """Return a kiosk that was authenticated in another way, if it exists. Raises MachineRefused."""
    row = autonomous_driver().send(_FIND_KIOSK, {"username": username, "library_id": library_id}).fetchone()
    if row is None:
        raise MachineRefused
    _see(username, row[0], now=now)
    return SignedInMachine(username=username, library_id=library_id, kind="kiosk")


def machine_token(password: str) -> str:
    """Return the newest token of a machine's password, as `machines.password_token` holds it."""
    return vault.token(purpose=_PURPOSE, text=password)


def scope_of(username: str, kind: str) -> str:
    """Return what a machine's scans belong to."""
    return f"{kind}:{username}"


def terminal_of(machine: SignedInMachine) -> Terminal:
    """Return the machine as a terminal."""
    return Terminal(
        scope=scope_of(machine.username, machine.kind),
        viewer=Viewer(role=machine.kind, actor=machine.username, library_id=machine.library_id),
        library_id=machine.library_id,
    )
