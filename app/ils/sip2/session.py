"""One conversation with a SIP2 server: sign on, then ask about patrons and items, or renew.

Patron information (63/64) lists what a card has, item information (17/18) has title and due date of each item. SIP2
has the sum of what is owed, not its parts, and no author. Where the time is up, or an answer cannot be read, loans are
returned without title and due date, and what is missing in a list is counted.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, Self

from app.ils.budget import Budget, attempt
from app.ils.port import Account, Loan, Refused, Renewal, Unavailable
from app.ils.reading import clean_text
from app.ils.sip2 import answers
from app.ils.sip2.answers import CHARGED, OVERDUE, QUEUED, READY, ItemList, Patron, read_ids
from app.ils.sip2.wire import Answer, Connection, Sip2Settings
from app.rules.people.ages import day_in_norway

_LANGUAGE: Final = "000"
_SUMMARY_LENGTH: Final = 10
_MOST_PAGES: Final = 20
# The place of Hold (15/16) among the supported messages.
_HOLD_MESSAGE: Final = 13
# The place of the protocol's version in the fixed fields of the server's status (98).
_VERSION: Final = slice(30, 34)
# Of the time left once the lists of loans are there. The rest is for handing over what was read.
_SHARE_FOR_TITLES: Final = 0.8
# Of the whole time, for renewing all with one message.
_SHARE_FOR_ALL: Final = 0.25
_CARD_NUMBER: Final = re.compile(r"[A-Z0-9]{4,20}", re.ASCII)


class Session:
    """A context manager; signs on when entered. `now` is aware. Every method may raise Unavailable."""

    def __init__(self, *, settings: Sip2Settings, now: datetime, budget: Budget) -> None:
        self._settings = settings
        self._today = day_in_norway(now)
        self._now = now.astimezone(UTC).strftime("%Y%m%d   Z%H%M%S")
        self._budget = budget

    def __enter__(self) -> Self:
        self._connection = Connection(settings=self._settings, budget=self._budget)
        try:
            if self._settings.user:
                self._sign_on()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def accounts(self, card_numbers: Sequence[str]) -> list[Account]:
        """Return what each card has. Refused: invalid_field where one is no card number."""
        patrons = [self._charged_or_nothing(card_number) for card_number in card_numbers]
        if all(patron.is_unread for patron in patrons):
            raise Unavailable("bad_answer")
        self._connection.budget = self._budget.share(_SHARE_FOR_TITLES)
        for which in (OVERDUE, READY, QUEUED):
            for patron in patrons:
                self._add_list(patron, which)
        items: dict[str, Answer] = {}
        # Titles come one by one, and perhaps not all in time: first of what is overdue.
        for name in (OVERDUE.name, CHARGED.name, READY.name, QUEUED.name):
            for patron in patrons:
                for item in patron.lists[name]:
                    if item not in items:
                        items[item] = attempt(partial(self._item, item), answers.NOTHING)
        has_holds = any(patron.lists[READY.name] or patron.lists[QUEUED.name] for patron in patrons)
        acts = attempt(self._hold_acts, tuple[str, ...]()) if has_holds else ()
        return [answers.read_account(patron, items, self._settings, self._today, acts) for patron in patrons]

    def renew(self, card_number: str, loan_id: str) -> Loan:
        """Renew a loan of this card. Refused: unknown_loan, not_renewable; SIP2 has no codes for a refusal."""
        # Not every server checks whose loan it renews.
        if loan_id not in self._charged(card_number).lists[CHARGED.name]:
            raise Refused("unknown_loan")
        return answers.read_loan(loan_id, self._renew(card_number, loan_id), self._settings, self._today)

    def renew_all(self, card_number: str) -> list[Renewal]:
        """Renew what may be renewed, one by one where the server does not know how to renew all."""
        items = self._charged(card_number).lists[CHARGED.name]
        renewed = self._renew_all(card_number, items)
        (account,) = self.accounts([card_number])
        return [
            Renewal(loan, loan.loan_id in renewed, None if loan.loan_id in renewed else "not_renewable")
            for loan in account.loans
        ]

    def cancel_hold(self, card_number: str, hold_id: str) -> None:
        """Cancel a hold of this card. Refused: unknown_hold, hold_kept; SIP2 has no codes for a refusal."""
        patron = self._charged(card_number)
        for which in (READY, QUEUED):
            self._add_list(patron, which)
        # Not every server checks whose hold it cancels.
        if hold_id not in (*patron.lists[READY.name], *patron.lists[QUEUED.name]):
            raise Refused("unknown_hold")
        fields = [*self._named(card_number), ("AB", hold_id), ("BO", "N")]
        answer = self._connection.ask("15", f"-{self._now}", fields, answer="16")
        if not answer.fixed.startswith("1"):
            raise Refused("hold_kept")

    def version(self) -> str:
        """Return the version of SIP2 that the server's status tells, such as "SIP2 2.00"."""
        return f"SIP2 {clean_text(self._status().fixed[_VERSION])}".strip()

    def _status(self) -> Answer:
        return self._connection.ask("99", "00802.00", [], answer="98")

    def _hold_acts(self) -> tuple[str, ...]:
        """What the server says it can do with a hold: the messages that it supports stand in its status (98)."""
        status = self._status()
        return ("cancel",) if status.first("BX")[_HOLD_MESSAGE : _HOLD_MESSAGE + 1].upper() == "Y" else ()

    def _renew(self, card_number: str, item: str) -> Answer:
        answer = self._connection.ask(
            "29",
            # No third party, no "already done offline"; the date that belongs to the latter is not read then.
            f"NN{self._now}{self._now}",
            [*self._named(card_number), ("AB", item), ("BO", "N")],
            answer="30",
        )
        if not answer.fixed.startswith("1"):
            raise Refused("not_renewable")
        if clean_text(answer.first("AB")) not in ("", item):
            raise Unavailable("bad_answer")
        return answer

    def _renew_all(self, card_number: str, items: Sequence[str]) -> set[str]:
        self._connection.budget = self._budget.share(_SHARE_FOR_ALL)
        try:
            answer = self._connection.ask("65", self._now, [*self._named(card_number), ("BO", "N")], answer="66")
        except Unavailable:
            # A server that does not know the message says nothing, something else, or closes the connection.
            self._connection.close()
            self.__enter__()
            return self._renew_each(card_number, items)
        renewed, refused = ({clean_text(item) for item in answer.all(name)} for name in ("BM", "BN"))
        count, kept = answer.count(1), answer.count(5)
        if not renewed and not refused and not count and not kept:
            return self._renew_each(card_number, items)
        if count and not renewed:
            # Which ones is unknown unless the others are named, or none is left.
            if not refused and count < len(items):
                raise Unavailable("bad_answer")
            return set(items) - refused
        return renewed

    def _renew_each(self, card_number: str, items: Sequence[str]) -> set[str]:
        def is_renewed(item: str) -> bool:
            try:
                self._renew(card_number, item)
            except Refused:
                return False
            return True

        return {item for item in items if attempt(partial(is_renewed, item), False)}

    def _sign_on(self) -> None:
        fields = [("CN", self._settings.user), ("CO", self._settings.password), ("CP", self._settings.location)]
        if self._connection.ask("93", "00", fields, answer="94").fixed != "1":
            raise Unavailable("not_admitted")

    def _named(self, card_number: str) -> list[tuple[str, str]]:
        if not _CARD_NUMBER.fullmatch(card_number):
            raise Refused("invalid_field")
        own = self._settings
        return [("AO", own.institution), ("AA", card_number), ("AC", own.terminal_password)]

    def _patron(self, card_number: str, which: ItemList, start: int = 0, end: int = 0) -> Answer:
        summary = "".join("Y" if place == which.place else " " for place in range(_SUMMARY_LENGTH))
        page = [("BP", str(start)), ("BQ", str(end))] if start else []
        fields = [*self._named(card_number), ("AD", ""), *page]
        answer = self._connection.ask("63", _LANGUAGE + self._now + summary, fields, answer="64")
        # Another card's loans must never be shown, whatever went wrong at the other end.
        if answer.first("AA").strip().upper() != card_number:
            raise Unavailable("bad_answer")
        return answer

    def _charged_or_nothing(self, card_number: str) -> Patron:
        """One card's answer that cannot be read hides no other's; after a time-out nothing more can be asked."""
        try:
            return self._charged(card_number)
        except Unavailable as fault:
            if fault.reason != "bad_answer":
                raise
            return Patron(card_number, answers.NOTHING)

    def _charged(self, card_number: str) -> Patron:
        patron = Patron(card_number, self._patron(card_number, CHARGED))
        self._add_list(patron, CHARGED)
        return patron

    def _add_list(self, patron: Patron, which: ItemList) -> None:
        """Read a list page by page; the first answer may have begun it."""
        if patron.is_unread or not patron.is_known:
            return
        ask = partial(self._patron, patron.card_number, which)
        found, count = read_ids(patron.information, which), patron.information.count(which.count)
        # A server that lists loans and says that there are none does not count.
        is_uncounted = bool(patron.lists[CHARGED.name]) and patron.information.count(CHARGED.count) == 0
        if not found and which is not CHARGED and (count != 0 or is_uncounted):
            found = read_ids(attempt(ask, answers.NOTHING), which)
        for _ in range(_MOST_PAGES):
            if not count or len(found) >= count:
                break
            page = read_ids(attempt(partial(ask, start=len(found) + 1, end=count), answers.NOTHING), which)
            if page.keys() <= found.keys():
                break
            found |= page
        patron.lists[which.name] = list(found)
        patron.missing[which.name] = max(0, (count or 0) - len(found))

    def _item(self, item: str) -> Answer:
        own = self._settings
        fields = [("AO", own.institution), ("AB", item), ("AC", own.terminal_password)]
        answer = self._connection.ask("17", self._now, fields, answer="18")
        if clean_text(answer.first("AB")) not in ("", item):
            raise Unavailable("bad_answer")
        return answer
