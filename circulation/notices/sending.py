"""Send what stands in the outbox, each card's by the ways that its holder chose, and never in their quiet hours.

A card without an address keeps its notices in the outbox, for the desk to print.
"""

from __future__ import annotations

import hashlib
import smtplib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from functools import partial
from random import shuffle
from time import sleep
from typing import Final, TypeVar

import httpx
from sqlalchemy import delete, select, update

from circulation.database import Database
from circulation.notices.post import TryLater
from circulation.notices.words import write_letter, write_text
from circulation.policy.library import Policy
from circulation.policy.rules import is_quiet, local_day
from circulation.tables import Notice, ReminderChoice

T = TypeVar("T")

_LONGEST_PAUSE_SECONDS: Final = 3600
_MOST_PAUSES: Final = 5
_MOST_FAILURES: Final = 5
_KINDS: Final = {"reminder": "due", "claim": "overdue", "hold_ready": "ready", "interlibrary_refused": "ready"}
"""What a notice is about, in the words of a patron's choices."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many cards were written to, have no address, must be tried again, or are in their quiet hours."""

    sent: int
    without_address: int
    failed: int
    quiet: int = 0


@dataclass(frozen=True, slots=True)
class _Ways:
    """What a run sends by, and at whose pace."""

    policy: Policy
    sender: str
    address_of: Callable[[str], str | None]
    send: Callable[[EmailMessage], None]
    phone_of: Callable[[str], str | None]
    text: Callable[[str, str], bool]
    push: Callable[[str, str, str], bool]
    wait: Callable[[float], None]
    now: datetime


def send_notices(
    *,
    database: Database,
    policy: Policy,
    sender: str,
    address_of: Callable[[str], str | None],
    send: Callable[[EmailMessage], None],
    now: datetime,
    phone_of: Callable[[str], str | None] = lambda _card_number: None,
    text: Callable[[str, str], bool] = lambda _number, _words: False,
    push: Callable[[str, str, str], bool] = lambda _card_number, _kind, _key: False,
    wait: Callable[[float], None] = sleep,
) -> Sent:
    """One letter a card with everything that is not sent, or a text message, or a notification of each kind.

    Where the chosen way does not reach somebody, an e-mail does. What fails stays in the outbox for the next run.
    What asks the register may raise TryLater: the run pauses so long, and goes on. It ends early where the pause is
    longer than an hour, or where neighbours fail several times in a row. A crash between sending and noting it sends
    that one letter again; none is lost.
    """
    ways = _Ways(policy, sender, address_of, send, phone_of, text, push, wait, now)
    unsent = select(Notice).where(Notice.sent_on.is_(None))
    with database.reading() as session:
        cards = list(session.scalars(unsent.with_only_columns(Notice.card_number).distinct()))
    # A run that ends early must not leave out the same cards each time.
    shuffle(cards)
    outcome: Counter[str] = Counter()
    failed_in_a_row = 0
    for card_number in cards:
        try:
            outcome[_send_to(card_number, ways, database)] += 1
            failed_in_a_row = 0
        except TryLater:
            break
        except (ValueError, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError):
            # A fault of one address says nothing of the next.
            outcome["failed"] += 1
        except (httpx.HTTPError, OSError):
            outcome["failed"] += 1
            failed_in_a_row += 1
            if failed_in_a_row == _MOST_FAILURES:
                break
    not_tried = len(cards) - outcome.total()
    return Sent(outcome["sent"], outcome["without_address"], outcome["failed"] + not_tried, outcome["quiet"])


def _send_to(card_number: str, ways: _Ways, database: Database) -> str:
    """Send one card's notices, and return what became of them: sent, without_address, quiet, or returned."""
    with database.reading() as session:
        choice = session.get(ReminderChoice, card_number)
    if choice is not None and is_quiet(
        policy=ways.policy, now=ways.now, quiet_from=choice.quiet_from, quiet_to=choice.quiet_to
    ):
        return "quiet"
    by_way: dict[str, set[str]] = defaultdict(set)
    for kind, about in _KINDS.items():
        by_way[getattr(choice, about) if choice is not None else "email"].add(kind)
    today = local_day(policy=ways.policy, now=ways.now)
    unread = _Outbox(database, card_number, today)
    # A claim that nobody wants to be sent is printed: it costs money.
    unread.note_sent(unread.read(by_way["none"] - {"claim"}))
    for kind in sorted(by_way["push"]):
        if not (notices := unread.read({kind})):
            continue
        key = hashlib.sha256("".join(sorted(notice.id for notice in notices)).encode()).hexdigest()
        if _at_their_pace(partial(ways.push, card_number, _KINDS[kind], key), ways.wait):
            unread.note_sent(notices)
        else:
            by_way["email"].add(kind)
    if unread.read(by_way["sms"]):
        number = _at_their_pace(partial(ways.phone_of, card_number), ways.wait)
        # Read now: a copy may have come back during a pause, and its notices are gone.
        notices = unread.read(by_way["sms"])
        words = write_text(policy=ways.policy, notices=notices)
        if not notices or (number and ways.text(number, words)):
            unread.note_sent(notices)
        else:
            by_way["email"] |= by_way["sms"]
    if unread.read(by_way["email"]):
        address = _at_their_pace(partial(ways.address_of, card_number), ways.wait)
        notices = unread.read(by_way["email"])
        if address and notices:
            letter = write_letter(
                policy=ways.policy, sender=ways.sender, address=address, notices=notices, now=ways.now
            )
            _at_their_pace(partial(ways.send, letter), ways.wait)
            unread.note_sent(notices)
    if unread.read(_KINDS):
        return "without_address"
    return "sent" if unread.has_sent else "returned"


class _Outbox:
    """What of one card's is not sent."""

    def __init__(self, database: Database, card_number: str, today: date) -> None:
        self._database, self._card_number, self._today = database, card_number, today
        self.has_sent = False

    def read(self, kinds: Iterable[str]) -> list[Notice]:
        """The notices of these kinds that are there now."""
        theirs = (Notice.card_number == self._card_number) & Notice.sent_on.is_(None)
        with self._database.reading() as session:
            return list(session.scalars(select(Notice).where(theirs, Notice.kind.in_(list(kinds)))))

    def note_sent(self, notices: list[Notice]) -> None:
        """These are sent."""
        if not notices:
            return
        ids = [notice.id for notice in notices]
        with self._database.writing() as session:
            session.execute(update(Notice).where(Notice.id.in_(ids)).values(sent_on=self._today))
            # The others go with their loan or hold; a refusal has nothing left to go with.
            session.execute(delete(Notice).where(Notice.id.in_(ids), Notice.kind == "interlibrary_refused"))
        self.has_sent = True


def _at_their_pace(act: Callable[[], T], wait: Callable[[float], None]) -> T:
    """Do it; pause as often and as long as the server asks. TryLater where that is too often or too long."""
    for _ in range(_MOST_PAUSES):
        try:
            return act()
        except TryLater as later:
            if later.seconds > _LONGEST_PAUSE_SECONDS:
                raise
            wait(max(1.0, later.seconds))
    return act()
