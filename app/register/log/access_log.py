"""Who had access to a patron's data. The entry is on disk before the answer is sent; without it there is no answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.register.log.proofs import body_of, prove
from app.register.store.constraints import is_foreign_key
from app.register.store.transaction import autonomous, db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
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


class AccessNotLogged(Exception):
    """The log cannot be written, so nothing may be told."""


class ErasedMeanwhile(RuleBroken):
    """The patron whose data was asked for was erased at this moment."""

    code = "gone"


class UnknownLogWord(Exception):
    """A programming fault: a patron could not read the line."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees a patron's data, in one of the ROLES.

    `actor` tells the library which of them; of a guardian it is the patron's id.
    """

    role: str
    actor: str
    library_id: str | None

    def __post_init__(self) -> None:
        """Raise UnknownLogWord where the role is none of the ROLES."""
        if self.role not in ROLES:
            raise UnknownLogWord(self.role)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a code is shown: `scope` owns the step, `viewer` goes into the access log."""

    scope: str
    viewer: Viewer
    library_id: str


def check_log_words(*, purpose: str, fields: str) -> None:
    """Raise UnknownLogWord where a purpose or one of the fields is no word that a line may hold."""
    unknown = {purpose} - PURPOSES | set(fields.split(", ")) - FIELDS
    if unknown:
        raise UnknownLogWord(*sorted(unknown))


def log_access(*, patron_id: int, viewer: Viewer, purpose: str, fields: str, now: datetime) -> None:
    """Write one line to the access log and commit it. `fields` names what was shown, never its values.

    Raises AccessNotLogged or ErasedMeanwhile.
    """
    if not log_list_access(patron_ids=[patron_id], viewer=viewer, purpose=purpose, fields=fields, now=now):
        raise ErasedMeanwhile


def log_list_access(
    *, patron_ids: Iterable[int], viewer: Viewer, purpose: str, fields: str, now: datetime
) -> frozenset[int]:
    """Write one line for each patron of a list, all or none, and commit them; return who may be shown.

    Raises AccessNotLogged.
    """
    patrons = dict.fromkeys(sorted(set(patron_ids)), fields)
    return log_accesses(patrons=patrons, viewer=viewer, purpose=purpose, now=now)


def log_accesses(*, patrons: Mapping[int, str], viewer: Viewer, purpose: str, now: datetime) -> frozenset[int]:
    """Write one line for each patron, all or none, and commit them. `patrons` gives the fields shown of each.

    Returns who may be shown: not those who were erased at this moment. Raises AccessNotLogged.
    """
    left = dict(patrons)
    while left:
        try:
            with autonomous() as connection:
                connection.execute(insert(AccessLogEntry).values(_lines(left, viewer=viewer, purpose=purpose, now=now)))
            break
        except SQLAlchemyError as error:
            there = _who_is_there(left) if _is_erased_meanwhile(error) else left
            if len(there) == len(left):
                raise AccessNotLogged from None
            left = there
    return frozenset(left)


def _is_erased_meanwhile(error: SQLAlchemyError) -> bool:
    return isinstance(error, IntegrityError) and is_foreign_key(error)


def _who_is_there(patrons: Mapping[int, str]) -> dict[int, str]:
    with autonomous() as connection:
        there = set(connection.execute(select(Patron.id).where(Patron.id.in_(patrons))).scalars())
    return {patron_id: fields for patron_id, fields in patrons.items() if patron_id in there}


def log_access_in_transaction(*, patron_id: int, viewer: Viewer, purpose: str, fields: str, now: datetime) -> None:
    """Write one line in the request's own transaction: act, line and answer are there together, or none of them.

    Raises AccessNotLogged or ErasedMeanwhile.
    """
    lines = _lines({patron_id: fields}, viewer=viewer, purpose=purpose, now=now)
    try:
        db.session.execute(insert(AccessLogEntry).values(lines))
    except SQLAlchemyError as error:
        raise (ErasedMeanwhile if _is_erased_meanwhile(error) else AccessNotLogged) from None


def _lines(patrons: Mapping[int, str], *, viewer: Viewer, purpose: str, now: datetime) -> list[dict[str, Any]]:
    for fields in set(patrons.values()):
        check_log_words(purpose=purpose, fields=fields)
    told: dict[str, Any] = {
        "library_id": viewer.library_id,
        "role": viewer.role,
        "actor": viewer.actor,
        "purpose": purpose,
        "at": now,
    }
    lines: list[dict[str, Any]] = [
        told | {"patron_id": patron_id, "fields": fields} for patron_id, fields in patrons.items()
    ]
    return [line | {"proof": prove(body_of(**line))} for line in lines]
