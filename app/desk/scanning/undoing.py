"""What a scan or a reservation did, as text that the page keeps for ten minutes: encrypted, and undone at that desk."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from app.ils.circulation.system import CirculationSystem
from app.ils.lending import EndedLoan
from app.register.keys.vault import SecretNotOpened, vault
from app.rules.errors import RuleBroken

LASTS: Final = timedelta(minutes=10)
_COLUMN: Final = "desk.undo"


class NothingToUndo(RuleBroken):
    """It was done too long ago, or at another desk."""


@dataclass(frozen=True, slots=True)
class Done:
    """A loan that was made or ended at the desk of `staff`, or a reservation that was made there.

    `title` is named again when it is undone.
    """

    what: Literal["lent", "returned", "reserved"]
    staff: str
    until: datetime
    title: str
    card_number: str
    barcode: str
    was_held: bool = False
    hold_id: str = ""
    ended: EndedLoan | None = None


_adapter = TypeAdapter(Done)


def seal_done(done: Done) -> str:
    """Return it as text for the page."""
    return base64.urlsafe_b64encode(vault.seal(_adapter.dump_json(done), column=_COLUMN)).decode()


def undo(sealed: str, *, lending: CirculationSystem, staff: str, now: datetime) -> Done:
    """Undo what `seal_done` sealed, and return it. Raises NothingToUndo, and as the library's system does."""
    try:
        text = vault.open(base64.urlsafe_b64decode(sealed.encode("ascii")), column=_COLUMN)
        done = _adapter.validate_json(text)
    except (UnicodeEncodeError, binascii.Error, SecretNotOpened, ValidationError):
        raise NothingToUndo from None
    if done.staff != staff or done.until <= now:
        raise NothingToUndo
    if done.ended is not None:
        lending.undo_return(done.ended, staff=staff)
    elif done.what == "reserved":
        lending.cancel_hold(card_number=done.card_number, hold_id=done.hold_id)
    else:
        lending.undo_check_out(card_number=done.card_number, barcode=done.barcode, was_held=done.was_held, staff=staff)
    return done
