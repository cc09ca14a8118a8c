"""What doors, suppliers and the desk can ask about agreements and entries. Part of the list in calls.py."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StrictInt

from circulation.errors import Refused
from circulation.http.calls import Answer, Call
from circulation.http.forms import CardNumber, Text
from circulation.lending import self_service
from circulation.lending.overview import pick
from circulation.lending.transaction import Transaction
from circulation.policy.keys import one_of
from circulation.policy.self_service import KINDS
from circulation.tables import Agreement

_PAGE: Final = 50

Age = Annotated[StrictInt, Field(ge=0, le=150)]
Kind = Annotated[str, one_of(*KINDS)]
RefusedBefore = Annotated[str, one_of(*self_service.REFUSED_BEFORE)]


def enter(
    tx: Transaction,
    door: Text,
    card_number: CardNumber | None = None,
    age: Age | None = None,
    refused: RefusedBefore | None = None,
) -> Answer:
    """Open the door or leave it shut; either is written into the door's book."""
    # A visitor whom the register has refused has no age, and perhaps no card.
    for name, value in (("card_number", card_number), ("age", age)):
        if refused is None and value is None:
            raise Refused("invalid_field", field=name)
    if refused is not None and age is not None:
        raise Refused("invalid_field", field="age")
    outcome = self_service.enter(tx=tx, card_number=card_number, age=age or 0, door=door[:60], refused=refused)
    return {"outcome": outcome}


def check(tx: Transaction, card_number: CardNumber, kind: Kind) -> Answer:
    """Whether a card may use what the agreement is for."""
    return {"allowed": self_service.allows(tx=tx, card_number=card_number, kind=kind)}


def list_agreements(tx: Transaction, card_number: CardNumber) -> Answer:
    """What the library offers, and what the card has agreed to."""
    offer, made = tx.policy.self_service, self_service.list_agreements(tx=tx, card_number=card_number)
    return {"offered": offer.kinds, "door_min_age": offer.door_min_age, "agreements": [_view(one) for one in made]}


def note(tx: Transaction, card_number: CardNumber, kind: Kind, age: Age) -> Answer:
    """The patron has agreed at the desk."""
    return {"agreement": _view(self_service.note_agreement(tx=tx, card_number=card_number, kind=kind, age=age))}


def withdraw(tx: Transaction, card_number: CardNumber, kind: Kind) -> Answer:
    """The agreement ends."""
    return {"agreement": _view(self_service.withdraw_agreement(tx=tx, card_number=card_number, kind=kind))}


def entries(tx: Transaction, before: Annotated[StrictInt, Field(ge=1, le=2**62)] | None = None) -> Answer:
    """A page of the door's book, newest first."""
    found = self_service.list_entries(tx=tx, before=before, limit=_PAGE + 1)
    page = [pick(entry, "number", "at", "door", "card_number", "outcome") for entry in found[:_PAGE]]
    return {"entries": page, "more": len(found) > _PAGE}


def _view(agreement: Agreement) -> dict[str, Any]:
    return pick(agreement, "kind", "agreed_on", "withdrawn_on")


SELF_SERVICE_CALLS: Final = {"door/enter": Call(enter), "agreements/check": Call(check, writes=False)}
SELF_SERVICE_STAFF_CALLS: Final = {
    "agreements/list": Call(list_agreements, writes=False),
    "agreements/note": Call(note),
    "agreements/withdraw": Call(withdraw),
    "door/entries": Call(entries, writes=False),
}
