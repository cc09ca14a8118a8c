"""One conversation with a SIP2 server: sign on, then ask about patrons and items, or renew.

Patron information (63/64) tells what a card has, item information (17/18) title and due date of each loan: a server
that tells no due date there cannot be shown. SIP2 knows the sum of what is owed, not its parts, and no author.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Self

from app.ils.budget import Budget
from app.ils.port import Account, Block, Hold, Loan, Refused, Unavailable
from app.ils.reading import clean_text, to_smallest_unit
from app.ils.sip2.wire import Answer, Connection, Sip2Settings

_LANGUAGE: Final = "000"
_SUMMARY_LENGTH: Final = 10
_STATUS_LENGTH: Final = 14
# Places in the patron status.
_PRIVILEGES_DENIED, _RENEWAL_DENIED = 0, 1
_BLOCKS: Final = {4: "card_lost", 5: "too_many_loans", 6: "overdue", 10: "debt", 11: "debt", 13: "invoice"}
_MEDIA_TYPES: Final = {"001": "book", "002": "magazine"}
_MOST_PAGES: Final = 20

_SIP_DATE: Final = re.compile(r"(\d{4})(\d{2})(\d{2})[ A-Z]{4}\d{6}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_AMOUNT: Final = re.compile(r"\d{1,9}([.,]\d{1,2})?", re.ASCII)
_CARD_NUMBER: Final = re.compile(r"[A-Z0-9]{4,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _List:
    """A list in a 64: the place of its Y in the summary, of its count in the fixed fields, and the field's name."""

    place: int
    count: int
    name: str


_READY: Final = _List(0, 35, "AS")
_OVERDUE: Final = _List(1, 39, "AT")
_CHARGED: Final = _List(2, 43, "AU")
_QUEUED: Final = _List(5, 55, "CD")


class Session:
    """A context manager; signs on when entered. `now` is aware. Every method may raise Unavailable."""

    def __init__(self, *, settings: Sip2Settings, now: datetime, budget: Budget) -> None:
        self._settings = settings
        self._now = now.astimezone(UTC).strftime("%Y%m%d   Z%H%M%S")
        self._connection = Connection(settings=settings, budget=budget)

    def __enter__(self) -> Self:
        try:
            if self._settings.user:
                self._sign_on()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def account(self, card_number: str) -> Account:
        """Return what a card has. Refused: invalid_field where it is no card number."""
        information = self._patron(card_number, _CHARGED)
        currency = information.first("BH") or self._settings.currency
        if not _CURRENCY.fullmatch(currency):
            raise Unavailable("bad_answer")
        if information.first("BL") == "N":
            return Account(card_number, currency, (), (), (), (), (), 0, 0)
        debt = _amount(information.first("BV"), currency)
        status = information.fixed[:_STATUS_LENGTH]
        overdue = set(self._all(card_number, information, _OVERDUE))
        loans = [
            self._loan(item, overdue=item in overdue, blocked=status[_RENEWAL_DENIED] == "Y")
            for item in self._all(card_number, information, _CHARGED)
        ]
        holds = [
            self._hold(item, ready=which is _READY)
            for which in (_READY, _QUEUED)
            for item in self._all(card_number, information, which)
        ]
        return Account(
            card_number=card_number,
            currency=currency,
            loans=tuple(sorted(loans, key=lambda loan: (loan.due_on, loan.title))),
            holds=tuple(holds),
            fees=(),
            requests=(),
            blocks=_blocks(status, debt),
            debt_total=debt,
            running_fees=0,
        )

    def renew(self, card_number: str, loan: Loan) -> Loan:
        """Renew a loan that this card has. Refused: not_renewable."""
        answer = self._connection.ask(
            "29",
            # No third party, no "already done offline"; the date that belongs to the latter is not read then.
            f"NN{self._now}{self._now}",
            [*self._named(card_number), ("AB", loan.loan_id), ("BO", "N")],
            answer="30",
        )
        if not answer.fixed.startswith("1"):
            raise Refused("not_renewable")
        if answer.first("AB") != loan.loan_id:
            raise Unavailable("bad_answer")
        return replace(loan, due_on=self._due_on(answer), overdue=False)

    def renew_all(self, card_number: str) -> frozenset[str]:
        """Renew what may be renewed and return the items that were."""
        answer = self._connection.ask("65", self._now, [*self._named(card_number), ("BO", "N")], answer="66")
        return frozenset(answer.all("BM"))

    def _sign_on(self) -> None:
        fields = [("CN", self._settings.user), ("CO", self._settings.password), ("CP", self._settings.location)]
        if self._connection.ask("93", "00", fields, answer="94").fixed != "1":
            raise Unavailable("not_admitted")

    def _named(self, card_number: str) -> list[tuple[str, str]]:
        if not _CARD_NUMBER.fullmatch(card_number):
            raise Refused("invalid_field")
        return [("AO", self._settings.institution), ("AA", card_number), ("AC", self._settings.terminal_password)]

    def _patron(self, card_number: str, which: _List, start: int = 0, end: int = 0) -> Answer:
        summary = "".join("Y" if place == which.place else " " for place in range(_SUMMARY_LENGTH))
        page = [("BP", str(start)), ("BQ", str(end))] if start else []
        fields = [*self._named(card_number), ("AD", ""), *page]
        answer = self._connection.ask("63", _LANGUAGE + self._now + summary, fields, answer="64")
        # Another card's loans must never be shown, whatever went wrong at the other end.
        if answer.first("AA").strip() != card_number:
            raise Unavailable("bad_answer")
        return answer

    def _all(self, card_number: str, information: Answer, which: _List) -> Sequence[str]:
        count = _count(information, which)
        if count == 0:
            return []
        answer = information if which is _CHARGED else self._patron(card_number, which)
        found = page = answer.all(which.name)
        for _ in range(_MOST_PAGES):
            if count is None or len(found) >= count:
                return found
            following = self._patron(card_number, which, len(found) + 1, count).all(which.name)
            if not following or following == page:
                break
            found, page = found + following, following
        raise Unavailable("bad_answer")

    def _item(self, item: str) -> Answer:
        fields = [("AO", self._settings.institution), ("AB", item), ("AC", self._settings.terminal_password)]
        answer = self._connection.ask("17", self._now, fields, answer="18")
        if answer.first("AB") != item:
            raise Unavailable("bad_answer")
        return answer

    def _loan(self, item: str, *, overdue: bool, blocked: bool) -> Loan:
        information = self._item(item)
        return Loan(
            loan_id=item,
            barcode=item,
            title=clean_text(information.first("AJ")),
            author="",
            category=_MEDIA_TYPES.get(information.first("CK"), ""),
            due_on=self._due_on(information),
            overdue=overdue,
            running_fee=0,
            renewals_left=None,
            renewable=not blocked,
            not_renewable_because="blocked" if blocked else None,
            claim_level=0,
            interlibrary=False,
        )

    def _hold(self, item: str, *, ready: bool) -> Hold:
        information = self._item(item)
        pickup = information.first("CM") if ready else ""
        return Hold(
            hold_id=item,
            # Some servers list holds by title, and know no item of that name.
            title=clean_text(information.first("AJ") or item),
            author="",
            category=_MEDIA_TYPES.get(information.first("CK"), ""),
            asked_on=None,
            ready=ready,
            fetch_before=self._day(pickup) if pickup else None,
            queue_position=0 if ready else None,
        )

    def _due_on(self, information: Answer) -> date:
        return self._day(information.first("AH"))

    def _day(self, value: str) -> date:
        try:
            if match := _SIP_DATE.fullmatch(value):
                return date(int(match[1]), int(match[2]), int(match[3]))
            if self._settings.due_date_format:
                return datetime.strptime(value, self._settings.due_date_format).replace(tzinfo=UTC).date()
            return date.fromisoformat(value[: len("2026-11-22")])
        except ValueError:
            raise Unavailable("bad_answer") from None


def _count(information: Answer, which: _List) -> int | None:
    text = information.fixed[which.count : which.count + 4].strip()
    if not text:
        return None  # the server does not count; its list is what there is
    if not (text.isascii() and text.isdecimal()):
        raise Unavailable("bad_answer")
    return int(text)


def _amount(value: str, currency: str) -> int:
    if not value:
        return 0
    if not _AMOUNT.fullmatch(value.strip()):
        raise Unavailable("bad_answer")
    return to_smallest_unit(Decimal(value.strip().replace(",", ".")), currency=currency)


def _blocks(status: str, debt: int) -> tuple[Block, ...]:
    reasons = dict.fromkeys(reason for place, reason in _BLOCKS.items() if status[place] == "Y")
    if not reasons and status[_PRIVILEGES_DENIED] == "Y":
        reasons = {"restricted": None}
    return tuple(Block(reason, debt if reason in ("debt", "invoice") else 0) for reason in reasons)
