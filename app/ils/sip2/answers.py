"""Read a SIP2 server's answers: patron information (64) and item information (18)."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from app.ils.money import name_currency, read_money, to_smallest_unit
from app.ils.port import Account, Block, Hold, Loan, due_order
from app.ils.reading import clean_text, day_or_none
from app.ils.sip2.wire import Answer, Sip2Settings

_STATUS_LENGTH: Final = 14
# Places in the patron status.
_PRIVILEGES_DENIED, _RENEWAL_DENIED = 0, 1
_BLOCKS: Final = {4: "card_lost", 5: "too_many_loans", 6: "overdue", 10: "debt", 11: "debt", 13: "invoice"}
_MEDIA_TYPES: Final = {"001": "book", "002": "magazine"}

NOTHING: Final = Answer("", "", ())
"""What stands for an answer that did not come or cannot be read."""

_SIP_DATE: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[ A-Z]{4}\d{6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ItemList:
    """A list in a 64: the place of its Y in the summary, of its count in the fixed fields, and the field's name."""

    place: int
    count: int
    name: str


READY: Final = ItemList(0, 35, "AS")
OVERDUE: Final = ItemList(1, 39, "AT")
CHARGED: Final = ItemList(2, 43, "AU")
QUEUED: Final = ItemList(5, 55, "CD")


@dataclass(slots=True)
class Patron:
    """A card's first 64, its lists by field name, and how many of each list are missing."""

    card_number: str
    information: Answer
    lists: defaultdict[str, Sequence[str]] = field(default_factory=lambda: defaultdict(tuple))
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def is_unread(self) -> bool:
        """Whether the answer about the card could not be read."""
        return self.information is NOTHING

    @property
    def is_known(self) -> bool:
        """Whether the library knows the card."""
        return self.information.first("BL").upper() != "N"


def read_ids(answer: Answer, which: ItemList) -> dict[str, None]:
    """Return the ids in a list, each once, in their order."""
    return dict.fromkeys(cleaned for item in answer.all(which.name) if (cleaned := clean_text(item)))


def read_account(
    patron: Patron,
    items: Mapping[str, Answer],
    settings: Sip2Settings,
    today: date,
    hold_acts: tuple[str, ...] = (),
) -> Account:
    """Put a card's account together; `items` are the answers about its items, `hold_acts` those of Hold."""
    currency, debt = _debt(patron.information, usual=settings.currency)
    if patron.is_unread:
        return Account(patron.card_number, currency, (), (), (), (), (), None, 0, unread_loans=None, unread_holds=None)
    if not patron.is_known:
        return Account(patron.card_number, currency, (), (), (), (), (), 0, 0)
    status = patron.information.fixed[:_STATUS_LENGTH].upper()
    overdue, is_blocked = patron.lists[OVERDUE.name], status[_RENEWAL_DENIED] == "Y"
    loans = [
        read_loan(item, items[item], settings, today, overdue=item in overdue, blocked=is_blocked)
        for item in patron.lists[CHARGED.name]
    ]
    holds = [
        _hold(item, items[item], settings, is_ready=which is READY, acts=hold_acts)
        for which in (READY, QUEUED)
        for item in patron.lists[which.name]
    ]
    return Account(
        card_number=patron.card_number,
        currency=currency,
        loans=tuple(sorted(loans, key=due_order)),
        holds=tuple(holds),
        fees=(),
        requests=(),
        blocks=_blocks(status, debt or 0),
        debt_total=debt,
        running_fees=0,
        unread_loans=patron.missing[CHARGED.name],
        unread_holds=patron.missing[READY.name] + patron.missing[QUEUED.name],
    )


def _debt(information: Answer, *, usual: str) -> tuple[str, int | None]:
    """Return the currency and what is owed; None where the amount or its currency is unknown."""
    named, written = name_currency(information.first("BH"), usual=usual), information.first("BV")
    if not written.strip():
        return named or usual, 0
    try:
        amount, unit = read_money(written)
    except ValueError:
        return named or usual, None
    currency = name_currency(unit, usual=named or usual)
    if amount <= 0:
        return named or usual, 0
    if named is None or currency is None or (information.first("BH") and currency != named):
        return named or usual, None
    return currency, to_smallest_unit(amount, currency=currency)


def read_loan(
    item: str, answer: Answer, settings: Sip2Settings, today: date, *, overdue: bool = False, blocked: bool = False
) -> Loan:
    """Return a loan from the answer about its item, or about its renewal."""
    due_on = _day(answer.first("AH"), settings)
    return Loan(
        loan_id=item,
        barcode=item,
        title=clean_text(answer.first("AJ")),
        author="",
        category=_MEDIA_TYPES.get(answer.first("CK"), ""),
        due_on=due_on,
        overdue=overdue or (due_on is not None and due_on < today),
        running_fee=0,
        renewals_left=None,
        renewable=not blocked,
        not_renewable_because="blocked" if blocked else None,
        claim_level=0,
        interlibrary=False,
    )


def _hold(item: str, answer: Answer, settings: Sip2Settings, *, is_ready: bool, acts: tuple[str, ...]) -> Hold:
    return Hold(
        hold_id=item,
        # Some servers list holds by title, and know no item of that name.
        title=clean_text(answer.first("AJ")) or item,
        author="",
        category=_MEDIA_TYPES.get(answer.first("CK"), ""),
        asked_on=None,
        ready=is_ready,
        fetch_before=_day(answer.first("CM"), settings) if is_ready else None,
        queue_position=0 if is_ready else None,
        acts=acts,
    )


def _day(value: str, settings: Sip2Settings) -> date | None:
    if match := _SIP_DATE.fullmatch(value.strip()):
        return day_or_none("-".join(match.groups()))
    if not settings.due_date_format:
        return day_or_none(value)
    try:
        return datetime.strptime(value.strip(), settings.due_date_format).replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _blocks(status: str, debt: int) -> tuple[Block, ...]:
    reasons = dict.fromkeys(reason for place, reason in _BLOCKS.items() if status[place] == "Y")
    if not reasons and status[_PRIVILEGES_DENIED] == "Y":
        reasons = {"restricted": None}
    return tuple(Block(reason, debt if reason in ("debt", "invoice") else 0) for reason in reasons)
