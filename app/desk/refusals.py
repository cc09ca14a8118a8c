"""What staff read where the register refuses an act, or a value that they typed."""

from flask_babel import gettext as _

from app.register.card.cards import WasReplaced
from app.register.change.deaths import NotYourReport
from app.register.change.enrolment import AlreadyRegistered, ConsentMissing
from app.register.change.membership import LastLibrary
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.numbers import NumberNotReserved, NumberWasIssued
from app.register.patron.patrons import NotJoined
from app.register.patron.proven import PapersNotSeen
from app.register.sign_in.devices import NoSuchDevice
from app.register.sign_in.pin_at_desk import NotPrintedHere
from app.rules.card.number import NotACardNumber
from app.rules.card.status import CardRefused, State
from app.rules.errors import RuleBroken
from app.web.faults.errors import wait_sentence


def refusal_of(error: RuleBroken) -> str:
    """Return why an act was refused, and what to do."""
    match error:
        case NotJoined():
            return _("The card is not activated at this library. Activate it first.")
        case LastLibrary():
            return _("This is the only library of the card. Who wants to leave it deletes the card, under My data.")
        case ConsentMissing():
            return _("At this age a guardian must consent first.")
        case CardRefused():
            return state_words(error.state)
        case NotPrintedHere():
            return _("Only the patron's home library prints letters. Send the link instead.")
        case PapersNotSeen():
            return _("Nothing was changed: look at photo id or other papers first, and tick that you have.")
        case NotYourReport():
            return _("Another library reported the death, and only that library can take it back.")
        case NoSuchDevice():
            return _("The card is off that device already.")
        case WasReplaced():
            return _("Nothing was changed: the card has a new number already, or the form could not be read.")
        case NotACardNumber():
            return _("A card number is an N and nine digits.")
        case NumberNotReserved():
            return _("That number is in none of the rows that this library has reserved.")
        case NumberWasIssued():
            return _("That number was on somebody's card before, and is never used again. Take the next card.")
        case AlreadyRegistered():
            return _(
                "Another card has this number, so nothing was changed. Type the number under New patron: that leads to "
                "the other card. Of two cards of one person, one is ended."
            )
        case TooManyAttempts():
            return wait_sentence(error.retry_after)
        case _other:
            return _("That is not possible (any more). Nothing was changed.")


def state_words(state: State) -> str:
    """Return why nothing is done with a card in this state, and what to do."""
    match state:
        case State.DECEASED:
            return _("A death is reported for this card. Take that back first, if it is wrong.")
        case State.LOST:
            return _("The card is reported lost. Give a new card first, or note that it is found.")
        case State.FROZEN:
            return _("The patron has frozen the card, and can thaw it under My data.")
        case _local:
            return _("It is a local card of another library. Make it a national card first, if the patron wants that.")
