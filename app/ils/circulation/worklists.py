"""The day's lists of a library that runs our own circulation: copies to fetch for holds, and claims about to be made.

`staff` is the user name of the member of staff. All of it raises Unavailable and Refused.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AliasPath, Field

from app.ils.circulation.system import CirculationSystem
from app.ils.reading import Code, Day, Flag, Number, Text, TextOrNone


@dataclass(frozen=True, slots=True)
class CopyToFetch:
    """A copy that is set aside and still stands on its shelf. Whom it is for is not told."""

    barcode: Text
    title: Text
    author: Text
    shelf_code: Text
    fetch_before: Annotated[Day | None, Field(default=None)]


@dataclass(frozen=True, slots=True)
class ComingClaim:
    """The next claim for a loan, made on the day `on` unless it is `stopped_for` a reason. `fee` as in `rules()`."""

    loan_id: Text
    card_number: Text
    title: Text
    barcode: Text
    due_on: Day
    level: Number
    on: Day
    fee: Number
    invoice: Flag
    stopped_for: Annotated[Code | None, Field(default=None, validation_alias=AliasPath("stopped", "reason"))] = None
    stopped_by: Annotated[TextOrNone, Field(default=None, validation_alias=AliasPath("stopped", "by"))] = None


@dataclass(frozen=True, slots=True)
class _Done:
    pass


def list_to_fetch(system: CirculationSystem, *, staff: str) -> tuple[CopyToFetch, ...]:
    """Return the copies to fetch, in the order of the shelves."""
    return system.ask(tuple[CopyToFetch, ...], "POST", "holds/to-pick", "copies", _signed(staff))


def note_fetched(system: CirculationSystem, *, barcode: str, staff: str) -> None:
    """Note that a copy was fetched. Refused: unknown_item, unknown_hold."""
    system.ask(_Done, "POST", "holds/picked", "", _signed(staff, barcode=barcode))


def list_coming_claims(system: CirculationSystem, *, staff: str) -> tuple[ComingClaim, ...]:
    """Return the claims of the next seven days, by day."""
    return system.ask(tuple[ComingClaim, ...], "POST", "claims/list", "claims", _signed(staff))


def stop_claims(system: CirculationSystem, *, loan_id: str, reason: str, staff: str) -> None:
    """Let no claim be made for a loan, for a reason that it knows, until it is renewed or returned.

    Refused: unknown_loan.
    """
    system.ask(_Done, "POST", "claims/stop", "", _signed(staff, loan_id=loan_id, reason=reason))


def resume_claims(system: CirculationSystem, *, loan_id: str, staff: str) -> None:
    """Let claims for a loan be made again. Refused: unknown_loan."""
    system.ask(_Done, "POST", "claims/resume", "", _signed(staff, loan_id=loan_id))


def _signed(staff: str, **body: object) -> dict[str, object]:
    return {**body, "role": "staff", "staff": staff}
