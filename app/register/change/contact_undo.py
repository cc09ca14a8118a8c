"""Undoing, or confirming, a change of contact data with the link that was sent to a proven address."""

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
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.devices import Credential, Device
from app.register.tables.messages import ContactChange, Message
from app.register.tables.patrons import Patron, PinVerifier
from app.rules.errors import RuleBroken
from app.rules.messages import CODES, CONTACT_CHANGED, CONTACT_UNPROVEN, LINKS
from app.rules.pins.pin import LINK_SOURCE


class NothingToUndo(RuleBroken):
    """The link is wrong, used already, or older than a fortnight."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """A change that can be undone. `may_confirm`: it is the newest, not proven yet, and the link was no letter's."""

    change: ShownChange
    may_confirm: bool


def find_undoable(*, token: str, now: datetime) -> Undoable | None:
    """Return the change that a link leads to, while it can be undone."""
    found = _find(token, now=now)
    if found is None:
        return None
    change, by_letter = found
    shown = read_change(change.id)
    assert shown is not None
    patron = db.session.get_one(Patron, change.patron_id)
    return Undoable(shown, not by_letter and _is_newest(change) and bool(unproven_channels(patron)))


def undo_change(*, token: str, address: str, now: datetime) -> None:
    """Restore the contact data from before a change, undo all changes after it too, and freeze the card.

    Links and codes end, every session, and what is newer than the change: confirmed devices, cards on devices, the PIN.
    A try is taken from the network address. Raises NothingToUndo or TooManyAttempts.
    """
    take_tries(tries=from_source(LINK_SOURCE, address), now=now)
    with writing():
        change, patron, _ = _lock(token, now=now)
        for name, value in open_former(change).items():
            setattr(patron, name, value)
        _revoke_since(change.changed_at, patron_id=patron.id, now=now)
        execute_bulk(delete(ContactChange).where(ContactChange.patron_id == patron.id, ContactChange.id >= change.id))
        if status_of(patron).frozen:
            note_change(patron=patron, now=now)
        else:
            freeze_card(patron_id=patron.id, now=now)


def confirm_change(*, token: str, address: str, now: datetime) -> None:
    """Prove the patron's addresses, by a link that was sent to a proven one.

    Raises NothingToUndo, also where nothing is unproven or the contact data was changed again, or TooManyAttempts.
    """
    take_tries(tries=from_source(LINK_SOURCE, address), now=now)
    with writing():
        change, patron, by_letter = _lock(token, now=now)
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
    # Another request may have undone it while this one waited for the lock.
    found = _find(token, now=now)
    if found is None:
        raise NothingToUndo
    return found[0], patron, found[1]


def _is_newest(change: ContactChange) -> bool:
    later = select(ContactChange.id).where(ContactChange.patron_id == change.patron_id, ContactChange.id > change.id)
    return db.session.scalar(later.limit(1)) is None


def _revoke_since(since: datetime, *, patron_id: int, now: datetime) -> None:
    forget_secrets(patron_id=patron_id)
    end_sessions_of_patron(patron_id=patron_id)
    end_phone_keys_elsewhere(patron_id=patron_id, session_id=None, now=now)
    revoke_credentials(Credential.patron_id == patron_id, Credential.issued_at >= since, now=now)
    unsent = (Message.patron_id == patron_id) & Message.sent_at.is_(None)
    confirmed = (Device.patron_id == patron_id) & (Device.confirmed_at >= since)
    execute_bulk(delete(Message).where(unsent, Message.kind.in_((*LINKS, *CODES, CONTACT_UNPROVEN))))
    execute_bulk(update(Device).where(confirmed).values(confirmed_at=None))
    execute_bulk(delete(PinVerifier).where(PinVerifier.patron_id == patron_id, PinVerifier.set_at >= since))
