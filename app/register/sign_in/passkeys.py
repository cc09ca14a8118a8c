"""Passkeys of patrons: added, listed and removed by them, and checked in place of PIN and code (docs/adr/0032).

What is the same for those who work at a library takes the table of their passkeys.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import delete, func, select, update

from app.register.limits.budgets import (
    TooManyAttempts,
    Try,
    from_source,
    give_back_right_tries,
    give_back_tries,
    take_tries,
)
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import COLUMNS, status_of
from app.register.patron.patrons import NoSuchPatron, lock_patron, note_use
from app.register.patron.proven import addresses_for
from app.register.sign_in.ceremonies import (
    Counted,
    Created,
    Known,
    Party,
    PasskeyRefused,
    Signed,
    check_created,
    check_signed,
    read_signed,
)
from app.register.store.transaction import db, execute_bulk, reading, savepoint, writing
from app.register.tables.devices import Passkey
from app.register.tables.patrons import Patron
from app.register.tables.staff import StaffPasskey
from app.rules.errors import RuleBroken
from app.rules.messages import PASSKEY_ADDED, PASSKEY_COPIED, PASSKEY_REMOVED
from app.rules.people.ages import day_in_norway
from app.rules.pins.pin import PASSKEY_ONCE, PASSKEY_SOURCE, PASSKEY_TOLD

MOST: Final = 10
_HANDLE_BYTES: Final = 32


class CeremonyOver(RuleBroken):
    """The challenge is too old, or was answered already."""


class PasskeyCopied(RuleBroken):
    """The passkey has signed more often before than it says now: somebody may have a copy of it."""


class TooManyPasskeys(RuleBroken):
    """The patron has as many passkeys as one may have."""


class NoSuchPasskey(RuleBroken):
    """The patron has no such passkey (any more)."""


@dataclass(frozen=True, slots=True)
class ShownPasskey:
    """A passkey as its owner sees it. `backed_up`: it is on the owner's other devices too. `created_at` is UTC."""

    id: int
    label: str
    created_at: datetime
    last_used_on: date | None
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A passkey that has signed, what it said, and what the try cost, from which network address."""

    patron_id: int
    passkey_id: int
    count_before: int
    sign_count: int
    backed_up: bool
    card_number: str
    address: str
    tries: Sequence[Try]


Table = type[Passkey] | type[StaffPasskey]
"""The passkeys of patrons, or of those who work at a library."""


def passkeys_in(table: Table, *, owner_id: int) -> Sequence[ShownPasskey]:
    """Return somebody's passkeys, newest first."""
    shown = (table.id, table.label, table.created_at, table.last_used_on, table.backed_up)
    rows = db.session.execute(select(*shown).where(table.owner_id == owner_id).order_by(table.id.desc()))
    return [ShownPasskey(*row) for row in rows]


def list_passkeys(*, patron_id: int) -> Sequence[ShownPasskey]:
    """Return a patron's passkeys, newest first."""
    return passkeys_in(Passkey, owner_id=patron_id)


def known_in(table: Table, *, owner_id: int) -> Sequence[Known]:
    """Return what a browser must know to find somebody's passkeys, or to make no second one beside them."""
    rows = db.session.execute(select(table.webauthn_id, table.transports).where(table.owner_id == owner_id))
    return [Known(*row) for row in rows]


def known_passkeys(*, patron_id: int) -> Sequence[Known]:
    """Return what a browser must know of a patron's passkeys."""
    return known_in(Passkey, owner_id=patron_id)


def handle_in(table: Table, *, owner_id: int) -> str:
    """Return by which random word, in base64url, somebody's passkeys name their user; a new one for the first."""
    used = db.session.scalar(select(table.user_handle).where(table.owner_id == owner_id).limit(1))
    return used or secrets.token_urlsafe(_HANDLE_BYTES)


def handle_for(*, patron_id: int) -> str:
    """Return by which random word a patron's passkeys name their user."""
    return handle_in(Passkey, owner_id=patron_id)


def check_new_passkey(*, answer: str, challenge: str, party: Party, address: str, now: datetime) -> Created:
    """Take a try from the network address, and check what a browser made. It is not stored yet.

    Raises PasskeyRefused, CeremonyOver or TooManyAttempts.
    """
    tries = take_challenge(challenge=challenge, address=address, now=now)
    created = check_created(answer, party=party, challenge=challenge)
    give_back_tries(tries=tries)
    return created


def add_passkey(*, patron_id: int, handle: str, created: Created, label: str, now: datetime) -> ShownPasskey:
    """Add a passkey to a patron's, which is returned, and send the patron a message. `label` is at most 60 characters.

    Raises TooManyPasskeys, PasskeyRefused for one that is registered already, or NoSuchPatron.
    """
    patron = lock_patron(patron_id)
    added = put_passkey_in(Passkey, owner_id=patron_id, handle=handle, created=created, label=label, now=now)
    _tell(patron, PASSKEY_ADDED, now=now)
    return added


def put_passkey_in(
    table: Table, *, owner_id: int, handle: str, created: Created, label: str, now: datetime
) -> ShownPasskey:
    """Add a passkey to those of somebody who is locked. Raises TooManyPasskeys, or PasskeyRefused for a known one."""
    if (db.session.scalar(select(func.count()).where(table.owner_id == owner_id)) or 0) >= MOST:
        raise TooManyPasskeys
    passkey = table(
        owner_id=owner_id,
        user_handle=handle,
        webauthn_id=created.credential_id,
        public_key=created.public_key,
        sign_count=created.sign_count,
        backed_up=created.backed_up,
        transports=created.transports,
        label=label,
        created_at=now,
    )
    with savepoint({f"uq_{table.__tablename__}_webauthn_id": PasskeyRefused}):
        db.session.add(passkey)
    return ShownPasskey(passkey.id, label, now, None, created.backed_up)


def check_passkey(
    *, answer: str, challenge: str, party: Party, address: str, now: datetime, patron_id: int | None = None
) -> Checked:
    """Check that a passkey signed the challenge: of anybody, or of this patron. `note_passkey` then records it.

    A try is taken from the network address before anything is looked at, and a challenge counts once. An unknown
    passkey, somebody else's, a wrong signature and a blocked card are one refusal. Raises PasskeyRefused,
    PasskeyCopied, about which the patron gets a message, CeremonyOver or TooManyAttempts.
    """
    tries = take_challenge(challenge=challenge, address=address, now=now)
    signed = read_signed(answer)
    wanted = (Passkey.id, Passkey.patron_id, Passkey.user_handle, Passkey.public_key, Passkey.sign_count)
    with reading():
        row = db.session.execute(
            select(*wanted, Patron.card_number, Patron.last_used_on, *COLUMNS)
            .join(Patron, Patron.id == Passkey.patron_id)
            .where(Passkey.webauthn_id == signed.credential_id)
        ).first()
    if row is None:
        raise PasskeyRefused
    check_handle(signed, row.user_handle, owner_id=row.patron_id, wanted=patron_id)
    counted = check_signed(signed, party=party, challenge=challenge, public_key=row.public_key)
    if not status_of(row).may_sign_in:
        raise PasskeyRefused
    if is_copied(counted, before=row.sign_count):
        _tell_of_copy(row.patron_id, passkey_id=row.id, now=now)
        raise PasskeyCopied
    if row.last_used_on < day_in_norway(now):
        note_use(patron_id=row.patron_id, now=now)
    said = (row.sign_count, counted.sign_count, counted.backed_up)
    return Checked(row.patron_id, row.id, *said, row.card_number, address, tries)


def check_handle(signed: Signed, handle: str, *, owner_id: int, wanted: int | None) -> None:
    """Raise PasskeyRefused for a passkey of somebody else than is wanted, or that names another user than its own."""
    # A browser that was told which passkeys there are may leave the handle out.
    misnamed = signed.user_handle != handle and (wanted is None or signed.user_handle is not None)
    if misnamed or wanted not in (None, owner_id):
        raise PasskeyRefused


def is_copied(counted: Counted, *, before: int) -> bool:
    """Tell whether a passkey has signed more often before than it says now."""
    # Those of phones mostly do not count at all, and say 0 (W3C, Web Authentication Level 3, 6.1.1).
    return bool(before) and counted.sign_count <= before


def note_passkey(checked: Checked, *, now: datetime) -> None:
    """Record a use, in the transaction of what it is for. Raises PasskeyRefused where it was removed or used since."""
    try:
        lock_patron(checked.patron_id)
    except NoSuchPatron:
        raise PasskeyRefused from None
    counted = Counted(checked.sign_count, checked.backed_up)
    note_use_in(Passkey, passkey_id=checked.passkey_id, before=checked.count_before, counted=counted, now=now)


def note_use_in(table: Table, *, passkey_id: int, before: int, counted: Counted, now: datetime) -> None:
    """Record a use of a passkey. Raises PasskeyRefused where it was removed or used since."""
    same = (table.id == passkey_id) & (table.sign_count == before)
    said = {"sign_count": counted.sign_count, "backed_up": counted.backed_up, "last_used_on": day_in_norway(now)}
    if not execute_bulk(update(table).where(same).values(**said)):
        raise PasskeyRefused


def give_back_passkey_tries(checked: Checked, *, now: datetime) -> None:
    """Give back what a right try cost."""
    give_back_right_tries(tries=checked.tries, card=checked.card_number, address=checked.address, now=now)


def rename_passkey(*, patron_id: int, passkey_id: int, label: str) -> None:
    """Give a passkey another name, of at most 60 characters. Raises NoSuchPasskey."""
    own = (Passkey.id == passkey_id) & (Passkey.patron_id == patron_id)
    if not execute_bulk(update(Passkey).where(own).values(label=label)):
        raise NoSuchPasskey


def remove_passkey(*, patron_id: int, passkey_id: int, now: datetime) -> None:
    """Remove a passkey, which signs nobody in from this second on, and send a message. Raises NoSuchPasskey."""
    patron = lock_patron(patron_id)
    own = (Passkey.id == passkey_id) & (Passkey.patron_id == patron_id)
    if not execute_bulk(delete(Passkey).where(own)):
        raise NoSuchPasskey
    _tell(patron, PASSKEY_REMOVED, now=now)


def forget_passkeys(*, patron_id: int) -> None:
    """Remove all passkeys of a patron, who is told of the reason in another way."""
    execute_bulk(delete(Passkey).where(Passkey.patron_id == patron_id))


def take_challenge(*, challenge: str, address: str, now: datetime) -> Sequence[Try]:
    """Take a try from the network address, and use up a challenge. Raises CeremonyOver or TooManyAttempts."""
    tries = from_source(PASSKEY_SOURCE, address)
    take_tries(tries=tries, now=now)
    try:
        # A browser can bring back a cookie that it had before: what counts once is counted here.
        take_tries(tries=[(PASSKEY_ONCE, challenge)], now=now)
    except TooManyAttempts:
        raise CeremonyOver from None
    return tries


def _tell(patron: Patron, kind: str, *, now: datetime) -> None:
    if any(addresses_for(patron, is_secret=False).values()):
        ask_for_message(patron_id=patron.id, kind=kind, now=now)


def _tell_of_copy(patron_id: int, *, passkey_id: int, now: datetime) -> None:
    try:
        take_tries(tries=[(PASSKEY_TOLD, str(passkey_id))], now=now)
        with writing():
            _tell(lock_patron(patron_id), PASSKEY_COPIED, now=now)
    except (TooManyAttempts, NoSuchPatron):
        # Told today, or nobody is there to be told.
        return
