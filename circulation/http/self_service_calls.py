"""What doors, suppliers and the desk can ask about agreements and entries. Part of the table in calls.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from circulation.http.calls import Answer, Call
from circulation.lending import self_service
from circulation.policy.opening import KINDS
from circulation.tables import Agreement

_PAGE: Final = 50
_OLDEST: Final = 150


def enter(call: Call) -> Answer:
    """Open the door or leave it shut; either is written into the door's book."""
    refused = call.form.choice("refused", self_service.REFUSED_BEFORE) if "refused" in call.form else None
    card_number = call.form.card_number() if refused is None or "card_number" in call.form else None
    age = call.form.integer("age", least=0, most=_OLDEST) if refused is None else 0
    door = call.form.text("door")[:60]
    call.form.finish()
    with call.database.writing() as session:
        outcome = self_service.enter(
            session=session,
            policy=call.policy,
            card_number=card_number,
            age=age,
            door=door,
            refused=refused,
            now=call.now,
        )
    return {"outcome": outcome}


def check(call: Call) -> Answer:
    """Say yes or no."""
    card_number, kind = call.form.card_number(), call.form.choice("kind", KINDS)
    call.form.finish()
    with call.database.reading() as session:
        allowed = self_service.allows(
            session=session, policy=call.policy, card_number=card_number, kind=kind, now=call.now
        )
    return {"allowed": allowed}


def list_agreements(call: Call) -> Answer:
    """What the library offers, and what the card has agreed to."""
    card_number = call.form.card_number()
    call.form.finish()
    offer = call.policy.self_service
    with call.database.reading() as session:
        held = self_service.list_agreements(session=session, card_number=card_number)
        return {
            "offered": list(offer.kinds),
            "door_min_age": offer.door_min_age,
            "agreements": [_view(agreement) for agreement in held],
        }


def note(call: Call) -> Answer:
    """The patron has agreed at the desk."""
    card_number, kind = call.form.card_number(), call.form.choice("kind", KINDS)
    age = call.form.integer("age", least=0, most=_OLDEST)
    call.form.finish()
    with call.database.writing() as session:
        agreement = self_service.note_agreement(
            session=session, policy=call.policy, card_number=card_number, kind=kind, age=age, now=call.now
        )
        return {"agreement": _view(agreement)}


def withdraw(call: Call) -> Answer:
    """The agreement ends."""
    card_number, kind = call.form.card_number(), call.form.choice("kind", KINDS)
    call.form.finish()
    with call.database.writing() as session:
        agreement = self_service.withdraw_agreement(
            session=session, policy=call.policy, card_number=card_number, kind=kind, now=call.now
        )
        return {"agreement": _view(agreement)}


def entries(call: Call) -> Answer:
    """A page of the door's book, newest first."""
    before = call.form.integer("before", least=1, most=2**62) if "before" in call.form else None
    call.form.finish()
    with call.database.reading() as session:
        found = self_service.list_entries(session=session, before=before, limit=_PAGE + 1)
        return {
            "entries": [
                {
                    "number": entry.number,
                    "at": entry.at.isoformat(),
                    "door": entry.door,
                    "card_number": entry.card_number,
                    "outcome": entry.outcome,
                }
                for entry in found[:_PAGE]
            ],
            "more": len(found) > _PAGE,
        }


def _view(agreement: Agreement) -> dict[str, Any]:
    return {"kind": agreement.kind, "agreed_on": agreement.agreed_on, "withdrawn_on": agreement.withdrawn_on}


SELF_SERVICE_CALLS: Final[dict[str, Callable[[Call], Answer]]] = {"door/enter": enter, "agreements/check": check}
SELF_SERVICE_STAFF_CALLS: Final[dict[str, Callable[[Call], Answer]]] = {
    "agreements/list": list_agreements,
    "agreements/note": note,
    "agreements/withdraw": withdraw,
    "door/entries": entries,
}
