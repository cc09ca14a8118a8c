"""The family folder: a child permits a guardian to see its loans, and the guardian switches that on.

The register stores who may see whose loans, and never the loans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, func, or_, select

from app.register.card.cards import show_guardians_number, stop_carrying
from app.register.log.access_log import Viewer, log_list_access
from app.register.messages.outbox import ask_for_message
from app.register.messages.push import list_subscriptions
from app.register.patron.card_status import COLUMNS, is_at_rest, status_of
from app.register.patron.patrons import lock_patron
from app.register.patron.proven import EMAIL, SMS, addresses_for
from app.register.store.transaction import autonomous, db, writing
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.card.number import parse_card_number
from app.rules.card.status import CardStatus
from app.rules.errors import RuleBroken
from app.rules.messages import FAMILY_ADVICE_TO_CHILD, FAMILY_ADVICE_TO_GUARDIAN, FAMILY_PERMISSION
from app.rules.people.ages import ADULT_FROM, CHILD_UNTIL, day_in_norway, is_advised_off

PURPOSE = "family folder"
_MOST_GIVEN = 10
_MOST_TOLD_A_DAY = 3
_STATE = (FamilyPermission.given_at, FamilyPermission.switched_on_at.is_not(None), FamilyPermission.may_carry_card)


class NotToOneself(RuleBroken):
    """Nobody needs a permission to see their own loans."""

    code = "permission-to-oneself"


class TooManyPermissions(RuleBroken):
    """A patron may have given ten permissions at a time."""


class NoSuchPermission(RuleBroken):
    """There is no such permission (any more), or it is somebody else's."""


@dataclass(frozen=True, slots=True)
class Given:
    """A permission as its giver sees it; whether anybody has the number does not show. Instants are UTC."""

    id: int
    guardian_card_number: str
    given_at: datetime
    switched_on: bool
    may_carry_card: bool
    ends_on: date | None
    last_looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Received:
    """A permission as the guardian sees it. On `ends_on` (in Norway) its giver is an adult, and it ends."""

    id: int
    patron_id: int
    name: str
    birth_date: date
    given_at: datetime
    switched_on: bool
    may_carry_card: bool
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A patron whose loans may be seen now: oneself (`permission_id` is None), or one who permits it."""

    permission_id: int | None
    patron_id: int
    name: str
    card_number: str
    status: CardStatus


def give_permission(*, patron_id: int, guardian_card_number: str, now: datetime, may_carry_card: bool = False) -> int:
    """Permit the patron with a card number to see this patron's loans, and to carry the card, once they switch it on.

    Returns its id. A number that nobody has is stored all the same, so that the response does not show it; who gets it
    later does not get the permission. The guardian is told by e-mail or SMS, where there is an address.
    Raises NotACardNumber, NotToOneself or TooManyPermissions.
    """
    number = parse_card_number(guardian_card_number)
    # Locked, so that a repeated click finds the first one's permission.
    own = db.session.get_one(Patron, patron_id, with_for_update={"key_share": True})
    if number == own.card_number:
        raise NotToOneself
    guardian_id = db.session.scalar(select(Patron.id).where(Patron.card_number == number))
    given = db.session.scalars(select(FamilyPermission).where(FamilyPermission.patron_id == patron_id)).all()
    # A guardian with a new card is still the same guardian.
    standing = [one for one in given if one.guardian_card_number == number or one.guardian_id == (guardian_id or -1)]
    if standing:
        for one in standing:
            one.may_carry_card = one.may_carry_card or may_carry_card
        return standing[0].id
    if len(given) >= _MOST_GIVEN:
        raise TooManyPermissions
    to_whom = {"guardian_card_number": number, "guardian_id": guardian_id, "may_carry_card": may_carry_card}
    permission = FamilyPermission(patron_id=patron_id, given_at=now, **to_whom)
    db.session.add(permission)
    db.session.flush()
    if guardian_id is not None:
        _tell_guardian(guardian_id=guardian_id, child_id=patron_id, now=now)
    return permission.id


def _tell_guardian(*, guardian_id: int, child_id: int, now: datetime) -> None:
    # A permission may be withdrawn and given again, to any number: nobody is to be flooded by that, and no desk by
    # letters.
    told = select(Message.patron_id).where(
        Message.about_patron_id == child_id,
        Message.kind == FAMILY_PERMISSION,
        Message.asked_at > now - timedelta(days=1),
    )
    told_today = db.session.scalars(told).all()
    if guardian_id in told_today or len(told_today) >= _MOST_TOLD_A_DAY:
        return
    addresses = addresses_for(db.session.get_one(Patron, guardian_id), is_secret=False)
    if addresses[EMAIL] or addresses[SMS] or list_subscriptions(patron_id=guardian_id):
        ask_for_message(patron_id=guardian_id, kind=FAMILY_PERMISSION, about_patron_id=child_id, now=now)


def withdraw_permission(*, patron_id: int, permission_id: int, now: datetime) -> None:
    """End a permission that this patron gave. Raises NoSuchPermission."""
    permission = _given_permission(patron_id=patron_id, permission_id=permission_id)
    guardian_id = permission.guardian_id
    db.session.delete(permission)
    # The permission before the cards: who puts a card on a phone has locked it.
    db.session.flush()
    stop_carrying(patron_id=patron_id, guardian_id=guardian_id, now=now)


def let_carry(*, patron_id: int, permission_id: int, may: bool, now: datetime) -> None:
    """Let a guardian's phone show this patron's card too, or end that. Raises NoSuchPermission."""
    permission = _given_permission(patron_id=patron_id, permission_id=permission_id)
    permission.may_carry_card = may
    db.session.flush()
    if not may:
        stop_carrying(patron_id=patron_id, guardian_id=permission.guardian_id, now=now)


def _given_permission(*, patron_id: int, permission_id: int) -> FamilyPermission:
    return _lock_permission(FamilyPermission.id == permission_id, FamilyPermission.patron_id == patron_id)


def _lock_permission(*which: ColumnElement[bool]) -> FamilyPermission:
    # Read anew under the lock: the other side may have ended it.
    locked = select(FamilyPermission).where(*which).with_for_update().execution_options(populate_existing=True)
    permission = db.session.scalar(locked)
    if permission is None:
        raise NoSuchPermission
    return permission


def switch(*, guardian_id: int, permission_id: int, on: bool, now: datetime) -> None:
    """Switch on or off what a child has permitted this guardian. Raises NoSuchPermission or NoSuchPatron.

    Switching off keeps the permission, but revokes the child's card on the guardian's phone.
    """
    # In the same order as `list_carried`.
    lock_patron(guardian_id)
    permission = _lock_permission(FamilyPermission.id == permission_id, FamilyPermission.guardian_id == guardian_id)
    permission.switched_on_at = now if on else None
    db.session.flush()
    if on:
        show_guardians_number(guardian_id=guardian_id)
        _advise(permission, birth_date=db.session.get_one(Patron, permission.patron_id).birth_date, now=now)
    else:
        stop_carrying(patron_id=permission.patron_id, guardian_id=guardian_id, now=now)


@writing()
def advise_older_children(*, now: datetime) -> int:
    """Advise child and guardian once, by message, to switch off a permission when the child is past the 12th year.

    Safe to run at any time, and repeatedly. Returns for how many permissions.
    """
    day = day_in_norway(now)
    rows = db.session.execute(
        select(FamilyPermission, Patron.birth_date)
        .join(Patron, Patron.id == FamilyPermission.patron_id)
        .where(
            FamilyPermission.switched_on_at.is_not(None),
            FamilyPermission.advised_at.is_(None),
            # Approximate; `is_advised_off` decides.
            Patron.birth_date <= day - timedelta(days=365 * CHILD_UNTIL),
            Patron.birth_date > day - timedelta(days=366 * ADULT_FROM),
            ~is_at_rest(),
        )
        # Rows that are locked are left for the next run.
        .with_for_update(of=FamilyPermission, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    return sum(_advise(permission, birth_date=birth_date, now=now) for permission, birth_date in rows)


def _advise(permission: FamilyPermission, *, birth_date: date, now: datetime) -> bool:
    guardian_id, child_id = permission.guardian_id, permission.patron_id
    older = is_advised_off(birth_date=birth_date, day=day_in_norway(now))
    if guardian_id is None or permission.advised_at is not None or not older:
        return False
    permission.advised_at = now
    ask_for_message(patron_id=child_id, kind=FAMILY_ADVICE_TO_CHILD, now=now)
    ask_for_message(patron_id=guardian_id, kind=FAMILY_ADVICE_TO_GUARDIAN, about_patron_id=child_id, now=now)
    return True


def list_given(*, patron_id: int) -> Sequence[Given]:
    """Return the permissions that a patron has given, with each guardian's last access."""
    looked = (
        select(func.max(AccessLogEntry.at))
        .where(
            AccessLogEntry.patron_id == patron_id,
            AccessLogEntry.role == "guardian",
            AccessLogEntry.actor == cast(FamilyPermission.guardian_id, String),
        )
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(FamilyPermission.id, FamilyPermission.guardian_card_number, *_STATE, FamilyPermission.ends_on, looked)
        .where(FamilyPermission.patron_id == patron_id)
        .order_by(FamilyPermission.given_at, FamilyPermission.id)
    )
    return [Given(*row) for row in rows]


def list_received(*, guardian_id: int) -> Sequence[Received]:
    """Return the patrons who let this guardian see their loans, by name, without those whose card is frozen."""
    rows = db.session.execute(
        select(FamilyPermission.id, Patron.id, Patron.name, Patron.birth_date, *_STATE, FamilyPermission.ends_on)
        .join(Patron, Patron.id == FamilyPermission.patron_id)
        .where(FamilyPermission.guardian_id == guardian_id, ~is_at_rest())
        .order_by(Patron.name, FamilyPermission.id)
    )
    return [Received(*row) for row in rows]


def view_family(*, guardian_id: int, now: datetime) -> Sequence[Seen]:
    """Return everybody whose loans this patron may see now, oneself first; access to the others is logged first.

    A frozen card, the guardian's or the other's, shows nothing.
    """
    return _see(guardian_id=guardian_id, permissions=FamilyPermission.guardian_id == guardian_id, now=now)


def act_in_family(*, guardian_id: int, permission_id: int | None, now: datetime) -> Seen:
    """Return whose loan this patron may renew or cancel: one's own, or that of somebody who permits it now.

    It is logged as `view_family` does. Raises NoSuchPermission, or CardRefused where the card is not in use.
    """
    permissions = FamilyPermission.id == permission_id
    own, *others = _see(guardian_id=guardian_id, permissions=permissions, now=now)
    own.status.check_in_use()
    if permission_id is None:
        return own
    if not others:
        raise NoSuchPermission
    others[0].status.check_in_use()
    return others[0]


def _see(*, guardian_id: int, permissions: ColumnElement[bool], now: datetime) -> list[Seen]:
    with autonomous() as connection:
        own = connection.execute(
            select(Patron.id, Patron.name, Patron.card_number, *COLUMNS).where(Patron.id == guardian_id)
        ).one()
        myself = Seen(None, own.id, own.name, own.card_number, status_of(own))
        if not myself.status.in_use:
            return [myself]
        rows = connection.execute(
            select(FamilyPermission.id, Patron.id.label("patron_id"), Patron.name, Patron.card_number, *COLUMNS)
            .join(Patron, Patron.id == FamilyPermission.patron_id)
            .where(
                permissions,
                FamilyPermission.guardian_id == guardian_id,
                FamilyPermission.switched_on_at.is_not(None),
                # Nobody sees an adult's loans until the worker comes by.
                or_(FamilyPermission.ends_on.is_(None), FamilyPermission.ends_on > day_in_norway(now)),
                ~is_at_rest(),
            )
            .order_by(Patron.name, FamilyPermission.id)
        ).all()
    # The id stays the same when the card is replaced.
    viewer = Viewer(role="guardian", actor=str(guardian_id), library_id=None)
    patron_ids = [row.patron_id for row in rows]
    shown = log_list_access(patron_ids=patron_ids, viewer=viewer, purpose=PURPOSE, fields="loans, holds, fees", now=now)
    others = [row for row in rows if row.patron_id in shown]
    return [myself, *(Seen(row.id, row.patron_id, row.name, row.card_number, status_of(row)) for row in others)]
