"""A library's rules as data, read from the library's system, which charges by them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AliasPath, Field, PlainValidator

from app.ils.reading import Currency, Day, Flag, Number, Text

_MONTH_DAY: Final = re.compile(r"(\d{2})-(\d{2})", re.ASCII)


class MonthDay(NamedTuple):
    """A day of every year."""

    month: int
    day: int


def _read_month_day(value: object) -> MonthDay:
    if not isinstance(value, str) or not _MONTH_DAY.fullmatch(value):
        raise ValueError
    day = date.fromisoformat(f"2024-{value}")  # a leap year: 29 February is a day
    return MonthDay(day.month, day.day)


def _at(*path: str) -> Any:  # noqa: ANN401 - as Field itself
    return Field(validation_alias=AliasPath(*path))


_MonthDay = Annotated[MonthDay, PlainValidator(_read_month_day)]


@dataclass(frozen=True, slots=True)
class Category:
    """What is lent, for how long, and what being late costs.

    `names` by language code. `overdue_max` None: without limit. Shelves beginning with an exempt prefix cost nothing.
    """

    id: Text
    names: Mapping[Text, Text]
    loan_days: Number
    overdue_per_day: Number
    overdue_max: Annotated[Number | None, Field(default=None)]
    exempt_shelf_prefixes: tuple[Text, ...]
    replacement_charge: Number


@dataclass(frozen=True, slots=True)
class Claim:
    """A letter sent so many days after the due date. With `invoice` the replacement charges are billed and the card is
    blocked until all is back or paid."""

    level: Number
    after_days: Number
    fee: Number
    invoice: Flag


@dataclass(frozen=True, slots=True)
class SummerLimit:
    """Between these days, both included, a patron may have so many interlibrary requests open."""

    first: _MonthDay
    last: _MonthDay
    max_open_requests: Number


@dataclass(frozen=True, slots=True)
class InterlibraryRules:
    """What is fetched from other libraries. `refuse_newest_years` 2: not this year's or last year's publications."""

    fee: Number
    categories: tuple[Text, ...]
    refuse_newest_years: Number
    refuse_owned: Flag
    summer: Annotated[SummerLimit | None, Field(default=None)]


@dataclass(frozen=True, slots=True)
class LibraryRules:
    """Everything a patron may want to know beforehand. Amounts in the smallest unit of `currency`.

    `example`: the rules are invented. `debt_above` blocks the card; it counts running fees too. `closed_weekdays` are
    English names in lower case. `closed_dates` are days of every year and single days. `staffed_hours` are as
    `mo-fr 10:00-19:00`. `language` is that of the library's letters. `agreements` are the kinds of agreement that it
    offers; entries at its door are forgotten after `entries_days`.
    """

    library_id: Annotated[Text, _at("library")]
    name: Text
    example: Flag
    language: Text
    currency: Currency
    time_zone: Text
    categories: tuple[Category, ...]
    grace_days: Annotated[Number, _at("overdue", "grace_days")]
    charge_closed_days: Annotated[Flag, _at("overdue", "charge_closed_days")]
    max_renewals: Annotated[Number, _at("renewals", "max")]
    max_holds: Annotated[Number, _at("holds", "max_open")]
    hold_fetch_days: Annotated[Number, _at("holds", "fetch_days")]
    debt_above: Annotated[Number, _at("blocks", "debt_above")]
    claims: tuple[Claim, ...]
    reminder_days: Annotated[tuple[Number, ...], _at("reminders", "days_before_due")]
    replacement_card: Annotated[Number, _at("cards", "replacement")]
    interlibrary: Annotated[InterlibraryRules | None, Field(default=None)]
    settled_debts_days: Annotated[Number, _at("retention", "settled_debts_days")]
    closed_weekdays: Annotated[tuple[Text, ...], _at("calendar", "closed_weekdays")]
    closed_dates: Annotated[tuple[_MonthDay | Day, ...], _at("calendar", "closed_dates")]
    staffed_hours: Annotated[tuple[Text, ...], _at("calendar", "staffed_hours")] = ()
    agreements: Annotated[tuple[Text, ...], _at("self_service", "kinds")] = ()
    door_hours: Annotated[tuple[Text, ...], _at("self_service", "door_hours")] = ()
    door_min_age: Annotated[Number, _at("self_service", "door_min_age")] = 0
    entries_days: Annotated[Number, _at("self_service", "entries_days")] = 0


@dataclass(frozen=True, slots=True)
class ComingRules:
    """Rules that are published and hold from a day to come."""

    valid_from: Day
    rules: LibraryRules
