"""The access log: who had access to which patron's data. The entry is on disk before the answer is sent."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
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
from app.rules.people.fields import log_words

ROLES: Final = frozenset({"guardian", "kiosk", "staff", "supplier", "system"})
_PURPOSES = (
    "activate, activate by PIN, activate by papers, activate by scan, correct, counter, enrol, export, family folder, "
    "fetch, hold slip, import, look-up, missing papers, papers, pin-check, post, recently served, scan, served again"
)
_FIELDS = (
    f"{log_words()}, PIN, age, age band, agreements, card, card state, contact data, device, devices, driving licence, "
    "fees, holds, identity card, loans, other papers, passport, place, residence permit"
)
PURPOSES, FIELDS = (frozenset(words.split(", ")) for words in (_PURPOSES, _FIELDS))
"""All words that an entry may hold: each is translated for the patron who reads it."""


class AccessNotLogged(Exception):
    """The log cannot be written, so no data may be shown."""


class ErasedMeanwhile(RuleBroken):
    """The patron whose data was asked for was erased meanwhile."""

    code = "gone"


class UnknownLogWord(Exception):
    """A programming fault: an entry was to hold a word that no patron could read."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees a patron's data, in one of the ROLES. `actor` is a user name; of a guardian the patron's id."""

    role: str
    actor: str
    library_id: str | None

    def __post_init__(self) -> None:
        """Raise UnknownLogWord where the role is none of the ROLES."""
        if self.role not in ROLES:
            raise UnknownLogWord(self.role)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a code is shown: the step belongs to `scope`, and `viewer` goes into the access log."""

    scope: str
    viewer: Viewer
    library_id: str


def check_log_words(*, purpose: str, fields: str) -> None:
    """Raise UnknownLogWord where a purpose or one of the fields is no word that an entry may hold."""
    if unknown := {purpose} - PURPOSES | set(fields.split(", ")) - FIELDS:
        raise UnknownLogWord(*sorted(unknown))


def log_access(*, patron_id: int, viewer: Viewer, purpose: str, fields: str, now: datetime) -> None:
    """Commit one entry. `fields` names what was shown, never its values. Raises AccessNotLogged or ErasedMeanwhile."""
    if not log_list_access(patron_ids=[patron_id], viewer=viewer, purpose=purpose, fields=fields, now=now):
        raise ErasedMeanwhile


def log_list_access(
    *, patron_ids: Iterable[int], viewer: Viewer, purpose: str, fields: str, now: datetime
) -> frozenset[int]:
    """Commit one entry for each patron, all or none, and return who may be shown. Raises AccessNotLogged."""
    patrons = dict.fromkeys(sorted(set(patron_ids)), fields)
    return log_accesses(patrons=patrons, viewer=viewer, purpose=purpose, now=now)


def log_accesses(*, patrons: Mapping[int, str], viewer: Viewer, purpose: str, now: datetime) -> frozenset[int]:
    """Write one entry for each patron, all or none, and commit them. `patrons` gives the fields shown of each.

    Returns who may be shown: not those who were erased meanwhile. Raises AccessNotLogged.
    """
    left = dict(patrons)
    while left:
        try:
            with autonomous() as connection:
                entries = _entries(left, viewer=viewer, purpose=purpose, now=now)
                connection.execute(insert(AccessLogEntry).values(entries))
            break
        except SQLAlchemyError as error:
            existing = _existing(left) if _is_erased_meanwhile(error) else left
            if len(existing) == len(left):
                raise AccessNotLogged from None
            left = existing
    return frozenset(left)


def _is_erased_meanwhile(error: SQLAlchemyError) -> bool:
    return isinstance(error, IntegrityError) and is_foreign_key(error)


def _existing(patrons: Mapping[int, str]) -> dict[int, str]:
    with autonomous() as connection:
        found = connection.execute(select(Patron.id).where(Patron.id.in_(patrons))).scalars()
        return {patron_id: patrons[patron_id] for patron_id in found}


def log_access_in_transaction(*, patron_id: int, viewer: Viewer, purpose: str, fields: str, now: datetime) -> None:
    """Write one entry in the request's own transaction, so that it stands if and only if the change does.

    Raises AccessNotLogged or ErasedMeanwhile.
    """
    entries = _entries({patron_id: fields}, viewer=viewer, purpose=purpose, now=now)
    try:
        db.session.execute(insert(AccessLogEntry).values(entries))
    except SQLAlchemyError as error:
        raise (ErasedMeanwhile if _is_erased_meanwhile(error) else AccessNotLogged) from None


def _entries(patrons: Mapping[int, str], *, viewer: Viewer, purpose: str, now: datetime) -> list[dict[str, Any]]:
    for fields in set(patrons.values()):
        check_log_words(purpose=purpose, fields=fields)
    same: dict[str, Any] = asdict(viewer) | {"purpose": purpose, "at": now}
    entries = [same | {"patron_id": patron_id, "fields": fields} for patron_id, fields in patrons.items()]
    return [entry | {"proof": prove(body_of(**entry))} for entry in entries]
