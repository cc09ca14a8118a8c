"""Libraries' systems and kiosks, which sign in with a user name and password over HTTPS (HTTP Basic, RFC 7617).

The register draws these passwords, long and random, so a keyed hash is enough and Argon2id would only slow the scan.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.register.budgets import Try, take_tries
from app.register.tables import Machine
from app.register.transaction import db, direct_connection
from app.register.vault import vault
from app.rules.errors import RuleBroken
from app.rules.pin import Budget

_FAILURES = Budget("machine", limit=100, seconds=5 * 60)
_FIND = text("SELECT library_id, kind, password_token FROM machines WHERE username = :username")
_NO_TOKEN = "0" * 64


class MachineRefused(RuleBroken):
    """Unknown user name or wrong password. Which of them is not told."""

    code = "unauthorized"


@dataclass(frozen=True, slots=True)
class SignedInMachine:
    """A system or kiosk that proved who it is. `kind` is `system` or `kiosk`."""

    username: str
    library_id: str
    kind: str


def connect_machine(*, username: str, library_id: str, kind: str, password: str) -> None:
    """Let a library's system (`system`) or kiosk (`kiosk`) sign in."""
    token = vault.token(purpose="machine", text=password)
    db.session.add(Machine(username=username, library_id=library_id, kind=kind, password_token=token))


def sign_in_machine(*, username: str, password: str, address: str, now: datetime) -> SignedInMachine:
    """Return the machine these belong to.

    A right password costs no write. Wrong ones are counted per network address, never per user name, so that nobody
    can lock a library's kiosk out. Raises MachineRefused or TooManyAttempts.
    """
    with direct_connection() as connection:
        row = connection.execute(_FIND, {"username": username}).first()
    token = vault.token(purpose="machine", text=password)
    right = hmac.compare_digest(token, row.password_token if row else _NO_TOKEN)
    if row is None or not right:
        tries: list[Try] = [(_FAILURES, address)]
        take_tries(tries=tries, now=now)
        raise MachineRefused
    return SignedInMachine(username=username, library_id=row.library_id, kind=row.kind)
