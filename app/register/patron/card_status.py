"""A card's status in the tables: read, tested in SQL, and written, here alone.

The SQL conditions mean the same as the properties of `CardStatus`; a test tries every combination.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, or_

from app.register.tables.patrons import Patron
from app.rules.card.status import ACTIVE, DEATH, INACTIVE, LOST, CardStatus, State

COLUMNS: Final = (Patron.card_state, Patron.frozen_at, Patron.erase_reason, Patron.local_to)
"""What a statement selects for `status_of`."""


def status_of(row: Any) -> CardStatus:  # noqa: ANN401 - a patron, or a row with the COLUMNS
    """Return the status of a card by the columns of its patron."""
    return CardStatus(
        dead=row.erase_reason == DEATH,
        lost=row.card_state == LOST,
        frozen=row.frozen_at is not None,
        local_to=row.local_to,
    )


def is_dead(whose: Any = Patron) -> ColumnElement[bool]:  # noqa: ANN401 - Patron or an alias of it
    """Return the condition that a card's holder is reported dead (`CardStatus.dead`)."""
    return func.coalesce(whose.erase_reason, "") == DEATH


def is_at_rest(whose: Any = Patron) -> ColumnElement[bool]:  # noqa: ANN401
    """Return the condition that a card is at rest (`CardStatus.at_rest`)."""
    return or_(is_dead(whose), whose.frozen_at.is_not(None))


def may_sign_in(whose: Any = Patron) -> ColumnElement[bool]:  # noqa: ANN401
    """Return the condition that a card's holder may sign in (`CardStatus.may_sign_in`)."""
    return ~is_dead(whose) & (whose.card_state != LOST)


def is_in_use(whose: Any = Patron) -> ColumnElement[bool]:  # noqa: ANN401
    """Return the condition that a card may be used (`CardStatus.in_use`)."""
    return may_sign_in(whose) & whose.frozen_at.is_(None)


def is_taken_at(library_id: str, whose: Any = Patron) -> ColumnElement[bool]:  # noqa: ANN401
    """Return the condition that a library takes a card (`CardStatus.is_taken_at`)."""
    return or_(whose.local_to.is_(None), whose.local_to == library_id)


def is_local_to(library_id: Any) -> ColumnElement[bool]:  # noqa: ANN401 - an id, or a column of ids
    """Return the condition that one library alone takes the card (`CardStatus.is_local_to`)."""
    return Patron.local_to == library_id


def state_at(library_id: Any, whose: Any = Patron) -> ColumnElement[str]:  # noqa: ANN401 - an id, or a column of ids
    """Return the expression of a card's state at a library (`CardStatus.at`)."""
    return case(
        (is_dead(whose), State.DECEASED.value),
        (whose.card_state == LOST, State.LOST.value),
        (whose.frozen_at.is_not(None), State.FROZEN.value),
        (whose.local_to != library_id, State.LOCAL.value),
        else_=State.ACTIVE.value,
    )


IS_INACTIVE: Final[ColumnElement[bool]] = Patron.erase_reason == INACTIVE
"""The condition that a patron is to be erased because the card is not used."""


def set_lost(patron: Patron, lost: bool) -> None:
    """Record that the card of a locked patron is lost, or that it is found or replaced."""
    patron.card_state = LOST if lost else ACTIVE


def set_frozen(patron: Patron, since: datetime | None) -> None:
    """Freeze the card of a locked patron; None: thaw it."""
    patron.frozen_at = since


def set_local(patron: Patron, library_id: str | None) -> None:
    """Make the card of a locked patron a local one of this library; None: a national one."""
    patron.local_to = library_id


def set_dead(patron: Patron, *, erase_at: datetime | None, reported_by: str | None) -> None:
    """Record a report that a locked patron has died; None: withdraw it."""
    patron.erase_at, patron.death_reported_by = erase_at, reported_by
    patron.erase_reason = DEATH if erase_at is not None else None


def erasure_of_inactive(erase_at: datetime) -> dict[str, Any]:
    """Return the columns of a statement that plans an erasure for lack of use."""
    return {"erase_at": erase_at, "erase_reason": INACTIVE}


def erasure_called_off() -> dict[str, Any]:
    """Return the columns of a statement that calls off an erasure planned for lack of use, and no other."""
    return {column.key: case((IS_INACTIVE, None), else_=column) for column in (Patron.erase_at, Patron.erase_reason)}
