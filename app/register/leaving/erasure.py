"""Erasing a patron everywhere (GDPR art. 17), in one transaction.

What stays: keyed tokens of their card numbers; that there was an erasure, not whose; and a notice to each of their
libraries, with the sealed card number until a week after that library has confirmed it: docs/adr/0010.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, delete, select, update

from app.register.desk.showings import count_showings_of
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
from app.register.store.transaction import db, execute_bulk
from app.register.tables.devices import Credential
from app.register.tables.library import LibraryNotice
from app.register.tables.log import Erasure
from app.register.tables.messages import PinOrder
from app.register.tables.moving import ImportedPatron
from app.register.tables.patrons import FamilyPermission, Patron

Reason = Literal["asked", "death", "inactive"]
ASKED: Final = "asked"


def erase_patron(
    *, patron_id: int, reason: Reason, now: datetime, code: str | None = None, again: Entry | None = None
) -> str:
    """Delete everything about a patron, notify their libraries, and return the code of the receipt.

    The code, five groups such as `7K3M-...`, is drawn here unless it is given; only a keyed token of it is stored.
    After the commit an entry is added to the journal of erasures; `journaling.check_written` comes before the response.
    `again` is that entry, for a register that was restored. Raises NoSuchPatron, or RegisterIsBehind, JournalDamaged
    or JournalUnreachable where the journal cannot be written.
    """
    patron = lock_patron(patron_id)
    _wait_for_scans(patron_id)
    code = code or draw_written_code()
    numbers = _numbers_of(patron)
    erasure = repeated(again) if again is not None else _begin(patron, numbers, code=code, reason=reason, now=now)
    db.session.add(erasure)
    db.session.flush()
    note_change(patron=patron, kind=ERASED, former_number=patron.card_number, erasure_id=erasure.id, now=now)
    bury_numbers(numbers, now=now)
    _forget_elsewhere(patron_id, numbers, now=now)
    db.session.flush()
    _lock_exclusively(patron_id)
    remove_accesses_to(patron_id=patron_id, now=now)
    db.session.flush()
    count_showings_of(patron_id=patron_id)
    # Other rows of the patron are deleted by their foreign keys.
    execute_bulk(delete(Patron).where(Patron.id == patron_id))
    db.session.expire_all()
    return code


def _begin(patron: Patron, numbers: Collection[str], *, code: str, reason: Reason, now: datetime) -> Erasure:
    receipt = receipt_token(code)
    entry_id, entry = prepare(patron=patron, numbers=sorted(numbers), receipt=receipt, reason=reason, now=now)
    return Erasure(receipt_hash=receipt, reason=reason, erased_at=now, entry_id=entry_id, journal_entry=entry)


def repeated(entry: Entry) -> Erasure:
    """Return the erasure that an entry of the journal is about."""
    return Erasure(receipt_hash=entry.receipt, reason=entry.reason, erased_at=entry.erased_at, entry_id=entry.id)


def block_uses(patron_id: int) -> None:
    """Wait for uses of a locked patron's card that have begun, and block others until this transaction ends."""
    _wait_for_scans(patron_id)
    _lock_exclusively(patron_id)


def _lock_exclusively(patron_id: int) -> None:
    # Blocks also new rows, such as of the access log, that refer to the patron.
    db.session.execute(select(Patron.id).where(Patron.id == patron_id).with_for_update()).all()


def _wait_for_scans(patron_id: int) -> None:
    """Wait for scans that have begun: they lock the card's key first, then the patron's row."""
    keys = select(Credential.id).where(Credential.patron_id == patron_id).order_by(Credential.id)
    db.session.execute(keys.with_for_update()).all()


def _numbers_of(patron: Patron) -> set[str]:
    """Return the patron's card number and every former one that the register still knows."""
    entered = select(FamilyPermission.guardian_card_number).where(FamilyPermission.guardian_id == patron.id)
    numbers = {patron.card_number, *db.session.scalars(entered)}
    for sealed in db.session.scalars(select(LibraryNotice.sealed_number).where(*_notices_of(patron.id))):
        number = _open(sealed, column=NUMBER_COLUMN)
        if number is not None:
            numbers.add(number)
    return numbers


def _forget_elsewhere(patron_id: int, numbers: Collection[str], *, now: datetime) -> None:
    """Delete what identifies the patron in rows that are not their own."""
    # A library's other system may fetch tonight what was confirmed a minute ago.
    fresh = LibraryNotice.kind.in_(GONE) & (LibraryNotice.confirmed_at > now - GONE_NUMBERS)
    confirmed = (*_notices_of(patron_id), LibraryNotice.confirmed_at.is_not(None), ~fresh)
    # Also permissions whose number nobody had when it was entered.
    execute_bulk(delete(FamilyPermission).where(FamilyPermission.guardian_card_number.in_(numbers)))
    execute_bulk(update(LibraryNotice).where(*confirmed).values(sealed_number=None))
    of_file = ImportedPatron.patron_id == patron_id
    execute_bulk(update(ImportedPatron).where(of_file).values(sealed_number=None))
    forget_guardian(patron_id=patron_id, now=now)
    forget_answers(patron_id=patron_id)
    orders = db.session.execute(select(PinOrder.id, PinOrder.sealed_number)).all()
    theirs = [order.id for order in orders if _open(order.sealed_number, column=SEALED_NUMBER_COLUMN) in numbers]
    db.session.execute(delete(PinOrder).where(PinOrder.id.in_(theirs)))


def _notices_of(patron_id: int) -> tuple[ColumnElement[bool], ...]:
    return LibraryNotice.patron_id == patron_id, LibraryNotice.sealed_number.is_not(None)


def _open(sealed: bytes | None, *, column: str) -> str | None:
    try:
        return vault.open(sealed, column=column).decode() if sealed is not None else None
    except SecretNotOpened:
        # Sealed under a key that does not exist any more: nobody can read it.
        return None
