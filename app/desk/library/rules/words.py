"""What administrators read where their rules are refused: what is wrong with a value, or what stands in the way."""

import re
from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.ils.circulation.problems import BadRules
from app.ils.circulation.rulebook import Comparison
from app.ils.port import Refused

_BOUNDS: Final = re.compile(r"must be from (\d+) to (\d+)")
_FIXED: Final = re.compile(r"must stay '(.*)'")
_UNKNOWN_KIND: Final = re.compile(r"there is no category '(.*)'")
# The library's system says these in English, the same for a form and for a file.
_FAULTS: Final[Mapping[str, LazyString]] = {
    "is missing": _l("It is missing."),
    "must not be empty": _l("It must not be empty."),
    "must be one line of text": _l("Write one line, of at most 300 characters."),
    "is not a key that the policy knows": _l("No rule has this name."),
    "must be a whole number": _l("It must be a whole number."),
    "must be true or false": _l("It must be true or false."),
    "must be a text": _l("It must be a text in quotation marks."),
    "must be a list": _l("It must be a list in square brackets."),
    "must be a table": _l("It must be a table of its own."),
    "is not a date": _l("There is no such day."),
    "the file is not UTF-8": _l("Save the file as UTF-8, and try again."),
    "must be later than the claim before it": _l("It must be later than the claim before it."),
    "needs a fee, or a replacement charge in every category": _l(
        "An invoice needs a fee, or a replacement charge for every kind of media."
    ),
    "must have at least one category": _l("There must be at least one kind of media."),
    "a category is named by small letters, digits and _": _l("Use small letters, digits and _ only, a letter first."),
}
_EFFECTS: Final[Mapping[str, LazyString]] = {
    "due_otherwise": _l("Of these would be due on another day, if they were lent by the new rules: %(number)s."),
    "dearer": _l("Would cost more, if they came back %(days)s days late: %(number)s."),
    "cheaper": _l("Would cost less, if they came back %(days)s days late: %(number)s."),
    "billed_more": _l("Would be billed more, if they never came back: %(number)s."),
    "billed_less": _l("Would be billed less, if they never came back: %(number)s."),
    "lost_dearer": _l("Would cost more, if they were lost: %(number)s."),
    "lost_cheaper": _l("Would cost less, if they were lost: %(number)s."),
    "renewable_no_more": _l("Could not be renewed any more: %(number)s."),
    "renewable_again": _l("Could be renewed again: %(number)s."),
    "reminded_otherwise": _l("Would be reminded of on other days: %(number)s."),
    "cards_blocked": _l("Cards that would be blocked by what is owed today: %(number)s."),
    "cards_freed": _l("Cards that would not be blocked any more: %(number)s."),
    "copies": _l("Items that could not be lent any more: %(number)s."),
    "holds_above": _l("Patrons with more reservations than would be allowed: %(number)s. They keep them."),
    "holds_kept_otherwise": _l("Reservations that would be kept another number of days when they come: %(number)s."),
    "requests_refused": _l(
        "Interlibrary requests that would be refused, if they were made then: %(number)s. They go on."
    ),
    "requests_dearer": _l("Interlibrary requests that would cost more when they come: %(number)s."),
    "requests_cheaper": _l("Interlibrary requests that would cost less when they come: %(number)s."),
    "agreements_ended": _l("Agreements that would not count any more: %(number)s."),
    "agreements_again": _l("Agreements that would count again: %(number)s."),
    "debts_forgotten": _l("Settled debts that would lose their card number on that day: %(number)s."),
    "entries_forgotten": _l("Entries at the door that would be forgotten on that day: %(number)s."),
}
_REFUSALS: Final[Mapping[str, LazyString]] = {
    "nothing_changed": _l("The draft says the same as the newest rules, so there is nothing to publish."),
    "later_rules": _l("Rules for a later day are published already. Take those back first, or choose a later day."),
    "in_force": _l("Those rules hold already. Use earlier rules again from a day instead."),
    "date_in_past": _l("Choose today or a day to come."),
    "invalid_field": _l("Choose a day within the next two years."),
    "no_draft": _l("There is no draft any more. Look at the rules as they are now."),
    "unknown_version": _l("Those rules are not there any more. Look at the list."),
    "changed_meanwhile": _l("Somebody else changed the rules meanwhile. Look at them as they are now, and try again."),
}


def effect_words(comparison: Comparison) -> list[str]:
    """Return what the draft would mean for what there is now: a sentence for each number that is not 0."""
    found = ((str(sentence), getattr(comparison, name)) for name, sentence in _EFFECTS.items())
    return [sentence % {"days": comparison.days_late, "number": number} for sentence, number in found if number]


def fault_words(error: BadRules) -> str:
    """Return what is wrong with a value, in the reader's language where this program knows the sentence."""
    if bounds := _BOUNDS.fullmatch(error.fault):
        return _("It must be from %(least)s to %(most)s.", least=bounds[1], most=bounds[2])
    if error.fault.startswith("not TOML"):
        return _("This is not written as TOML: a quotation mark, bracket or equals sign may be missing.")
    if error.fault.endswith("is not a day of the year as MM-DD"):
        return _("There is no such day.")
    if fixed := _FIXED.fullmatch(error.fault):
        return _("It cannot be changed: it must stay %(value)s.", value=fixed[1])
    if category := _UNKNOWN_KIND.fullmatch(error.fault):
        return _("There is no kind of media with the code %(code)s.", code=category[1])
    return str(_FAULTS.get(error.fault, error.fault))


def file_fault_words(error: BadRules) -> str:
    """Return where a file is wrong, and what is wrong there."""
    fault = f"{error.key}: {fault_words(error)}" if error.key else fault_words(error)
    return _("Nothing was saved. Line %(line)s of the file: %(fault)s", line=error.line, fault=fault)


def rules_refusal(error: Refused) -> str:
    """Return why a change of the rules was refused, and what to do."""
    if isinstance(error, BadRules):
        return f"{error.key}: {fault_words(error)}"
    return str(_REFUSALS.get(error.code, _("That is not possible (any more). Nothing was changed.")))
