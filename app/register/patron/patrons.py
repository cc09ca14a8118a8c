"""Patrons: to register one, and to read what a page needs of one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Date, Update, case, func, literal, or_, select, update

from app.register.keys.vault import vault
from app.register.patron.card_status import COLUMNS, IS_INACTIVE, erasure_called_off, is_local_to, status_of
from app.register.patron.changes import JOINED, note_change
from app.register.patron.numbers import draw_number, note_number
from app.register.patron.proven import PROVEN_COLUMNS, prove
from app.register.store.transaction import autonomous, db, reading
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, NationalIdToken, Patron
from app.register.totals.counting import count
from app.rules.card.status import CardRefused, CardStatus, State
from app.rules.errors import RuleBroken
from app.rules.library.figures import Kind
from app.rules.people.ages import age_on, day_in_norway
from app.rules.people.contact import Contact
from app.rules.people.national_id import NationalId

NATIONAL_ID = "national id"


class NoSuchPatron(RuleBroken):
    """No patron has this card number, they were erased, or the card is one that only another library takes."""


class NotJoined(RuleBroken):
    """The patron has not joined this library."""


@dataclass(frozen=True, slots=True)
class ShownPatron:
    """What the top of a patron's own pages shows."""

    id: int
    name: str
    card_number: str
    birth_date: date
    home_library: str
    home_library_id: str
    block: State | None
    """Why no library takes the card; None where it is in use."""


def register_patron(
    *,
    card_number: str | None = None,
    name: str,
    birth_date: date,
    gender: str,
    home_library_id: str,
    contact: Contact,
    address_hidden: bool = False,
    national_id: NationalId | None,
    now: datetime,
    language: str = "nb",
    activated: bool = True,
    contact_is_proven: bool = False,
) -> Patron:
    """Add a patron. The national id is kept as a keyed token only. Raises NumberWasIssued.

    Without a card number one is drawn; one that is given must never have been issued. A card that is made online is
    not `activated` at the home library. Where the contact data is not proven, the card's first link is sent to it all
    the same, since a card without a PIN gives access to nothing.
    """
    patron = Patron(
        card_number=note_number(card_number) if card_number else draw_number(),
        name=name,
        birth_date=birth_date,
        gender=gender,
        **asdict(contact),
        address_hidden=address_hidden,
        language=language,
        home_library_id=home_library_id,
        registered_at=now,
        last_used_on=day_in_norway(now),
        awaits_first_link=True,
        version=0,
    )
    if contact_is_proven:
        prove(patron, channels=PROVEN_COLUMNS)
    db.session.add(patron)
    db.session.flush()
    if activated:
        activate_card(patron_id=patron.id, library_id=home_library_id, now=now)
    if national_id is not None:
        token = vault.token(purpose=NATIONAL_ID, text=national_id.canonical)
        db.session.add(NationalIdToken(token=token, patron_id=patron.id, key_id=vault.key_id))
    return patron


def lock_patron(patron_id: int) -> Patron:
    """Read the patron anew, and lock them until this transaction ends. Raises NoSuchPatron."""
    # With key_share, so that an insert with a foreign key to the patron, as in every scan, does not wait.
    locked = select(Patron).where(Patron.id == patron_id).with_for_update(key_share=True)
    patron = db.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if patron is None:
        raise NoSuchPatron
    return patron


def activate_card(*, patron_id: int, library_id: str, now: datetime) -> None:
    """Activate the card at a library that has seen who the patron is. Raises CardRefused or NoSuchPatron."""
    patron = lock_patron(patron_id)
    if not status_of(patron).is_taken_at(library_id):
        raise CardRefused(State.LOCAL)
    patron.stated_at = None
    seen = update(NationalIdToken).where(NationalIdToken.patron_id == patron_id, NationalIdToken.stated)
    db.session.execute(seen.values(stated=False), execution_options={"synchronize_session": False})
    if db.session.get(Affiliation, (patron_id, library_id)) is None:
        month = day_in_norway(now).replace(day=1)
        joined = Affiliation(patron_id=patron_id, library_id=library_id, activated_at=now, last_used_month=month)
        db.session.add(joined)
        db.session.flush()
        note_change(patron=patron, kind=JOINED, library_ids=[library_id], now=now)
        count(Kind.ACTIVATION, library_id=library_id, now=now)


def find_by_national_id(national_id: NationalId) -> int | None:
    """Return the id of the patron who has this national number; None where nobody has it."""
    return db.session.scalar(select(Patron.id).where(has_national_id(national_id)))


def has_national_id(national_id: NationalId) -> ColumnElement[bool]:
    """Return the condition that a patron has this national number, whichever key its token was made under."""
    tokens = vault.tokens(purpose=NATIONAL_ID, text=national_id.canonical).values()
    return Patron.id.in_(select(NationalIdToken.patron_id).where(NationalIdToken.token.in_(tokens)))


def count_numbers(*, patron_id: int) -> int:
    """Return how many national numbers a patron has."""
    return db.session.scalar(select(func.count()).where(NationalIdToken.patron_id == patron_id)) or 0


def get_patron(*, patron_id: int) -> ShownPatron:
    """Return what the top of a patron's own pages shows."""
    shown = (
        Patron.id,
        Patron.name,
        Patron.card_number,
        Patron.birth_date,
        Library.name.label("home_library"),
        Library.id.label("home_library_id"),
    )
    row = db.session.execute(
        select(*shown, *COLUMNS).join(Library, Library.id == Patron.home_library_id).where(Patron.id == patron_id)
    ).one()
    status = status_of(row)
    block = None if status.in_use else status.state
    return ShownPatron(row.id, row.name, row.card_number, row.birth_date, row.home_library, row.home_library_id, block)


def find_local_library(*, patron_id: int) -> str | None:
    """Return the name of the only library that takes the patron's card; None where it is a national one."""
    local = select(Library.name).join(Patron, is_local_to(Library.id)).where(Patron.id == patron_id)
    return db.session.scalar(local)


def list_affiliations(*, patron_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return, for each patron, the libraries that they have joined: name by id, home library first."""
    rows = db.session.execute(
        select(Affiliation.patron_id, Library.id, Library.name)
        .join(Library, Library.id == Affiliation.library_id)
        .join(Patron, Patron.id == Affiliation.patron_id)
        .where(Affiliation.patron_id.in_(patron_ids))
        .order_by(Library.id != Patron.home_library_id, Library.name)
    )
    joined: dict[int, dict[str, str]] = {patron_id: {} for patron_id in patron_ids}
    for patron_id, library_id, name in rows:
        joined[patron_id][library_id] = name
    return joined


def list_libraries(*, patron_id: int) -> list[str]:
    """Return the names of the libraries where the card is activated, home library first."""
    return list(list_affiliations(patron_ids=[patron_id])[patron_id].values())


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a card. `age` is in years."""

    age: int
    activated_here: bool
    status: CardStatus


def get_holder(*, card_number: str, library_id: str, now: datetime) -> Holder | None:
    """Return the holder of a card number, or None. The result is for the library alone."""
    with reading():
        row = db.session.execute(
            select(Patron.birth_date, Affiliation.library_id, *COLUMNS)
            .outerjoin(Affiliation, (Affiliation.patron_id == Patron.id) & (Affiliation.library_id == library_id))
            .where(Patron.card_number == card_number)
        ).first()
    if row is None:
        return None
    age = age_on(birth_date=row.birth_date, day=day_in_norway(now))
    return Holder(age, row.library_id is not None, status_of(row))


def note_use(*, patron_id: int, now: datetime) -> None:
    """Record and commit that a patron uses the card today; a deletion planned for lack of use is called off."""
    with autonomous() as connection:
        connection.execute(used_on([patron_id], day=day_in_norway(now)))


def used_on(patron_ids: Iterable[int], *, day: date) -> Update:
    """Return the statement that records a use of these patrons' cards on a day, and calls planned deletions off."""
    return (
        update(Patron)
        .where(Patron.id.in_(patron_ids), or_(Patron.last_used_on < day, IS_INACTIVE))
        .values(
            last_used_on=case((Patron.last_used_on < day, literal(day, Date())), else_=Patron.last_used_on),
            **erasure_called_off(),
        )
        .execution_options(synchronize_session=False)
    )


def used_at(patron_ids: Iterable[int], *, library_id: str, day: date) -> Update:
    """Return the statement that records the month of a use of these patrons' cards at a library they have joined."""
    month, known = day.replace(day=1), Affiliation.last_used_month
    return (
        update(Affiliation)
        .where(Affiliation.library_id == library_id, Affiliation.patron_id.in_(patron_ids))
        .where(or_(known.is_(None), known < month))
        .values(last_used_month=month)
        .execution_options(synchronize_session=False)
    )
