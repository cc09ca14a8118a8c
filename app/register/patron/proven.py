"""Where a patron is reached, and which of the addresses were proven to be theirs.

What a library writes proves nothing. Links to a PIN and codes go to proven addresses alone, and only the patron, or a
desk that has seen papers, replaces a proven address. Why: docs/adr/0011.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Row

from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.errors import RuleBroken
from app.rules.people.contact import CONTACT_FIELDS, takes_sms

EMAIL: Final = "email"
SMS: Final = "sms"
LETTER: Final = "letter"

PAPERS: Final = "papers"
"""The purpose in the access log where a desk has seen papers."""

PROVEN_COLUMNS: Final[Mapping[str, str]] = {EMAIL: "proven_email", SMS: "proven_phone", LETTER: "proven_address"}
REACHED: Final = (
    *(getattr(Patron, name) for name in (*CONTACT_FIELDS, *PROVEN_COLUMNS.values())),
    Patron.awaits_first_link,
)
"""The columns that make a row Reachable."""


class PapersNotSeen(RuleBroken):
    """A desk must see papers before it proves an address, or hands over a link to a PIN."""


Reachable = Patron | Row[*tuple[Any, ...]]
"""A patron, or a row with the columns REACHED."""


def present_addresses(patron: Reachable) -> dict[str, str | None]:
    """Return the present addresses, proven or not, by channel; a postal one as its lines without the name."""
    place = f"{patron.postcode or ''} {patron.place or ''}".strip()
    lines = "\n".join(line for line in (patron.address, place) if line)
    return {EMAIL: patron.email, SMS: patron.phone, LETTER: lines or None}


def proven_addresses(patron: Reachable) -> dict[str, str | None]:
    """Return the addresses that were proven, by channel."""
    return {EMAIL: patron.proven_email, SMS: patron.proven_phone, LETTER: patron.proven_address}


def reached_by(addresses: dict[str, str | None]) -> dict[str, str | None]:
    """Return addresses by channel, without a telephone number that cannot receive text messages."""
    return addresses if takes_sms(addresses[SMS]) else addresses | {SMS: None}


def addresses_for(patron: Reachable, *, is_secret: bool, is_link: bool = False) -> dict[str, str | None]:
    """Return where a message reaches the patron, by channel.

    A link or code (`is_secret`) goes to proven addresses alone, except the first link of a new card, which goes to the
    present ones. Anything else goes to a proven e-mail address or telephone where there is one.
    """
    proven = reached_by(proven_addresses(patron))
    if is_secret and not (is_link and patron.awaits_first_link):
        return proven
    return proven if proven[EMAIL] or proven[SMS] else reached_by(present_addresses(patron))


def unproven_channels(patron: Reachable) -> list[str]:
    """Return the channels whose present address is not the proven one."""
    present, proven = present_addresses(patron), proven_addresses(patron)
    return [channel for channel in PROVEN_COLUMNS if present[channel] != proven[channel]]


def list_unproven(*, patron_id: int) -> list[str]:
    """Return `unproven_channels` of the patron with this id."""
    return unproven_channels(db.session.get_one(Patron, patron_id))


def prove(patron: Patron, *, channels: Collection[str]) -> None:
    """Make the present addresses, or that there is none, the proven ones."""
    present = present_addresses(patron)
    for channel in channels:
        setattr(patron, PROVEN_COLUMNS[channel], present[channel])
    patron.awaits_first_link = False
