"""What a library's system answers, in words for a page: refusals, fees, blocks, amounts."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

from babel.dates import format_skeleton, get_day_names
from babel.lists import format_list
from flask import Flask
from flask_babel import format_currency, ngettext
from flask_babel import get_locale as current_locale
from flask_babel import gettext as _


def refusal_words(code: str) -> str:
    """Return a sentence for a library's refusal code."""
    match code:
        case "reserved":
            return _("Somebody else has reserved it.")
        case "renewals_used_up":
            return _("It cannot be renewed more times.")
        case "overdue":
            return _("It is overdue. Return it at the library.")
        case "nothing_gained":
            return _("Renewing today would not give more time.")
        case "not_renewable":
            return _("This loan cannot be renewed.")
        case "blocked":
            return _("The card is blocked at this library. See what is owed below.")
        case "unknown_loan" | "unknown_hold" | "unknown_request" | "unknown_debt":
            return _("It is not there any more.")
        case "unknown_item":
            return _("This library has no item with that barcode.")
        case "on_loan":
            return _("Somebody else has borrowed it.")
        case "not_on_loan":
            return _("It is not on loan.")
        case "not_for_loan":
            return _("It is not for loan.")
        case "already_on_loan_to_patron":
            return _("The patron has it already.")
        case "already_reserved":
            return _("It is reserved already.")
        case "too_many_holds":
            return _("There are too many reservations already.")
        case "overpaid":
            return _("That is more than is owed.")
        case "already_settled":
            return _("It is settled already.")
        case "owned_here":
            return _("The library has it. Ask for it at the desk.")
        case "too_recent":
            return _("It is too new: this year's and last year's books are not fetched from other libraries.")
        case "category_not_lent":
            return _("This kind is not fetched from other libraries.")
        case "summer_limit":
            return _("In summer only a few are fetched from other libraries. Ask again in autumn.")
        case "already_asked":
            return _("You have asked for it already.")
        case "not_offered":
            return _("The library offers no such agreement.")
        case "too_young":
            return _("The patron is younger than the library allows.")
        case "date_in_past":
            return _("The date is past.")
        case "wrong_state":
            return _("That is done already, or comes too early.")
        case _unforeseen:
            return _("The library said no. Ask at the desk.")


def fee_words(kind: str) -> str:
    """Return what a fee is for, without what was borrowed."""
    match kind:
        case "overdue":
            return _("Returned late")
        case "claim_fee":
            return _("Claim fee")
        case "replacement_charge":
            return _("Replacement charge")
        case "replacement_card":
            return _("Replacement card")
        case "interlibrary":
            return _("Interlibrary loan")
        case _other:
            return _("Other fee")


def block_words(reason: str) -> str:
    """Return why a card may not borrow at a library."""
    match reason:
        case "debt":
            return _("Blocked: too much is owed")
        case "invoice":
            return _("Blocked: an invoice is unpaid")
        case "overdue":
            return _("Blocked: something is overdue")
        case _other:
            return _("Blocked by the library")


def money(amount: int, currency: str) -> str:
    """Return an amount of øre or öre as the reader writes it, such as `25,00 kr`."""
    return str(format_currency(Decimal(amount) / 100, currency))


def due_words(due_on: date, today: date) -> str:
    """Return how long there is until a due date, or how long it is past."""
    days = (due_on - today).days
    if days < 0:
        return ngettext("%(num)s day late", "%(num)s days late", -days)
    if days == 0:
        return _("Due today")
    return _("Due tomorrow") if days == 1 else ngettext("Due in %(num)s day", "Due in %(num)s days", days)


def day_of_year(day: tuple[int, int]) -> str:
    """Return a month and day of every year, such as `1. juni`."""
    # A leap year, so that 29 February is a day.
    return str(format_skeleton("MMMMd", date(2000, *day), locale=current_locale()))


def weekday_words(weekday: str) -> str:
    """Return the reader's name of a weekday that is given in English."""
    number = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday").index(weekday)
    return str(get_day_names("wide", locale=current_locale())[number])


def in_a_row(words: Iterable[str], style: Literal["standard", "or"] = "standard") -> str:
    """Return words as a sentence counts them up, such as `Hcf og Hcg`."""
    return str(format_list([str(word) for word in words], style, locale=current_locale()))


def give_words(app: Flask) -> None:
    """Let templates use these words as filters and functions."""
    app.jinja_env.filters["due"] = due_words
    app.jinja_env.filters["day_of_year"] = day_of_year
    app.jinja_env.filters["weekday"] = weekday_words
    app.jinja_env.filters["in_a_row"] = in_a_row
    app.jinja_env.filters["refusal"] = refusal_words
    app.jinja_env.filters["fee"] = fee_words
    app.jinja_env.filters["block"] = block_words
    app.jinja_env.globals["money"] = money
