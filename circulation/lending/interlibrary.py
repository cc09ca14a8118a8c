"""Loans from other libraries: the rules decide on a request immediately, staff do the rest.

A title stands in a request only until it arrives, is refused or is withdrawn; then in the copy that was lent, only
until that is returned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from circulation.database import lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import book_debt, refuse_blocked
from circulation.lending.loans import lend
from circulation.lending.transaction import Transaction
from circulation.policy.rules import decide_interlibrary
from circulation.tables import Debt, InterlibraryRequest, Item, Loan, Notice, new_id
from circulation.totals import count


def match_key(title: str) -> str:
    """A title without case, accents of notation, punctuation and spacing, for comparing two catalogues' spellings."""
    return " ".join(_words(title))[:300]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _same_author(one: str, other: str) -> bool:
    """ "Lagerlöf, Selma" is "Selma Lagerlöf"; where either is unknown the title decides."""
    left, right = set(_words(one)), set(_words(other))
    return not left or not right or left <= right or right <= left


def owns(*, tx: Transaction, title: str, author: str) -> bool:
    """Whether the library's own stock has the title, lent out or not."""
    same = select(Item.author).where(Item.match_key == match_key(title), Item.interlibrary.is_(False))
    return any(_same_author(author, known) for known in tx.session.scalars(same.where(Item.state == "stock")))


def ask(
    *,
    tx: Transaction,
    card_number: str,
    title: str,
    author: str,
    publication_year: int,
    category: str,
    idempotency_key: str,
) -> tuple[InterlibraryRequest, bool]:
    """Ask for a title from another library. The second value: whether this very request was already made.

    Refused: key_reused, blocked, category_not_lent, owned_here, too_recent, summer_limit, already_asked.
    """
    lock_patrons(tx.session, card_number)
    same = select(InterlibraryRequest).where(InterlibraryRequest.idempotency_key == idempotency_key)
    earlier = tx.session.scalar(same)
    if earlier is not None:
        if (earlier.card_number, earlier.title) != (card_number, title):
            raise Refused("key_reused")
        return earlier, True
    refuse_blocked(tx=tx, card_number=card_number)
    pending = requests_of(tx=tx, card_numbers=[card_number])
    decide_interlibrary(
        policy=tx.policy,
        category=category,
        publication_year=publication_year,
        owned=owns(tx=tx, title=title, author=author),
        open_requests=len(pending),
        today=tx.today,
    )
    if any(match_key(r.title) == match_key(title) and _same_author(r.author, author) for r in pending):
        raise Refused("already_asked")
    wanted = {"title": title, "author": author, "publication_year": publication_year, "category": category}
    asked = {"card_number": card_number, "asked_on": tx.today, "idempotency_key": idempotency_key}
    request = InterlibraryRequest(**wanted, **asked)
    tx.session.add(request)
    tx.session.flush()
    return request, False


def requests_of(*, tx: Transaction, card_numbers: Sequence[str]) -> Sequence[InterlibraryRequest]:
    """The pending requests of several cards, oldest first."""
    query = select(InterlibraryRequest).where(InterlibraryRequest.card_number.in_(card_numbers))
    return tx.session.scalars(query.order_by(InterlibraryRequest.asked_on, InterlibraryRequest.id)).all()


def withdraw(*, tx: Transaction, card_number: str, request_id: str) -> None:
    """The patron changes their mind. Refused: unknown_request (also somebody else's), wrong_state once ordered."""
    request = _lock(tx, request_id)
    if request.card_number != card_number:
        raise Refused("unknown_request")
    if request.state != "asked":
        raise Refused("wrong_state")
    tx.session.delete(request)


def order(*, tx: Transaction, request_id: str) -> InterlibraryRequest:
    """Staff have asked another library. Refused: unknown_request, wrong_state."""
    request = _lock(tx, request_id)
    if request.state != "asked":
        raise Refused("wrong_state")
    request.state = "ordered"
    tx.session.flush()
    return request


def refuse(*, tx: Transaction, request_id: str) -> None:
    """No library lends it: the request is gone, and a notice without the title says so. Refused: unknown_request."""
    request = _lock(tx, request_id)
    about = {"card_number": request.card_number, "about_day": request.asked_on}
    tx.session.add(Notice(kind="interlibrary_refused", created_on=tx.today, **about))
    tx.session.delete(request)


def arrive(
    *, tx: Transaction, request_id: str, barcode: str, due_on: date | None, lender: str | None
) -> tuple[Loan, Debt | None]:
    """The copy has come and is handed out: the request becomes a loan, and the fee is booked.

    `due_on` is the lending library's date, or None for this library's own period. `lender` is that library's name.
    Refused: unknown_request, wrong_state (not ordered), barcode_in_use.
    """
    request = _lock(tx, request_id)
    if request.state != "ordered":
        raise Refused("wrong_state")
    if tx.session.scalar(select(Item.id).where(Item.barcode == barcode)) is not None:
        raise Refused("barcode_in_use")
    copy_id = new_id()
    wanted = {name: getattr(request, name) for name in ("title", "author", "publication_year", "category")}
    foreign = {"interlibrary": True, "lender": lender, "shelf_code": "", "match_key": ""}
    item = Item(id=copy_id, barcode=barcode, edition=copy_id, **foreign, **wanted)
    tx.session.add(item)
    tx.session.delete(request)
    tx.session.flush()
    card = request.card_number
    loan = lend(tx=tx, card_number=card, item=item, due_on=due_on)
    count(tx, "interlibrary")
    fee = tx.policy.interlibrary.fee if tx.policy.interlibrary else 0
    return loan, book_debt(tx=tx, card_number=card, kind="interlibrary", amount=fee)


def _lock(tx: Transaction, request_id: str) -> InterlibraryRequest:
    """Lock the patron who asked, and read the request. Refused: unknown_request."""
    # What was read before the lock may be read once more, and is then as it is now.
    wanted = select(InterlibraryRequest).where(InterlibraryRequest.id == request_id)
    wanted = wanted.execution_options(populate_existing=True)
    while True:
        card_number = tx.session.scalar(wanted.with_only_columns(InterlibraryRequest.card_number))
        if card_number is None:
            raise Refused("unknown_request")
        attempt = tx.session.begin_nested()
        lock_patrons(tx.session, card_number)
        request = tx.session.scalar(wanted)
        if request is not None and request.card_number == card_number:
            attempt.commit()
            return request
        attempt.rollback()  # the card was replaced while we waited: back to before the lock
