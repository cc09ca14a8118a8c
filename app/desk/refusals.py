"""What staff read where the register refuses an act, or a value that they typed."""

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField

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


def value_words(field: str, fault: str) -> str:
    """Return what is wrong with a value, by the rules' word for it."""
    match field, fault:
        case "email", "missing":
            return _("Write an address, or choose SMS or letter under Reached by.")
        case "phone", "missing":
            return _("Write a number, or choose e-mail or letter under Reached by.")
        case _field, "missing":
            return _("This is needed.")
        case _field, "too-long":
            return _("This is too long.")
        case "email", _fault:
            return _("This is not an e-mail address.")
        case "phone", _fault:
            return _("This is not a telephone number. Begin with + and the country where it is not Norwegian.")
        case "birth_date", _fault:
            return _("This is not the birth date of anybody alive.")
        case "name", _fault:
            return _("This is not a name.")
        case "card_number", _fault:
            return _("A card number is an N and nine digits.")
        case _other:
            return _("Choose one of these.")


def show_faults(form: FlaskForm, faults: Mapping[str, str]) -> None:
    """Put each fault beside its field."""
    for name, fault in faults.items():
        form[name].errors = [value_words(name, fault)]


def reword_faults(form: FlaskForm) -> None:
    """Say in the reader's language what the fields themselves found wrong."""
    for field in form:
        if field.errors:
            fault = "too-long" if isinstance(field, StringField) else "not-valid"
            field.errors = [value_words(field.name, fault)]
