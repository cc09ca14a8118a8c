"""Passkeys of those who work at a library, in place of password and one-time code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from app.register.limits.budgets import Try, give_back_tries
from app.register.sign_in.ceremonies import Counted, Created, Known, Party, PasskeyRefused, check_signed, read_signed
from app.register.sign_in.passkeys import (
    NoSuchPasskey,
    PasskeyCopied,
    ShownPasskey,
    check_handle,
    handle_in,
    is_copied,
    known_in,
    note_use_in,
    passkeys_in,
    put_passkey_in,
    take_challenge,
)
from app.register.staff.acts import note_own_act
from app.register.staff.staff import MAY_SIGN_IN
from app.register.store.transaction import db, execute_bulk, reading
from app.register.tables.library import Staff
from app.register.tables.staff import StaffPasskey
from app.rules.library.staff import PASSKEY_ADDED, PASSKEY_REMOVED


@dataclass(frozen=True, slots=True)
class CheckedStaff:
    """A passkey that has signed, what it said, and what the try cost."""

    staff_id: int
    passkey_id: int
    count_before: int
    counted: Counted
    tries: Sequence[Try]


def list_staff_passkeys(*, staff_id: int) -> Sequence[ShownPasskey]:
    """Return a staff member's passkeys, newest first."""
    return passkeys_in(StaffPasskey, owner_id=staff_id)


def known_staff_passkeys(*, staff_id: int) -> Sequence[Known]:
    """Return what a browser must know of a staff member's passkeys."""
    return known_in(StaffPasskey, owner_id=staff_id)


def handle_for_staff(*, staff_id: int) -> str:
    """Return by which random word a staff member's passkeys name their user."""
    return handle_in(StaffPasskey, owner_id=staff_id)


def add_staff_passkey(*, staff_id: int, handle: str, created: Created, label: str, now: datetime) -> None:
    """Add a passkey that was checked. `label` has at most 60 characters. Raises TooManyPasskeys, or PasskeyRefused for
    somebody who was suspended, dismissed or sent a new link since."""
    if db.session.scalar(select(Staff.id).where(Staff.id == staff_id, MAY_SIGN_IN).with_for_update()) is None:
        raise PasskeyRefused
    put_passkey_in(StaffPasskey, owner_id=staff_id, handle=handle, created=created, label=label, now=now)
    note_own_act(staff_id=staff_id, kind=PASSKEY_ADDED, now=now)


def check_staff_passkey(
    *, answer: str, challenge: str, party: Party, address: str, now: datetime, staff_id: int | None = None
) -> CheckedStaff:
    """Check that a passkey signed the challenge: of anybody who works at a library, or of this staff member.

    A try is taken from the network address before anything is looked at, and a challenge counts once. An unknown
    passkey, somebody else's, a wrong signature and a suspended owner are one refusal. Raises PasskeyRefused,
    PasskeyCopied, CeremonyOver or TooManyAttempts.
    """
    tries = take_challenge(challenge=challenge, address=address, now=now)
    signed = read_signed(answer)
    wanted = (StaffPasskey.id, StaffPasskey.staff_id, StaffPasskey.user_handle, StaffPasskey.public_key)
    with reading():
        row = db.session.execute(
            select(*wanted, StaffPasskey.sign_count, Staff.suspended_at)
            .join(Staff, Staff.id == StaffPasskey.staff_id)
            .where(StaffPasskey.webauthn_id == signed.credential_id)
        ).first()
    if row is None:
        raise PasskeyRefused
    check_handle(signed, row.user_handle, owner_id=row.staff_id, wanted=staff_id)
    counted = check_signed(signed, party=party, challenge=challenge, public_key=row.public_key)
    if row.suspended_at is not None:
        raise PasskeyRefused
    if is_copied(counted, before=row.sign_count):
        raise PasskeyCopied
    return CheckedStaff(row.staff_id, row.id, row.sign_count, counted, tries)


def note_staff_passkey(checked: CheckedStaff, *, now: datetime) -> None:
    """Record a use, in the transaction of what it is for. Raises PasskeyRefused where it was removed or used since."""
    before, counted = checked.count_before, checked.counted
    note_use_in(StaffPasskey, passkey_id=checked.passkey_id, before=before, counted=counted, now=now)


def give_back_staff_tries(checked: CheckedStaff) -> None:
    """Give back what a right try cost."""
    give_back_tries(tries=checked.tries)


def remove_staff_passkey(*, staff_id: int, passkey_id: int, now: datetime) -> None:
    """Remove a passkey, which signs nobody in from this second on. Raises NoSuchPasskey."""
    own = (StaffPasskey.id == passkey_id) & (StaffPasskey.staff_id == staff_id)
    if not execute_bulk(delete(StaffPasskey).where(own)):
        raise NoSuchPasskey
    note_own_act(staff_id=staff_id, kind=PASSKEY_REMOVED, now=now)
