"""Loans from other libraries: the rules answer a request at once, staff do the rest.

A title stands in a request only until it arrives, is refused or is withdrawn; then in the copy that was lent, only
until that is returned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from circulation.database import lock_patrons
from circulation.errors import Refused
from circulation.lending.accounts import book_debt, refuse_blocked
from circulation.lending.loans import lend
from circulation.policy.library import Policy
from circulation.policy.rules import decide_interlibrary, local_day
from circulation.tables import Debt, InterlibraryRequest, Item, Loan, Notice, new_id


def match_key(title: str) -> str:
    """A title without case, accents of notation, punctuation and spacing, for comparing two catalogues' spellings."""
    return " ".join(_words(title))[:300]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _same_author(one: str, other: str) -> bool:
    """ "Lagerlöf, Selma" is "Selma Lagerlöf"; where either is unknown the title decides."""
    left, right = set(_words(one)), set(_words(other))
    return not left or not right or left <= right or right <= left


def owns(*, session: Session, title: str, author: str) -> bool:
    """Whether the library's own stock has the title, lent out or not."""
    query = select(Item.author).where(
        Item.match_key == match_key(title), Item.state == "stock", Item.interlibrary.is_(False)
    )
    return any(_same_author(author, known) for known in session.scalars(query))


def ask(
    *,
    session: Session,
    policy: Policy,
    card_number: str,
    title: str,
    author: str,
    publication_year: int,
    category: str,
    idempotency_key: str,
    now: datetime,
) -> tuple[InterlibraryRequest, bool]:
    """Ask for a title from another library. The second value tells that this very request was already made.

    Refused: key_reused, blocked, category_not_lent, owned_here, too_recent, summer_limit, already_asked.
    """
    today = local_day(policy=policy, now=now)
    lock_patrons(session, card_number)
    earlier = session.scalar(select(InterlibraryRequest).where(InterlibraryRequest.idempotency_key == idempotency_key))
    if earlier is not None:
        if (earlier.card_number, earlier.title) != (card_number, title):
            raise Refused("key_reused")
        return earlier, True
    refuse_blocked(session=session, policy=policy, card_number=card_number, today=today)
    pending = requests_of(session=session, card_numbers=[card_number])
    decide_interlibrary(
        policy=policy,
        category=category,
        publication_year=publication_year,
        owned=owns(session=session, title=title, author=author),
        open_requests=len(pending),
        today=today,
    )
    if any(match_key(r.title) == match_key(title) and _same_author(r.author, author) for r in pending):
        raise Refused("already_asked")
    request = InterlibraryRequest(
        card_number=card_number,
        title=title,
        author=author,
        publication_year=publication_year,
        category=category,
        state="asked",
        asked_on=today,
        idempotency_key=idempotency_key,
    )
    session.add(request)
    session.flush()
    return request, False


def requests_of(*, session: Session, card_numbers: Sequence[str]) -> list[InterlibraryRequest]:
    """The pending requests of several cards, oldest first."""
    query = select(InterlibraryRequest).where(InterlibraryRequest.card_number.in_(card_numbers))
    return list(session.scalars(query.order_by(InterlibraryRequest.asked_on, InterlibraryRequest.id)))


def withdraw(*, session: Session, card_number: str, request_id: str) -> None:
    """The patron changes their mind. Refused: unknown_request (also somebody else's), wrong_state once ordered."""
    request = _lock(session, request_id)
    if request.card_number != card_number:
        raise Refused("unknown_request")
    if request.state != "asked":
        raise Refused("wrong_state")
    session.delete(request)


def order(*, session: Session, request_id: str) -> InterlibraryRequest:
    """Staff have asked another library. Refused: unknown_request, wrong_state."""
    request = _lock(session, request_id)
    if request.state != "asked":
        raise Refused("wrong_state")
    request.state = "ordered"
    session.flush()
    return request


def refuse(*, session: Session, policy: Policy, request_id: str, now: datetime) -> None:
    """No library lends it: the request is gone, and a notice without the title says so. Refused: unknown_request."""
    request = _lock(session, request_id)
    today = local_day(policy=policy, now=now)
    notice = Notice(
        card_number=request.card_number,
        kind="interlibrary_refused",
        about_day=request.asked_on,
        created_on=today,
    )
    session.add(notice)
    session.delete(request)


def arrive(
    *,
    session: Session,
    policy: Policy,
    request_id: str,
    barcode: str,
    due_on: date | None,
    now: datetime,
) -> tuple[Loan, Debt | None]:
    """The copy has come and is handed out: the request becomes a loan, and the fee is booked.

    `due_on` is the lending library's date, or None for this library's own period.
    Refused: unknown_request, wrong_state (not ordered), barcode_in_use, date_in_past.
    """
    today = local_day(policy=policy, now=now)
    request = _lock(session, request_id)
    if request.state != "ordered":
        raise Refused("wrong_state")
    if due_on is not None and due_on < today:
        raise Refused("date_in_past")
    if session.scalar(select(Item.id).where(Item.barcode == barcode)) is not None:
        raise Refused("barcode_in_use")
    copy_id = new_id()
    item = Item(
        id=copy_id,
        barcode=barcode,
        edition=copy_id,
        title=request.title,
        author=request.author,
        category=request.category,
        shelf_code="",
        publication_year=request.publication_year,
        state="stock",
        interlibrary=True,
        match_key="",
    )
    session.add(item)
    session.delete(request)
    session.flush()
    card_number = request.card_number
    loan = lend(session=session, policy=policy, card_number=card_number, item=item, today=today, due_on=due_on)
    fee = policy.interlibrary.fee if policy.interlibrary else 0
    debt = book_debt(
        session=session, policy=policy, card_number=card_number, kind="interlibrary", amount=fee, today=today
    )
    return loan, debt


def _lock(session: Session, request_id: str) -> InterlibraryRequest:
    """Lock whoever asked, and read the request. Refused: unknown_request."""
    # What was read before the lock may be read once more, and is then as it is now.
    wanted = select(InterlibraryRequest).where(InterlibraryRequest.id == request_id)
    wanted = wanted.execution_options(populate_existing=True)
    while True:
        card_number = session.scalar(wanted.with_only_columns(InterlibraryRequest.card_number))
        if card_number is None:
            raise Refused("unknown_request")
        attempt = session.begin_nested()
        lock_patrons(session, card_number)
        request = session.scalar(wanted)
        if request is not None and request.card_number == card_number:
            attempt.commit()
            return request
        attempt.rollback()  # the card was replaced while we waited: back to before the lock
