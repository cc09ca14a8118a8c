"""The library sends its own outbox, by e-mail. A letter says how many and when, and never what.

E-mail addresses are not here: the library asks the register for one at the moment of sending, and forgets it. A card
without an e-mail address keeps its notices in the outbox, for the desk to print.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from email.message import EmailMessage
from typing import Final, Self
from urllib.parse import quote

import httpx
from sqlalchemy import delete, select, update

from circulation.database import Database
from circulation.policy.library import Policy
from circulation.policy.rules import local_day
from circulation.settings import SettingsError, example_passwords
from circulation.tables import Notice

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
        faults += example_passwords(environ, "CIRCULATION_REGISTER_PASSWORD")
        if faults:
            raise SettingsError("\n".join(faults))
        url, user, password, _, sender = values.values()
        return cls(url.rstrip("/"), user, password, host, int(port), sender)

    def address_of(self, card_number: str) -> str | None:
        """The e-mail address that the register has now, or None. httpx.HTTPError where it does not answer."""
        answer = httpx.get(
            f"{self.register_url}/api/v1/patrons/{quote(card_number, safe='')}",
            auth=(self.register_user, self.register_password),
            timeout=10,
        )
        # Whoever was erased has no address any more, and a loan that is still out keeps their notices here.
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            return None
        email = answer.raise_for_status().json().get("email")
        return email if isinstance(email, str) and email else None

    def send(self, letter: EmailMessage) -> None:
        """Hand a letter to the mail server by STARTTLS (RFC 3207). OSError or SMTPException where it will not.

        A server that cannot encrypt gets no letter; on this machine nobody can listen.
        """
        with smtplib.SMTP(self.smtp_host, self.smtp_port, timeout=10) as server:
            if self.smtp_host not in ("localhost", "127.0.0.1", "::1"):
                server.starttls(context=ssl.create_default_context())
            server.send_message(letter)


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
) -> Sent:
    """One letter a card with everything that is not sent. What fails stays in the outbox for the next run.

    A crash between sending and noting it sends that one letter again; none is lost.
    """
    with database.reading() as session:
        unsent = select(Notice).where(Notice.sent_on.is_(None)).order_by(Notice.card_number, Notice.about_day)
        waiting: dict[str, list[Notice]] = {}
        for notice in session.scalars(unsent):
            waiting.setdefault(notice.card_number, []).append(notice)
        session.expunge_all()
    outcome: Counter[str] = Counter()
    for card_number, notices in waiting.items():
        try:
            address = address_of(card_number)
            if address is None:
                outcome["without_address"] += 1
                continue
            send(write_letter(policy=policy, sender=sender, address=address, notices=notices))
        except (httpx.HTTPError, OSError, smtplib.SMTPException, ValueError):
            outcome["failed"] += 1
            continue
        _note_sent(database, [notice.id for notice in notices], local_day(policy=policy, now=now))
        outcome["sent"] += 1
    return Sent(outcome["sent"], outcome["without_address"], outcome["failed"])


def _note_sent(database: Database, ids: list[str], today: date) -> None:
    with database.writing() as session:
        session.execute(update(Notice).where(Notice.id.in_(ids)).values(sent_on=today))
        # The others go with their loan or hold; a refusal has nothing left to go with.
        session.execute(delete(Notice).where(Notice.id.in_(ids), Notice.kind == "interlibrary_refused"))


def write_letter(*, policy: Policy, sender: str, address: str, notices: list[Notice]) -> EmailMessage:
    """What happened, how often and when, in the library's language."""
    say = _LINES[policy.language]
    counted = Counter((notice.about_day, notice.kind, notice.step) for notice in notices)
    lines = [
        say[kind].format(day=day.strftime(say["day"]), step=step, n=number)
        for (day, kind, step), number in sorted(counted.items())
    ]
    letter = EmailMessage()
    letter["Subject"] = say["subject"].format(library=policy.name)
    letter["From"], letter["To"] = sender, address
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content("\n".join([*lines, "", say["end"], policy.name, ""]))
    return letter
