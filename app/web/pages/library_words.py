"""What a library's system answers, in words for a page: refusals, fees, blocks, amounts."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from babel.dates import format_date, format_skeleton, get_day_names
from babel.lists import format_list
from babel.numbers import get_currency_symbol
from flask import Flask
from flask_babel import LazyString, format_currency, format_decimal, ngettext
from flask_babel import get_locale as current_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from app.rules.library.face import number_to_call

_NOT_THERE: Final = _l("It is not there any more.")
_REFUSALS: Final[Mapping[str, LazyString]] = {
    "reserved": _l("Somebody else has reserved it."),
    "renewals_used_up": _l("It cannot be renewed more times."),
    "overdue": _l("The due date has passed, and the loan cannot be renewed. Return it at the library."),
    "nothing_gained": _l("Can be renewed nearer the due date."),
    "not_renewable": _l("This loan cannot be renewed."),
    "blocked": _l("The card is blocked at this library. See what is owed below."),
    "unknown_loan": _NOT_THERE,
    "unknown_hold": _NOT_THERE,
    "unknown_request": _NOT_THERE,
    "unknown_debt": _NOT_THERE,
    "unknown_item": _l("This library has no item with that barcode."),
    "on_loan": _l("Somebody else has borrowed it."),
    "not_on_loan": _l("It is not on loan."),
    "not_for_loan": _l("It is not for loan."),
    "already_on_loan_to_patron": _l("The patron has it already."),
    "already_reserved": _l("It is reserved already."),
    "hold_ready": _l("It is ready to be collected, or on its way. Contact the library."),
    "hold_kept": _l("The library did not cancel it. Contact the library."),
    "cannot_pause": _l("This library cannot pause it from here. Contact the library."),
    "cannot_move": _l("This library cannot change that from here. Contact the library."),
    "unknown_place": _l("It cannot be collected there."),
    "too_many_holds": _l("There are too many reservations already."),
    "overpaid": _l("That is more than is owed."),
    "already_settled": _l("It is settled already."),
    "owned_here": _l("The library has it. Ask for it at the desk."),
    "too_recent": _l("It is too new: this year's and last year's books are not fetched from other libraries."),
    "category_not_lent": _l("This kind is not fetched from other libraries."),
    "summer_limit": _l("In summer only a few are fetched from other libraries. Ask again in autumn."),
    "already_asked": _l("You have asked for it already."),
    "not_offered": _l("The library offers no such agreement."),
    "too_young": _l("The patron is younger than the library allows."),
    "date_in_past": _l("The date is past."),
    "wrong_state": _l("That is done already, or comes too early."),
}
_FEES: Final[Mapping[str, LazyString]] = {
    "overdue": _l("Returned late"),
    "claim_fee": _l("Claim fee"),
    "replacement_charge": _l("Replacement charge"),
    "replacement_card": _l("Replacement card"),
    "interlibrary": _l("Interlibrary loan"),
}
_BLOCKS: Final[Mapping[str, LazyString]] = {
    "debt": _l("Blocked: too much is owed"),
    "invoice": _l("Blocked: an invoice is unpaid"),
    "overdue": _l("Blocked: something is overdue"),
}


def naming(sentence: str, title: str, **words: object) -> Markup:
    """Return a sentence with the `title` of something borrowed, set as one, and further words."""
    return escape(sentence) % {"title": Markup("<cite>%s</cite>") % title, **words}


def refusal_words(code: str) -> str:
    """Return a sentence for a library's refusal code."""
    return str(_REFUSALS.get(code, _("The library does not accept this. Ask at the desk.")))


def fee_words(kind: str) -> str:
    """Return what a fee is for, without what was borrowed."""
    return str(_FEES.get(kind, _("Other fee")))


def block_words(reason: str) -> str:
    """Return why a card may not borrow at a library."""
    return str(_BLOCKS.get(reason, _("Blocked by the library")))


def money(amount: int, currency: str) -> str:
    """Return an amount of øre or öre as the reader writes it, such as `2,50 kr`, and a whole one as `25 kr`."""
    # CLDR (alphaNextToNumber): a space between letters and digits, such as `SEK 25` in English.
    pattern = current_locale().currency_formats["standard"].pattern.replace("¤#", "¤\N{NO-BREAK SPACE}#")
    pattern = pattern.replace(".00", "") if amount % 100 == 0 else pattern
    if currency_symbol(currency) == "Nkr":  # CLDR's for Norwegian money in Swedish, which nobody writes
        pattern = pattern.replace("¤", "¤¤¤")
    return str(format_currency(Decimal(amount) / 100, currency, pattern, currency_digits=False))


def amount_in_field(amount: int) -> str:
    """Return an amount of øre or öre as the reader types it: `40`, or `40,50`."""
    return str(format_decimal(Decimal(amount) / 100, "0" if amount % 100 == 0 else "0.00"))


def currency_symbol(currency: str) -> str:
    """Return what the reader calls a currency, such as `kr`, or `NOK` in English (CLDR)."""
    return get_currency_symbol(currency, locale=current_locale())


def due_words(due_on: date | None, today: date) -> str:
    """Return how long there is until a due date, or how long it is past."""
    if due_on is None:
        return _("Due date unknown. Ask the library.")
    days = (due_on - today).days
    if days < 0:
        return ngettext("%(num)s day late", "%(num)s days late", -days)
    if days == 0:
        return _("Due today")
    return _("Due tomorrow") if days == 1 else ngettext("Due in %(num)s day", "Due in %(num)s days", days)


def day_of_year(day: tuple[int, int]) -> str:
    """Return a month and day of every year, such as `1. juni`."""
    # A leap year, so that 29 February is a day.
    on_day = date(2000, *day)
    if current_locale().language == "se":
        return str(format_date(on_day, "d.M.", locale=current_locale()))
    return str(format_skeleton("MMMMd", on_day, locale=current_locale()))


def day_with_weekday(day: date, *, year: bool = False) -> str:
    """Return a day such as `mandag 30. november`, with its year where that is asked for."""
    if current_locale().language == "se":
        pattern = "EEEE d.M.y" if year else "EEEE d.M."
    else:
        pattern = "EEEE d. MMMM" if current_locale().language in ("nb", "nn") else "EEEE d MMMM"
        pattern += " y" if year else ""
    return str(format_date(day, pattern, locale=current_locale()))


def weekday_words(weekday: str) -> str:
    """Return the reader's name of a weekday that is given in English."""
    number = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday").index(weekday)
    return str(get_day_names("wide", locale=current_locale())[number])


def hours_words(hours: str) -> str:
    """Return hours that are given as `mo-fr 06:00-22:00` with the reader's names of the weekdays."""
    days, _space, times = hours.partition(" ")
    codes, names = ("mo", "tu", "we", "th", "fr", "sa", "su"), get_day_names("abbreviated", locale=current_locale())
    shown = [names[codes.index(day)] if day in codes else day for day in days.split("-")]
    return f"{'–'.join(shown)} {times.replace('-', '–')}"


def language_name(code: str) -> str:
    """Return what the reader calls a language, such as `norsk bokmål`; its code where they have no word for it."""
    return str(current_locale().languages.get(code, code))


def in_a_row(words: Iterable[str], style: Literal["standard", "or"] = "standard") -> str:
    """Return words as a sentence counts them up, such as `Hcf og Hcg`."""
    return str(format_list([str(word) for word in words], style, locale=current_locale()))


def small_first(label: str) -> str:
    """Return a label as it stands within a sentence: `Bøker` as `bøker`, and `DVD-filmer` as it is."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def give_words(app: Flask) -> None:
    """Let templates use these words as filters and functions."""
    app.jinja_env.filters |= {
        "due": due_words,
        "day_of_year": day_of_year,
        "day_with_weekday": day_with_weekday,
        "weekday": weekday_words,
        "hours_words": hours_words,
        "in_a_row": in_a_row,
        "small_first": small_first,
        "language_name": language_name,
        "number_to_call": number_to_call,
        "refusal": refusal_words,
        "fee": fee_words,
        "block": block_words,
    }
    app.jinja_env.globals |= {"money": money, "currency_symbol": currency_symbol}
