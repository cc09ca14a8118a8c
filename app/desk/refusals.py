"""What staff read where the register refuses an act, or a value that they typed."""

from collections.abc import Mapping
from typing import Final

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.register.card.cards import WasReplaced
from app.register.change.deaths import NotYourReport
from app.register.change.enrolment import AlreadyRegistered, ConsentMissing
from app.register.change.membership import LastLibrary
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.numbers import NoNumbersLeft, NumberNotReserved, NumberWasIssued
from app.register.patron.patrons import NotJoined
from app.register.patron.proven import PapersNotSeen
from app.register.sign_in.devices import NoSuchDevice
from app.register.sign_in.pin_orders import NotPrintedHere
from app.rules.card.number import NotACardNumber
from app.rules.card.status import CardRefused, State
from app.rules.errors import RuleBroken
from app.rules.people.national_id import NotANationalId, SyntheticNationalId
from app.web.faults.errors import wait_sentence

UNREADABLE: Final = _l("That could not be read. Nothing was changed.")
_NOT_A_NATIONAL_ID: Final = _l("This is not a national id number. Look at the document once more.")
_SENTENCES: Final[Mapping[type[RuleBroken], LazyString]] = {
    NotJoined: _l("The card is not activated at this library. Activate it first."),
    LastLibrary: _l(
        "This is the only library of the card. Who wants to leave it deletes the card, under %(label)s.",
        label=_l("My data"),
    ),
    ConsentMissing: _l("At this age a guardian must consent first. Ask the guardian, and tick it."),
    NotPrintedHere: _l("Only the patron's home library prints letters. Send the link instead."),
    PapersNotSeen: _l("Nothing was changed: look at photo id or other papers first, and tick that you have."),
    NotYourReport: _l("Another library reported the death, and only that library can take it back."),
    NoSuchDevice: _l("The card is off that device already."),
    WasReplaced: _l("Nothing was changed: the card has a new number already, or the form could not be read."),
    NotACardNumber: _l("A card number is an N and nine digits."),
    NumberNotReserved: _l("That number is in none of the rows that this library has reserved."),
    NumberWasIssued: _l("That number was on somebody's card before, and is never used again. Take the next card."),
    NoNumbersLeft: _l("There are not that many numbers left. Ask the operator."),
    AlreadyRegistered: _l(
        "Another card has this number, so nothing was changed. Type the number under %(label)s: that leads to "
        "the other card. Of two cards of one person, one is ended.",
        label=_l("New patron"),
    ),
    NotANationalId: _NOT_A_NATIONAL_ID,
    SyntheticNationalId: _NOT_A_NATIONAL_ID,
}
_STATES: Final[Mapping[State, LazyString]] = {
    State.DECEASED: _l("A death is reported for this card. Take that back first, if it is wrong."),
    State.LOST: _l("The card is reported lost. Give a new card first, or note that it is found."),
    State.FROZEN: _l("The patron has frozen the card, and can unfreeze it under %(label)s.", label=_l("My data")),
    State.LOCAL: _l("It is a local card of another library. Make it a national card first, if the patron wants that."),
}


class RefusedHere(RuleBroken):
    """The desk's own page refuses an act. `sentence` says why and what to do, and holds no personal data."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


def refusal_of(error: RuleBroken) -> str:
    """Return why an act was refused, and what to do."""
    match error:
        case RefusedHere():
            return error.sentence
        case CardRefused():
            return str(_STATES[error.state])
        case TooManyAttempts():
            return wait_sentence(error.retry_after)
        case _other:
            return str(_SENTENCES.get(type(error), _("That is not possible (any more). Nothing was changed.")))


def show_refusal(error: RuleBroken, *, page: str = "desk.patron") -> ResponseReturnValue:
    """Lead to a page of the desk that says why an act was refused."""
    flash(refusal_of(error), "danger")
    return redirect(url_for(page))
