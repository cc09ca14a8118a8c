"""The receipt of an erasure: with its code one sees what each library answered, but not whose erasure it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.register.journal.journaling import NotInJournal
from app.register.keys.vault import vault
from app.register.keys.written_codes import read_written_code
from app.register.limits.budgets import from_source, give_back_tries, take_tries
from app.register.patron.changes import LEFT
from app.register.store.transaction import db, reading
from app.register.tables.library import Library, LibraryNotice
from app.register.tables.log import Erasure
from app.rules.errors import RuleBroken
from app.rules.pins.pin import RECEIPT_SOURCE

_PURPOSE = "receipt"


class NoSuchReceipt(RuleBroken):
    """No erasure has this code, or its receipt is past its retention."""


@dataclass(frozen=True, slots=True)
class LibraryAnswer:
    """What a library answered to an erasure (UTC; None: not yet), and the KEPT_KINDS of what it must keep."""

    library: str
    confirmed_at: datetime | None
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erasure as its receipt shows it: why (asked, death, inactive), when (UTC), and each library's answer."""

    reason: str
    erased_at: datetime
    answers: Sequence[LibraryAnswer]


def list_left(*, patron_id: int) -> Sequence[LibraryAnswer]:
    """Return what each library that the patron has left answered, the latest first, while its notice is kept."""
    rows = db.session.execute(
        select(Library.name, LibraryNotice.confirmed_at, LibraryNotice.kept)
        .join(Library, Library.id == LibraryNotice.library_id)
        .where(LibraryNotice.patron_id == patron_id, LibraryNotice.kind == LEFT)
        .order_by(LibraryNotice.asked_at.desc(), LibraryNotice.id.desc())
    ).all()
    return [_answer_of(*row) for row in rows]


def _answer_of(name: str, confirmed_at: datetime | None, kept: str | None) -> LibraryAnswer:
    return LibraryAnswer(name, confirmed_at, tuple(kept.split(",")) if kept else ())


def receipt_token(code: str) -> str:
    """Return the keyed token under which an erasure is found by its code."""
    return vault.token(purpose=_PURPOSE, text=read_written_code(code))


def is_receipt(*, code: str) -> bool:
    """Return whether a receipt has this code of the register itself, without counting a try. Raises NotInJournal."""
    return _find_erasure(code) is not None


def _find_erasure(code: str) -> Erasure | None:
    tokens = vault.tokens(purpose=_PURPOSE, text=read_written_code(code)).values()
    erasure = db.session.scalar(select(Erasure).where(Erasure.receipt_hash.in_(tokens)))
    # Until it is in the journal, restoring a backup could undo it, so it is not confirmed.
    if erasure is not None and erasure.journal_entry is not None:
        raise NotInJournal
    return erasure


def read_receipt(*, code: str, address: str, now: datetime) -> Receipt:
    """Return the receipt with this code; it may be typed in any case, with or without hyphens.

    A try is taken from the network address first, and given back for a right code. Raises
    NoSuchReceipt, NotInJournal or TooManyAttempts.
    """
    tries = from_source(RECEIPT_SOURCE, address)
    take_tries(tries=tries, now=now)
    with reading():
        erasure = _find_erasure(code)
        if erasure is None:
            raise NoSuchReceipt
        rows = db.session.execute(
            select(Library.name, LibraryNotice.confirmed_at, LibraryNotice.kept)
            .join(Library, Library.id == LibraryNotice.library_id)
            .where(LibraryNotice.erasure_id == erasure.id)
            .order_by(Library.name)
        ).all()
        receipt = Receipt(erasure.reason, erasure.erased_at, [_answer_of(*row) for row in rows])
    give_back_tries(tries=tries)
    return receipt
