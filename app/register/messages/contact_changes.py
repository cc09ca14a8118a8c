"""What is kept of a change of contact data for a fortnight, and the token of the link that undoes it.

The token is the change's id and a keyed hash of it, so that it is not stored, and is the same in each message.
"""

import hmac
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select

from app.register.keys.vault import vault
from app.register.patron.proven import LETTER, PROVEN_COLUMNS
from app.register.store.transaction import db, execute_bulk
from app.register.tables.library import Library
from app.register.tables.messages import ContactChange, Message
from app.register.tables.patrons import Patron
from app.rules.people.contact import CONTACT_FIELDS

FORMER_COLUMN: Final = "contact_changes.sealed_former"
UNDO_LASTS: Final = timedelta(days=14)
_KEPT = (*CONTACT_FIELDS, *PROVEN_COLUMNS.values(), "awaits_first_link")
_ADDRESS = ("address", "postcode", "place", "proven_address")
_TOKEN = re.compile(r"([1-9][0-9]{0,17})-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change of email, phone, address or preferred_contact (`fields`) by a library (None: the patron), when (UTC)."""

    id: int
    fields: tuple[str, ...]
    library: str | None
    at: datetime


def snapshot(patron: Patron) -> dict[str, Any]:
    """Return a patron's contact data and proven addresses, by column."""
    return {name: getattr(patron, name) for name in _KEPT}


def without_address(former: dict[str, Any]) -> dict[str, Any]:
    """Return a snapshot without the postal address."""
    return former | dict.fromkeys(_ADDRESS)


def forget_former_addresses(*, patron_id: int) -> None:
    """Take postal addresses out of what is kept of former changes, and delete letters that wait to go to one."""
    for change in db.session.scalars(select(ContactChange).where(ContactChange.patron_id == patron_id)):
        change.sealed_former = _seal(without_address(open_former(change)))
    waiting = (Message.patron_id == patron_id) & (Message.channel == LETTER) & Message.sent_at.is_(None)
    execute_bulk(delete(Message).where(waiting, Message.sealed_to.is_not(None)))


def store_change(
    *, patron_id: int, former: dict[str, Any], fields: Collection[str], library_id: str | None, now: datetime
) -> int:
    """Store the data before a change, and return the change's id. The patron is locked."""
    change = ContactChange(
        patron_id=patron_id,
        library_id=library_id,
        fields=", ".join(fields),
        sealed_former=_seal(former),
        changed_at=now,
    )
    db.session.add(change)
    db.session.flush()
    return change.id


def _seal(former: dict[str, Any]) -> bytes:
    return vault.seal(json.dumps(former).encode(), column=FORMER_COLUMN)


def open_former(change: ContactChange) -> dict[str, Any]:
    """Return the data before a change, by column. Raises SecretNotOpened."""
    former: dict[str, Any] = json.loads(vault.open(change.sealed_former, column=FORMER_COLUMN))
    return former


def read_change(change_id: int) -> ShownChange | None:
    """Return a change; None once it is deleted."""
    row = db.session.execute(
        select(ContactChange.id, ContactChange.fields, Library.name, ContactChange.changed_at)
        .join(Library, Library.id == ContactChange.library_id, isouter=True)
        .where(ContactChange.id == change_id)
    ).first()
    return ShownChange(row.id, tuple(row.fields.split(", ")), row.name, row.changed_at) if row is not None else None


def undo_token(change_id: int, *, by_letter: bool) -> str:
    """Return the token of a link that undoes a change. `by_letter`: the person who prints it sees it."""
    return f"{change_id}-{vault.token(purpose='undo', text=_text(change_id, by_letter=by_letter))}"


def read_undo_token(text: str) -> tuple[int, bool] | None:
    """Return the id of the change that a token is of, and whether it was in a letter. None where it is no token."""
    written = _TOKEN.fullmatch(text)
    if written is None:
        return None
    change_id = int(written[1])
    for by_letter in (False, True):
        tokens = vault.tokens(purpose="undo", text=_text(change_id, by_letter=by_letter)).values()
        if any(hmac.compare_digest(token, written[2]) for token in tokens):
            return change_id, by_letter
    return None


def _text(change_id: int, *, by_letter: bool) -> str:
    return f"{change_id} {'letter' if by_letter else 'message'}"
