"""The words of notices: how many and when, in the library's language, and never what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Final

from email_validator import validate_email

from circulation.policy.library import Policy
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


def write_lines(*, policy: Policy, notices: Sequence[Notice]) -> list[str]:
    """A sentence for each kind and day."""
    say = _LINES[policy.language]
    counted = Counter((notice.about_day, notice.kind, notice.step) for notice in notices)
    return [
        say[kind].format(day=day.strftime(say["day"]), step=step, n=number)
        for (day, kind, step), number in sorted(counted.items())
    ]


def write_text(*, policy: Policy, notices: Sequence[Notice]) -> str:
    """All of it in one short text message, which says whose it is."""
    return f"{policy.name}: {' '.join(write_lines(policy=policy, notices=notices))}"


def write_letter(
    *, policy: Policy, sender: str, address: str, notices: Sequence[Notice], now: datetime
) -> EmailMessage:
    """What happened, how often and when, in the library's language. ValueError for an address that is none."""
    say, lines = _LINES[policy.language], write_lines(policy=policy, notices=notices)
    letter = EmailMessage()
    letter["Subject"] = say["subject"].format(library=policy.name)
    name, own = parseaddr(sender)
    letter["From"], letter["To"] = checked_address(own, name), checked_address(address)
    letter["Date"], letter["Message-ID"] = format_datetime(now), make_msgid(domain=checked_address(own).domain)
    letter["Auto-Submitted"] = "auto-generated"  # nobody's absence is to be answered (RFC 3834)
    # Seven bits, since a server need not take eight (RFC 6152).
    letter.set_content("\n".join([*lines, "", say["end"], policy.name, ""]), cte="quoted-printable")
    return letter


def checked_address(address: str, name: str = "") -> Address:
    """An address with its domain as every mail server takes it: `kari@blåbær.no` is `kari@xn--blbr-roah.no`.

    Where the name before the @ is not ASCII, the server must know SMTPUTF8 (RFC 6531). ValueError where it is none.
    """
    checked = validate_email(address, check_deliverability=False, globally_deliverable=False)
    return Address(name, username=checked.local_part, domain=checked.ascii_domain)
