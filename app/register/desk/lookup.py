"""Looking a patron up at the desk by two facts about them: there is no way to browse patrons.

Every criterion but the name has an index, so that the query costs the same in a register of any size; the name only
filters the rows that it returns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from app.register.library.strangers import count_stranger_at_desk
from app.register.limits.budgets import take_tries
from app.register.log.access_log import Viewer, log_access, log_accesses
from app.register.patron.card_status import is_at_rest
from app.register.patron.patrons import has_national_id
from app.register.store.transaction import autonomous
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, Patron
from app.rules.card.number import NotACardNumber, parse_card_number
from app.rules.errors import RuleBroken
from app.rules.people.ages import AgeBand, age_band, day_in_norway
from app.rules.people.contact import Contact, ContactNotValid, check_contact
from app.rules.people.names import fold_words, has_words
from app.rules.people.national_id import NationalId
from app.rules.pins.pin import Budget
from app.rules.typed import clean_typed

PURPOSE: Final = "look-up"
MOST_HITS: Final = 20
MOST_ROWS = 5000
_LOOK_UPS = Budget("desk look-ups", limit=300, seconds=3600)
_Row = Any
_MINIMUM = "name, age band, home library"
_OF_OURS = "name, birth date, place, home library"


class TooLittleToGoBy(RuleBroken):
    """Two criteria are needed, and one of them must be another than the name."""


class TooManyAlike(RuleBroken):
    """The criteria fit too many patrons to show; one more is needed."""


@dataclass
class CriteriaNotValid(RuleBroken):
    """Some values are not valid. `fields` names them, without the values."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What staff typed. All that is given must fit."""

    name: str = ""
    birth_date: date | None = None
    phone: str = ""
    email: str = ""
    postcode: str = ""
    card_number: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A patron whom the criteria fit. Birth date and place are None for those who may not be seen in full here."""

    patron_id: int
    name: str
    age_band: AgeBand
    home_library: str
    activated_here: bool
    birth_date: date | None
    place: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """At most twenty hits, and whether there are more."""

    hits: tuple[Hit, ...]
    more: bool


def look_up(*, criteria: Criteria, viewer: Viewer, library_id: str, now: datetime) -> Found:
    """Return the patrons whom the criteria fit, for a desk of this library; each access is logged.

    Raises TooLittleToGoBy, CriteriaNotValid, TooManyAlike, or TooManyAttempts: after 300 look-ups in an hour, or 300
    in a day by the library's desks that show patrons of other libraries.
    """
    words = fold_words(criteria.name)
    conditions = _conditions(criteria)
    if not conditions or len(conditions) + bool(words) < 2:
        raise TooLittleToGoBy
    take_tries(tries=[(_LOOK_UPS, viewer.actor)], now=now)
    if words:
        conditions = [Patron.id.in_(_named(words, conditions))]
    rows = _fetch(conditions, library_id)
    rows.sort(key=lambda row: (not row.here, fold_words(row.name), row.id))
    if not all(row.here for row in rows[:MOST_HITS]):
        count_stranger_at_desk(library_id=library_id, now=now)
    shown = log_accesses(
        patrons={row.id: _OF_OURS if row.in_full else _MINIMUM for row in rows[:MOST_HITS]},
        viewer=viewer,
        purpose=PURPOSE,
        now=now,
    )
    hits = tuple(_hit(row, now=now) for row in rows[:MOST_HITS] if row.id in shown)
    return Found(hits=hits, more=len(rows) > MOST_HITS)


def look_up_national_id(*, national_id: NationalId, viewer: Viewer, library_id: str, now: datetime) -> Hit | None:
    """Return, logged, the patron with this national number, or None. Raises TooManyAttempts: 300 look-ups an hour."""
    return _look_up_one(has_national_id(national_id), viewer=viewer, library_id=library_id, now=now)


def look_up_card_number(*, card_number: str, viewer: Viewer, library_id: str, now: datetime) -> Hit | None:
    """Return, logged, the patron with this card number, or None. Raises TooManyAttempts as `look_up` does."""
    return _look_up_one(Patron.card_number == card_number, viewer=viewer, library_id=library_id, now=now)


def _look_up_one(who: ColumnElement[bool], *, viewer: Viewer, library_id: str, now: datetime) -> Hit | None:
    take_tries(tries=[(_LOOK_UPS, viewer.actor)], now=now)
    rows = _fetch([who], library_id)
    if rows and not rows[0].here:
        count_stranger_at_desk(library_id=library_id, now=now)
    return _log_hit(rows[0], viewer=viewer, now=now) if rows else None


def find_hit(*, patron_id: int, viewer: Viewer, library_id: str, now: datetime) -> Hit:
    """Return one patron as a hit: somebody who was to be enrolled and has a card. The access is logged."""
    (row,) = _fetch([Patron.id == patron_id], library_id)
    return _log_hit(row, viewer=viewer, now=now)


def _log_hit(row: _Row, *, viewer: Viewer, now: datetime) -> Hit:
    fields = _OF_OURS if row.in_full else _MINIMUM
    log_access(patron_id=row.id, viewer=viewer, purpose=PURPOSE, fields=fields, now=now)
    return _hit(row, now=now)


def _named(words: Sequence[str], conditions: Sequence[ColumnElement[bool]]) -> list[int]:
    """Return the ids of those who fit and are called so.

    In a country hundreds are born on one day: only of the one who is looked for is the rest read. Raises TooManyAlike.
    """
    with autonomous() as connection:
        rows = connection.execute(select(Patron.id, Patron.name).where(*conditions).limit(MOST_ROWS + 1)).all()
    if len(rows) > MOST_ROWS:
        raise TooManyAlike
    return [row.id for row in rows if has_words(row.name, words)]


def _fetch(conditions: Sequence[ColumnElement[bool]], library_id: str) -> list[_Row]:
    here = aliased(Affiliation)
    is_here = here.library_id.is_not(None)
    patron = (Patron.id, Patron.name, Patron.birth_date, Patron.place, Library.name.label("home_library"))
    fitting = (
        select(*patron, is_here.label("here"), (is_here & ~is_at_rest()).label("in_full"))
        .join(Library, Library.id == Patron.home_library_id)
        .join(here, (here.patron_id == Patron.id) & (here.library_id == library_id), isouter=True)
        .where(*conditions)
        .limit(MOST_ROWS + 1)
    )
    with autonomous() as connection:
        rows = list(connection.execute(fitting))
    if len(rows) > MOST_ROWS:
        raise TooManyAlike
    return rows


def _hit(row: _Row, *, now: datetime) -> Hit:
    return Hit(
        patron_id=row.id,
        name=row.name,
        age_band=age_band(birth_date=row.birth_date, day=day_in_norway(now)),
        home_library=row.home_library,
        activated_here=bool(row.here),
        birth_date=row.birth_date if row.in_full else None,
        place=row.place if row.in_full else None,
    )


def _conditions(criteria: Criteria) -> list[ColumnElement[bool]]:
    """Return a condition on an indexed column for each criterion but the name."""
    wrong: list[str] = []
    conditions: list[ColumnElement[bool]] = []
    if criteria.birth_date is not None:
        conditions.append(Patron.birth_date == criteria.birth_date)
    if criteria.postcode.strip():
        conditions.append(Patron.postcode.in_(_spellings(clean_typed(criteria.postcode))))
    if criteria.card_number.strip():
        try:
            conditions.append(Patron.card_number == parse_card_number(criteria.card_number))
        except NotACardNumber:
            wrong.append("card_number")
    try:
        contact = check_contact(Contact(email=criteria.email, phone=criteria.phone))
    except ContactNotValid as error:
        wrong += error.faults
    else:
        if contact.phone:
            conditions.append(Patron.phone == contact.phone)
        if contact.email:
            conditions.append(Patron.email.in_({contact.email, contact.email.lower()}))
    if wrong:
        raise CriteriaNotValid(tuple(wrong))
    return conditions


def _spellings(postcode: str) -> set[str]:
    """Return a postcode as typed and, of five digits, with the space that a Swedish one is written with."""
    digits = "".join(postcode.split())
    return {" ".join(postcode.split()), digits, f"{digits[:3]} {digits[3:]}"}
