"""Erasing somebody everywhere (GDPR art. 17): one transaction, after which the register knows nothing of them.

What stays: that their card numbers were issued once, as keyed tokens; that there was an erasure, whose it was is kept
nowhere; and one notice to each of their libraries, with the sealed card number until that library has acknowledged it,
and for a week after it was told at most. Why nothing more is needed, and no key of each patron's own: docs/adr/0010.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, delete, select, update

from app.register.journal.journal import Entry
from app.register.journal.journaling import prepare
from app.register.keys.vault import SecretNotOpened, vault
from app.register.keys.written_codes import draw_written_code
from app.register.leaving.receipts import receipt_token
from app.register.library.kept_answers import forget_answers
from app.register.library.notices import GONE_NUMBERS
from app.register.log.removals import forget_guardian, remove_accesses_to
from app.register.patron.changes import ERASED, GONE, NUMBER_COLUMN, note_change
from app.register.patron.numbers import bury_numbers
from app.register.patron.patrons import lock_patron
from app.register.sign_in.pin_orders import SEALED_NUMBER_COLUMN
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.log import Erasure
from app.register.tables.messages import PinOrder
from app.register.tables.patrons import FamilyPermission, Patron

Reason = Literal["asked", "death", "inactive"]
ASKED: Final = "asked"


def erase_patron(
    *, patron_id: int, reason: Reason, now: datetime, code: str | None = None, again: Entry | None = None
) -> str:
    """Delete everything about a patron, tell each of their libraries, and return the code of the receipt.

    In the request's transaction. The register keeps a keyed token of the code alone: five groups such as `7K3M-...`,
    drawn here unless it was drawn before. Whatever comes too late finds nobody: NoSuchPatron here, too.

    The commit is followed by an entry in the journal of erasures: who answers asks `journaling.check_written` first.
    `again` is that entry where the register was restored. Raises RegisterIsBehind, JournalDamaged or JournalUnreachable
    where it could not be written down.
    """
    patron = lock_patron(patron_id)
    _wait_for_scans(patron_id)
    code = code or draw_written_code()
    numbers = _numbers_of(patron)
    erasure = _repeat(again) if again is not None else _begin(patron, numbers, code=code, reason=reason, now=now)
    db.session.add(erasure)
    db.session.flush()
    note_change(patron=patron, kind=ERASED, former_number=patron.card_number, erasure_id=erasure.id, now=now)
    bury_numbers(numbers, now=now)
    _forget_elsewhere(patron_id, numbers, now=now)
    db.session.flush()
    # Nobody writes a line of theirs any more once this lock is had.
    db.session.execute(select(Patron.id).where(Patron.id == patron_id).with_for_update()).all()
    remove_accesses_to(patron_id=patron_id, now=now)
    db.session.flush()
    # What else is tied to the patron goes by its foreign key.
    db.session.execute(delete(Patron).where(Patron.id == patron_id), execution_options={"synchronize_session": False})
    db.session.expire_all()
    return code


def _begin(patron: Patron, numbers: Collection[str], *, code: str, reason: Reason, now: datetime) -> Erasure:
    receipt = receipt_token(code)
    entry_id, entry = prepare(patron=patron, numbers=sorted(numbers), receipt=receipt, reason=reason, now=now)
    return Erasure(receipt_hash=receipt, reason=reason, erased_at=now, entry_id=entry_id, journal_entry=entry)


def _repeat(entry: Entry) -> Erasure:
    return Erasure(receipt_hash=entry.receipt, reason=entry.reason, erased_at=entry.erased_at, entry_id=entry.id)


def block_uses(patron_id: int) -> None:
    """Let a locked patron's uses of the card that have begun end, and others wait until this transaction is over."""
    _wait_for_scans(patron_id)
    # Whoever adds a row of the patron's waits for this lock alone.
    db.session.execute(select(Patron.id).where(Patron.id == patron_id).with_for_update()).all()


def _wait_for_scans(patron_id: int) -> None:
    """Let scans that have begun end: they lock the card's key first, and the patron's row after it."""
    keys = select(Credential.id).where(Credential.patron_id == patron_id).order_by(Credential.id)
    db.session.execute(keys.with_for_update()).all()


def _numbers_of(patron: Patron) -> set[str]:
    """Return the patron's card number and every former one that the register still can tell."""
    entered = select(FamilyPermission.guardian_card_number).where(FamilyPermission.guardian_id == patron.id)
    numbers = {patron.card_number, *db.session.scalars(entered)}
    for sealed in db.session.scalars(select(LibraryNotice.sealed_number).where(*_notices_of(patron.id))):
        number = _open(sealed, column=NUMBER_COLUMN)
        if number is not None:
            numbers.add(number)
    return numbers


def _forget_elsewhere(patron_id: int, numbers: Collection[str], *, now: datetime) -> None:
    """Delete what names the patron in rows that are not their own."""
    # A number that was entered before anybody had it leads to no patron.
    named = FamilyPermission.guardian_card_number.in_(numbers)
    # That they left it, a library may have been told this minute, and fetch tonight.
    fresh = LibraryNotice.kind.in_(GONE) & (LibraryNotice.confirmed_at > now - GONE_NUMBERS)
    told = (*_notices_of(patron_id), LibraryNotice.confirmed_at.is_not(None), ~fresh)
    for statement in (
        delete(FamilyPermission).where(named),
        update(LibraryNotice).where(*told).values(sealed_number=None),
    ):
        db.session.execute(statement, execution_options={"synchronize_session": False})
    forget_guardian(patron_id=patron_id, now=now)
    forget_answers(patron_id=patron_id)
    orders = db.session.execute(select(PinOrder.id, PinOrder.sealed_number)).all()
    theirs = [order.id for order in orders if _open(order.sealed_number, column=SEALED_NUMBER_COLUMN) in numbers]
    db.session.execute(delete(PinOrder).where(PinOrder.id.in_(theirs)))


def _notices_of(patron_id: int) -> tuple[ColumnElement[bool], ...]:
    # Their index begins with the library.
    every_library = LibraryNotice.library_id.in_(select(LibraryQueue.library_id))
    return every_library, LibraryNotice.patron_id == patron_id, LibraryNotice.sealed_number.is_not(None)


def _open(sealed: bytes | None, *, column: str) -> str | None:
    try:
        return vault.open(sealed, column=column).decode() if sealed is not None else None
    except SecretNotOpened:
        # Sealed under a key that is not here any more: nobody can read it, nor use it.
        return None
