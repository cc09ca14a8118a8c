"""Freezing the card: all data is kept, and none of it is used, until the patron thaws the card (GDPR art. 18).

A frozen card is refused at every scan, libraries' systems get no details, and the family folder does not show it.
Copies on phones and in wallets are revoked for good: after thawing, each phone asks for a new one. The patron's phone
shows no other patron's card either. The patron can still sign in, see and correct the data, and thaw the card.
"""

from datetime import datetime

from app.register.card.carrying import revoke_copies
from app.register.messages.outbox import ask_for_message
from app.register.patron.card_status import set_frozen, status_of
from app.register.patron.changes import note_change
from app.register.patron.patrons import lock_patron
from app.rules.messages import CARD_FROZEN


def freeze_card(*, patron_id: int, now: datetime) -> None:
    """Freeze the card and revoke its copies from this second on. Repeating it changes nothing. Raises NoSuchPatron."""
    _set(patron_id=patron_id, frozen=True, now=now)


def thaw_card(*, patron_id: int, now: datetime) -> None:
    """Let the card be used again; revoked copies stay so. Repeating it changes nothing. Raises NoSuchPatron."""
    _set(patron_id=patron_id, frozen=False, now=now)


def _set(*, patron_id: int, frozen: bool, now: datetime) -> None:
    patron = lock_patron(patron_id)
    if status_of(patron).frozen is not frozen:
        set_frozen(patron, now if frozen else None)
        note_change(patron=patron, now=now)
        if frozen:
            revoke_copies(patron_id=patron_id, now=now)
            ask_for_message(patron_id=patron_id, kind=CARD_FROZEN, now=now)
