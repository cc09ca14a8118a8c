"""A young patron becomes an adult, or old enough to decide about the card without a guardian.

A month before, they and the guardians in their family folder are told. On the day permissions end that were not
renewed, and a guardian's consent is deleted; the patron is asked to accept the rules in its place. What nobody could be
told of a month before, ends a month after.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, exists, func, select, update

from app.register.card.cards import stop_carrying
from app.register.card.families import NoSuchPermission
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import is_at_rest
from app.register.patron.patrons import lock_patron
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.library import Library
from app.register.tables.patrons import Affiliation, FamilyPermission, Patron
from app.rules.messages import (
    CONSENT_ENDS_TO_GUARDIAN,
    CONSENT_ENDS_TO_YOUNG,
    FAMILY_ENDS_TO_GUARDIAN,
    FAMILY_ENDS_TO_YOUNG,
)
from app.rules.people.ages import birthday, born_at_latest, day_in_norway, month_after

_BATCH: Final = 200
"""Patrons or permissions in one transaction."""
_UNTOLD = (FamilyPermission.ends_on.is_(None), FamilyPermission.renewed_at.is_(None))


def come_of_age(*, adult_age: int, now: datetime) -> None:
    """Tell of what ends within a month, and end what is due. Safe to run at any time, repeatedly, and twice at once."""
    day = day_in_norway(now)
    last = 0
    while patron_ids := _tell_of_permissions(adult_age=adult_age, after=last, day=day, now=now):
        last = patron_ids[-1]
    while _end_permissions(day=day, now=now) == _BATCH:
        pass
    with writing():
        ages = db.session.scalars(select(Library.consent_age).distinct()).all()
    for age in sorted(ages):
        last = 0
        while patron_ids := _end_consents(age=age, after=last, day=day, now=now):
            last = patron_ids[-1]


def renew_permission(*, patron_id: int, permission_id: int, now: datetime) -> None:
    """Let a permission that this patron gave stand, where it is about to end. Raises NoSuchPermission."""
    own = select(FamilyPermission).where(FamilyPermission.id == permission_id, FamilyPermission.patron_id == patron_id)
    # Read anew under the lock: it may have ended.
    permission = db.session.scalar(own.with_for_update().execution_options(populate_existing=True))
    if permission is None:
        raise NoSuchPermission
    if permission.ends_on is not None:
        permission.ends_on, permission.renewed_at = None, now


def forget_days_of_age(patron: Patron) -> None:
    """Forget on which days the permissions and the consent of a locked patron end: by another birth date they are
    others, and everybody is told anew."""
    execute_bulk(update(FamilyPermission).where(FamilyPermission.patron_id == patron.id).values(ends_on=None))
    if patron.guardian_consent_at is not None:
        patron.consent_ends_on = None


def awaits_acceptance(*, patron_id: int) -> bool:
    """Tell whether a guardian's consent has ended, and the patron has not accepted the rules in its place."""
    waiting = select(Patron.id).where(
        Patron.id == patron_id, Patron.guardian_consent_at.is_(None), Patron.consent_ends_on.is_not(None)
    )
    return db.session.scalar(waiting) is not None


def accept_rules(*, patron_id: int, now: datetime) -> None:
    """Note that the patron has accepted the rules, where a guardian's consent has ended; else nothing changes."""
    patron = lock_patron(patron_id)
    if patron.guardian_consent_at is None and patron.consent_ends_on is not None:
        # Libraries are not given it, so there is nothing to tell them.
        patron.rules_accepted_at, patron.consent_ends_on = now, None


@writing()
def _tell_of_permissions(*, adult_age: int, after: int, day: date, now: datetime) -> Sequence[int]:
    untold = exists().where(FamilyPermission.patron_id == Patron.id, *_UNTOLD)
    grown = Patron.birth_date <= born_at_latest(age=adult_age, day=month_after(day))
    givers = _lock(grown, untold, after=after)
    for giver in givers:
        adult_on = birthday(birth_date=giver.birth_date, age=adult_age)
        _tell_giver(giver, adult_on=adult_on, ends_on=adult_on if adult_on > day else month_after(day), now=now)
    return [giver.id for giver in givers]


def _tell_giver(giver: Patron, *, adult_on: date, ends_on: date, now: datetime) -> None:
    locked = select(FamilyPermission).where(FamilyPermission.patron_id == giver.id).with_for_update()
    given = db.session.scalars(locked.execution_options(populate_existing=True)).all()
    is_told = any(permission.ends_on is not None for permission in given)
    for permission in given:
        if permission.ends_on is not None or permission.renewed_at is not None:
            continue
        if day_in_norway(permission.given_at) >= adult_on:
            # An adult has given it: it stands.
            permission.renewed_at = permission.given_at
            continue
        permission.ends_on = ends_on
        if not is_told:
            ask_for_message(patron_id=giver.id, kind=FAMILY_ENDS_TO_YOUNG, now=now)
            is_told = True
        # Whoever has not switched it on sees nothing that could end, and may be a stranger.
        if permission.guardian_id is not None and permission.switched_on_at is not None:
            ask_for_message(
                patron_id=permission.guardian_id, kind=FAMILY_ENDS_TO_GUARDIAN, about_patron_id=giver.id, now=now
            )


@writing()
def _end_permissions(*, day: date, now: datetime) -> int:
    due = select(FamilyPermission).where(FamilyPermission.ends_on <= day).order_by(FamilyPermission.id).limit(_BATCH)
    # Rows that are locked are left for the next run.
    due = due.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ended = db.session.scalars(due).all()
    pairs = [(permission.patron_id, permission.guardian_id) for permission in ended]
    for permission in ended:
        db.session.delete(permission)
    # The permissions before the cards: who puts a card on a phone has locked them.
    db.session.flush()
    for patron_id, guardian_id in pairs:
        stop_carrying(patron_id=patron_id, guardian_id=guardian_id, now=now)
    return len(pairs)


@writing()
def _end_consents(*, age: int, after: int, day: date, now: datetime) -> Sequence[int]:
    """Do it for those of whom the strictest of their libraries asks a consent until this age."""
    joined = select(func.max(Library.consent_age)).join(Affiliation, Affiliation.library_id == Library.id)
    strictest = joined.where(Affiliation.patron_id == Patron.id).correlate(Patron).scalar_subquery()
    grown = Patron.birth_date <= born_at_latest(age=age, day=month_after(day))
    is_due = func.coalesce(Patron.consent_ends_on, day) <= day
    young = _lock(Patron.guardian_consent_at.is_not(None), grown, is_due, strictest == age, after=after)
    for patron in young:
        decides_on = birthday(birth_date=patron.birth_date, age=age)
        if decides_on <= day:
            # The day stays until the patron has accepted the rules. Libraries are given neither.
            patron.guardian_consent_at, patron.consent_ends_on = None, decides_on
            continue
        patron.consent_ends_on = decides_on
        ask_for_message(patron_id=patron.id, kind=CONSENT_ENDS_TO_YOUNG, now=now)
        permitted = select(FamilyPermission.guardian_id).where(
            FamilyPermission.patron_id == patron.id, FamilyPermission.switched_on_at.is_not(None)
        )
        for guardian_id in db.session.scalars(permitted).all():
            if guardian_id is not None:
                ask_for_message(
                    patron_id=guardian_id, kind=CONSENT_ENDS_TO_GUARDIAN, about_patron_id=patron.id, now=now
                )
    return [patron.id for patron in young]


def _lock(*which: ColumnElement[bool], after: int) -> Sequence[Patron]:
    wanted = select(Patron).where(*which, ~is_at_rest(), Patron.id > after).order_by(Patron.id).limit(_BATCH)
    # With key_share, so that scans do not wait.
    locked = wanted.with_for_update(key_share=True, skip_locked=True)
    return db.session.scalars(locked.execution_options(populate_existing=True)).all()
