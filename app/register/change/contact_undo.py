"""Undoing a change of contact data with the link that was sent to a proven address, or saying with it: it was me."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from app.register.card.cards import revoke_credentials
from app.register.card.phone_keys import end_phone_keys_elsewhere
from app.register.change.freezing import freeze_card
from app.register.limits.budgets import from_source, take_tries
from app.register.messages.contact_changes import UNDO_LASTS, ShownChange, open_former, read_change, read_undo_token
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import status_of
from app.register.patron.changes import note_change
from app.register.patron.patrons import NoSuchPatron, lock_patron
from app.register.patron.proven import prove, unproven_channels
from app.register.sign_in.one_time import forget_secrets
from app.register.sign_in.sessions import end_sessions_of_patron
from app.register.store.transaction import db, writing
from app.register.tables.devices import Credential, Device
from app.register.tables.messages import ContactChange, Message
from app.register.tables.patrons import Patron, PinVerifier
from app.rules.errors import RuleBroken
from app.rules.messages import CODES, CONTACT_CHANGED, CONTACT_UNPROVEN, LINKS
from app.rules.pins.pin import LINK_SOURCE


class NothingToUndo(RuleBroken):
    """No such link was sent, it was used, or it is older than a fortnight."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """A change that can be undone. `may_confirm`: it proved nothing yet, is the newest, and the link proves it."""

    told: ShownChange
    may_confirm: bool


def find_undoable(*, token: str, now: datetime) -> Undoable | None:
    """Return what a link leads to, while it can be undone. Looking at it changes nothing."""
    found = _find(token, now=now)
    if found is None:
        return None
    change, by_letter = found
    told = read_change(change.id)
    assert told is not None
    patron = db.session.get_one(Patron, change.patron_id)
    return Undoable(told=told, may_confirm=not by_letter and _is_newest(change) and bool(unproven_channels(patron)))


def undo_change(*, token: str, address: str, now: datetime) -> None:
    """Put the contact data back as it was before a change, with all changes after it, and freeze the card.

    Whatever came of the change ends: links and codes, every session, devices that were confirmed and cards that were
    shown since, and a PIN that was chosen since. A try is taken from the network address.
    Raises NothingToUndo or TooManyAttempts.
    """
    take_tries(tries=from_source(LINK_SOURCE, address), now=now)
    with writing():
        _undo(*_lock(token, now=now), now=now)


def _undo(change: ContactChange, patron: Patron, _by_letter: bool, *, now: datetime) -> None:
    for name, value in open_former(change).items():
        setattr(patron, name, value)
    _end_what_came_of_it(patron.id, since=change.changed_at, now=now)
    later = (ContactChange.patron_id == patron.id) & (ContactChange.id >= change.id)
    db.session.execute(delete(ContactChange).where(later), execution_options={"synchronize_session": False})
    if not status_of(patron).frozen:
        freeze_card(patron_id=patron.id, now=now)
    else:
        note_change(patron=patron, now=now)


def confirm_change(*, token: str, address: str, now: datetime) -> None:
    """Prove the addresses as they stand, by a link that was sent to a proven one.

    Raises NothingToUndo, also where there is nothing to prove or the contact data was changed again, or
    TooManyAttempts.
    """
    take_tries(tries=from_source(LINK_SOURCE, address), now=now)
    with writing():
        _confirm(*_lock(token, now=now), now=now)


def _confirm(change: ContactChange, patron: Patron, by_letter: bool, *, now: datetime) -> None:
    channels = unproven_channels(patron)
    if by_letter or not _is_newest(change) or not channels:
        raise NothingToUndo
    prove(patron, channels=channels)
    forget_secrets(patron_id=patron.id)
    note_change(patron=patron, now=now)
    ask_for_message(patron_id=patron.id, kind=CONTACT_CHANGED, contact_change_id=change.id, now=now)


def _find(token: str, *, now: datetime) -> tuple[ContactChange, bool] | None:
    read = read_undo_token(token)
    if read is None:
        return None
    change_id, by_letter = read
    found = select(ContactChange).where(ContactChange.id == change_id, ContactChange.changed_at > now - UNDO_LASTS)
    change = db.session.scalars(found.execution_options(populate_existing=True)).first()
    return (change, by_letter) if change is not None else None


def _lock(token: str, *, now: datetime) -> tuple[ContactChange, Patron, bool]:
    found = _find(token, now=now)
    if found is None:
        raise NothingToUndo
    try:
        patron = lock_patron(found[0].patron_id)
    except NoSuchPatron:
        raise NothingToUndo from None
    # Somebody else may have undone it while this one waited.
    found = _find(token, now=now)
    if found is None:
        raise NothingToUndo
    return found[0], patron, found[1]


def _is_newest(change: ContactChange) -> bool:
    later = select(ContactChange.id).where(ContactChange.patron_id == change.patron_id, ContactChange.id > change.id)
    return db.session.scalar(later.limit(1)) is None


def _end_what_came_of_it(patron_id: int, *, since: datetime, now: datetime) -> None:
    forget_secrets(patron_id=patron_id)
    unsent = (Message.patron_id == patron_id) & Message.sent_at.is_(None)
    end_sessions_of_patron(patron_id=patron_id)
    end_phone_keys_elsewhere(patron_id=patron_id, session_id=None, now=now)
    revoke_credentials(Credential.patron_id == patron_id, Credential.issued_at >= since, now=now)
    confirmed = (Device.patron_id == patron_id) & (Device.confirmed_at >= since)
    chosen = (PinVerifier.patron_id == patron_id) & (PinVerifier.set_at >= since)
    for statement in (
        delete(Message).where(unsent & Message.kind.in_((*LINKS, *CODES, CONTACT_UNPROVEN))),
        update(Device).where(confirmed).values(confirmed_at=None),
        delete(PinVerifier).where(chosen),
    ):
        db.session.execute(statement, execution_options={"synchronize_session": False})
