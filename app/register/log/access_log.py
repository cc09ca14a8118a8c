"""Who looked at a patron. The line is on disk before the answer is served; without it there is no answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.register.log.proofs import body_of, prove
from app.register.store.constraints import is_foreign_key
from app.register.store.transaction import autonomous, db
from app.register.tables.register import AccessLogEntry, Patron
from app.rules.errors import RuleBroken

ROLES: Final = frozenset({"guardian", "kiosk", "staff", "supplier", "system"})
PURPOSES: Final = frozenset(
    {
        "activate",
        "activate by PIN",
        "activate by papers",
        "activate by scan",
        "correct",
        "counter",
        "enrol",
        "family folder",
        "fetch",
        "look-up",
        "papers",
        "pin-check",
        "post",
        "scan",
    }
)
FIELDS: Final = frozenset(
    {
        "PIN",
        "address",
        "age",
        "age band",
        "agreements",
        "birth date",
        "card",
        "card number",
        "card state",
        "contact data",
        "device",
        "devices",
        "driving licence",
        "e-mail",
        "fees",
        "gender",
        "holds",
        "home library",
        "identity card",
        "language",
        "loans",
        "name",
        "other papers",
        "passport",
        "phone",
        "place",
        "preferred contact",
        "residence permit",
    }
)
"""All that a line can say. A patron reads each of them in their own language, so no other word is written."""


class NotWrittenDown(Exception):
    """The log cannot be written, so nothing may be told."""


class LookedTooLate(RuleBroken):
    """Whoever was to be shown was erased at this moment: nobody is left to be told of."""

    code = "gone"


class NotAWordOfTheLog(Exception):
    """A programming fault: a patron could not read the line."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, in one of the ROLES. `actor` tells the library which of them; of a guardian it is the patron's id."""

    role: str
    actor: str
    library_id: str | None

    def __post_init__(self) -> None:
        """Raise NotAWordOfTheLog where the role is none of the ROLES."""
        if self.role not in ROLES:
            raise NotAWordOfTheLog(self.role)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a code is shown: `scope` owns the step, `looker` goes into the access log."""

    scope: str
    looker: Looker
    library_id: str


def check_words(*, purpose: str, fields: str) -> None:
    """Raise NotAWordOfTheLog where a purpose or one of the fields is no word that a line may hold."""
    unknown = {purpose} - PURPOSES | set(fields.split(", ")) - FIELDS
    if unknown:
        raise NotAWordOfTheLog(*sorted(unknown))


def write_down(*, patron_id: int, looker: Looker, purpose: str, fields: str, now: datetime) -> None:
    """Write one line to the access log and commit it. `fields` names what was shown, never its values.

    Raises NotWrittenDown or LookedTooLate.
    """
    if not write_down_list(patron_ids=[patron_id], looker=looker, purpose=purpose, fields=fields, now=now):
        raise LookedTooLate


def write_down_list(
    *, patron_ids: Iterable[int], looker: Looker, purpose: str, fields: str, now: datetime
) -> frozenset[int]:
    """Write one line for each patron of a list, all or none, and commit them; return who may be shown.

    Raises NotWrittenDown.
    """
    patrons = dict.fromkeys(sorted(set(patron_ids)), fields)
    return write_down_all(patrons=patrons, looker=looker, purpose=purpose, now=now)


def write_down_all(*, patrons: Mapping[int, str], looker: Looker, purpose: str, now: datetime) -> frozenset[int]:
    """Write one line for each patron, all or none, and commit them. `patrons` gives the fields shown of each.

    Returns who may be shown: not those who were erased at this moment. Raises NotWrittenDown.
    """
    left = dict(patrons)
    while left:
        try:
            with autonomous() as connection:
                connection.execute(insert(AccessLogEntry).values(_lines(left, looker=looker, purpose=purpose, now=now)))
            break
        except SQLAlchemyError as error:
            there = _who_is_there(left) if _came_too_late(error) else left
            if len(there) == len(left):
                raise NotWrittenDown from None
            left = there
    return frozenset(left)


def _came_too_late(error: SQLAlchemyError) -> bool:
    return isinstance(error, IntegrityError) and is_foreign_key(error)


def _who_is_there(patrons: Mapping[int, str]) -> dict[int, str]:
    with autonomous() as connection:
        there = set(connection.execute(select(Patron.id).where(Patron.id.in_(patrons))).scalars())
    return {patron_id: fields for patron_id, fields in patrons.items() if patron_id in there}


def write_down_with_act(*, patron_id: int, looker: Looker, purpose: str, fields: str, now: datetime) -> None:
    """Write one line in the request's own transaction: act, line and answer are there together, or none of them.

    Raises NotWrittenDown or LookedTooLate.
    """
    lines = _lines({patron_id: fields}, looker=looker, purpose=purpose, now=now)
    try:
        db.session.execute(insert(AccessLogEntry).values(lines))
    except SQLAlchemyError as error:
        raise (LookedTooLate if _came_too_late(error) else NotWrittenDown) from None


def _lines(patrons: Mapping[int, str], *, looker: Looker, purpose: str, now: datetime) -> list[dict[str, Any]]:
    for fields in set(patrons.values()):
        check_words(purpose=purpose, fields=fields)
    told: dict[str, Any] = {
        "library_id": looker.library_id,
        "role": looker.role,
        "actor": looker.actor,
        "purpose": purpose,
        "at": now,
    }
    lines: list[dict[str, Any]] = [
        told | {"patron_id": patron_id, "fields": fields} for patron_id, fields in patrons.items()
    ]
    return [line | {"proof": prove(body_of(**line))} for line in lines]
