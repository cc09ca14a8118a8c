"""The library sends its own outbox, by e-mail. A letter says how many and when, and never what.

E-mail addresses are not here: the library asks the register for one at the moment of sending, and forgets it. A card
without an e-mail address keeps its notices in the outbox, for the desk to print.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr, parsedate_to_datetime
from functools import partial
from random import shuffle
from time import sleep
from typing import Final, Self, TypeVar
from urllib.parse import quote

import httpx
from email_validator import validate_email
from sqlalchemy import delete, select, update

from circulation.database import Database
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.settings import SettingsError, example_passwords
from circulation.tables import Notice

T = TypeVar("T")

_USUAL_PAUSE_SECONDS: Final = 60.0
_LONGEST_PAUSE_SECONDS: Final = 3600
_MOST_PAUSES: Final = 5
_MOST_FAILURES: Final = 5
_SERVER_IS_BUSY: Final = (421, 450, 451, 452)
"""Answers of a mail server that may be other ones a little later (RFC 5321 § 4.2.3)."""

# What to say of a kind, by the library's language: {n} how many, {day} about which day, written as `day` says, {step}
# which claim.
_LINES: Final[dict[str, dict[str, str]]] = {
    "nb": {
        "day": "%d.%m.%Y",
        "subject": "Beskjed fra {library}",
        "reminder": "Lån som skal leveres senest {day}: {n}.",
        "claim": "Purring {step}: lån som skulle vært levert: {n}.",
        "hold_ready": "Reservert og klart til henting til og med {day}: {n}.",
        "interlibrary_refused": "Et fjernlån som du ba om {day}, kunne ikke skaffes.",
        "end": "Logg inn på Min side for å se mer.",
    },
    "nn": {
        "day": "%d.%m.%Y",
        "subject": "Melding frå {library}",
        "reminder": "Lån som skal leverast seinast {day}: {n}.",
        "claim": "Purring {step}: lån som skulle ha vore leverte: {n}.",
        "hold_ready": "Reservert og klart til henting til og med {day}: {n}.",
        "interlibrary_refused": "Eit fjernlån som du bad om {day}, kunne ikkje skaffast.",
        "end": "Logg inn på Mi side for å sjå meir.",
    },
    "sv": {
        "day": "%Y-%m-%d",
        "subject": "Meddelande från {library}",
        "reminder": "Lån som ska vara tillbaka senast {day}: {n}.",
        "claim": "Krav {step}: lån som skulle ha lämnats tillbaka: {n}.",
        "hold_ready": "Reserverat och klart att hämta till och med {day}: {n}.",
        "interlibrary_refused": "Ett fjärrlån som du bad om {day} kunde inte ordnas.",
        "end": "Logga in på Min sida för att se mer.",
    },
    "en": {
        "day": "%-d %B %Y",
        "subject": "Message from {library}",
        "reminder": "Loans due by {day}: {n}.",
        "claim": "Claim {step}: loans that should have been returned: {n}.",
        "hold_ready": "Reserved and ready to fetch until {day}: {n}.",
        "interlibrary_refused": "An interlibrary loan that you asked for on {day} could not be had.",
        "end": "Sign in to My page to see more.",
    },
}


# They log each address that is asked, and the register's hold a card number.
for _talkative in ("httpx", "httpcore"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Post:
    """Where to ask for an address and where to hand a letter in; the password is the library's at the register."""

    register_url: str
    register_user: str
    register_password: str = field(repr=False)
    smtp_host: str
    smtp_port: int
    sender: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read CIRCULATION_REGISTER_URL, _USER and _PASSWORD, CIRCULATION_SMTP (host:port) and CIRCULATION_MAIL_FROM.

        SettingsError lists every one that is missing.
        """
        names = ("REGISTER_URL", "REGISTER_USER", "REGISTER_PASSWORD", "SMTP", "MAIL_FROM")
        values = {name: environ.get(f"CIRCULATION_{name}", "") for name in names}
        faults = [f"CIRCULATION_{name}: must be set to send notices" for name, value in values.items() if not value]
        host, _, port = values["SMTP"].rpartition(":")
        if values["SMTP"] and not (host and port.isascii() and port.isdigit()):
            faults.append("CIRCULATION_SMTP: must be host:port")
        try:
            _address(parseaddr(values["MAIL_FROM"] or "unset@example.org")[1])
        except ValueError:
            faults.append("CIRCULATION_MAIL_FROM: must be an e-mail address")
        faults += example_passwords(environ, "CIRCULATION_REGISTER_PASSWORD")
        if faults:
            raise SettingsError("\n".join(faults))
        url, user, password, _, sender = values.values()
        return cls(url.rstrip("/"), user, password, host, int(port), sender)

    def address_of(self, card_number: str) -> str | None:
        """The e-mail address that the register has now, or None.

        Raises TryLater where the register asks for a pause, and httpx.HTTPError or ValueError where it gives no answer
        that can be used.
        """
        answer = httpx.get(
            f"{self.register_url}/api/v1/patrons/{quote(card_number, safe='')}",
            auth=(self.register_user, self.register_password),
            timeout=10,
        )
        if answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            raise TryLater(_pause(answer.headers))
        # Not a national card; or an erased patron, where a loan that is still out keeps the notices here.
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.UNPROCESSABLE_ENTITY):
            return None
        patron = answer.raise_for_status().json()
        email = patron.get("email") if isinstance(patron, dict) else None
        return email if isinstance(email, str) and email else None

    def send(self, letter: EmailMessage) -> None:
        """Hand a letter to the mail server by STARTTLS (RFC 3207).

        A server that cannot encrypt gets no letter; on this machine nobody can listen. Raises TryLater where the server
        has too much to do, and OSError or SMTPException where it refuses.
        """
        try:
            with closing(smtplib.SMTP(self.smtp_host, self.smtp_port, timeout=10)) as server:
                if self.smtp_host not in ("localhost", "127.0.0.1", "::1"):
                    server.starttls(context=ssl.create_default_context())
                server.send_message(letter)
                with suppress(OSError):  # the server has the letter, whatever it answers now
                    server.quit()
        except smtplib.SMTPResponseException as error:
            if error.smtp_code in _SERVER_IS_BUSY:
                raise TryLater(_USUAL_PAUSE_SECONDS) from None
            raise


class TryLater(Exception):
    """A server is busy, and asks to be tried again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds} seconds")
        self.seconds = seconds


def _pause(headers: httpx.Headers) -> float:
    """The seconds that Retry-After asks for, as a number or a date (RFC 9110 § 10.2.3); a minute if unreadable."""
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return float(wanted)
    try:
        # The register's own clock says how far away its date is.
        later, present = (parsedate_to_datetime(date) for date in (wanted, headers.get("Date", "")))
        return max(0.0, (later - present).total_seconds())
    except (TypeError, ValueError):
        return _USUAL_PAUSE_SECONDS


@dataclass(frozen=True, slots=True)
class Sent:
    """How many cards were written to, have no address, or must be tried again."""

    sent: int
    without_address: int
    failed: int


def send_notices(
    *,
    database: Database,
    policy: Policy,
    sender: str,
    address_of: Callable[[str], str | None],
    send: Callable[[EmailMessage], None],
    now: datetime,
    wait: Callable[[float], None] = sleep,
) -> Sent:
    """One letter a card with everything that is not sent. What fails stays in the outbox for the next run.

    `address_of` may raise TryLater: the run pauses so long, and goes on. It ends early where the pause is longer than
    an hour, or where neighbours fail several times in a row. A crash between sending and noting it sends that one
    letter again; none is lost.
    """
    unsent = select(Notice).where(Notice.sent_on.is_(None))
    with database.reading() as session:
        cards = list(session.scalars(unsent.with_only_columns(Notice.card_number).distinct()))
    # A run that ends early must not leave out the same cards each time.
    shuffle(cards)
    outcome: Counter[str] = Counter()
    failed_in_a_row = 0
    for card_number in cards:
        try:
            address = _at_their_pace(partial(address_of, card_number), wait)
            # Read now: a copy may have come back during a pause, and its notices are gone.
            with database.reading() as session:
                notices = session.scalars(unsent.where(Notice.card_number == card_number)).all()
            if address and notices:
                letter = write_letter(policy=policy, sender=sender, address=address, notices=notices, now=now)
                _at_their_pace(partial(send, letter), wait)
                _note_sent(database, [notice.id for notice in notices], local_day(policy=policy, now=now))
            outcome["sent" if address and notices else "without_address" if notices else "returned"] += 1
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
    return Sent(outcome["sent"], outcome["without_address"], outcome["failed"] + not_tried)


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


def _note_sent(database: Database, ids: list[str], today: date) -> None:
    with database.writing() as session:
        session.execute(update(Notice).where(Notice.id.in_(ids)).values(sent_on=today))
        # The others go with their loan or hold; a refusal has nothing left to go with.
        session.execute(delete(Notice).where(Notice.id.in_(ids), Notice.kind == "interlibrary_refused"))


def write_letter(
    *, policy: Policy, sender: str, address: str, notices: Sequence[Notice], now: datetime
) -> EmailMessage:
    """What happened, how often and when, in the library's language. ValueError for an address that is none."""
    say = _LINES[policy.language]
    counted = Counter((notice.about_day, notice.kind, notice.step) for notice in notices)
    lines = [
        say[kind].format(day=day.strftime(say["day"]), step=step, n=number)
        for (day, kind, step), number in sorted(counted.items())
    ]
    letter = EmailMessage()
    letter["Subject"] = say["subject"].format(library=policy.name)
    name, own = parseaddr(sender)
    letter["From"], letter["To"] = _address(own, name), _address(address)
    letter["Date"], letter["Message-ID"] = format_datetime(now), make_msgid(domain=_address(own).domain)
    letter["Auto-Submitted"] = "auto-generated"  # nobody's absence is to be answered (RFC 3834)
    # Seven bits, since a server need not take eight (RFC 6152).
    letter.set_content("\n".join([*lines, "", say["end"], policy.name, ""]), cte="quoted-printable")
    return letter


def _address(address: str, name: str = "") -> Address:
    """An address with its domain as every mail server takes it: `kari@blåbær.no` is `kari@xn--blbr-roah.no`.

    Where the name before the @ is not ASCII, the server must know SMTPUTF8 (RFC 6531). ValueError where it is none.
    """
    checked = validate_email(address, check_deliverability=False, globally_deliverable=False)
    return Address(name, username=checked.local_part, domain=checked.ascii_domain)
