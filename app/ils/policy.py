"""A library's rules as data, for the page that tells them: from the library's system, which charges by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class MonthDay(NamedTuple):
    """A day of every year."""

    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Category:
    """What is lent, for how long, and what being late costs.

    `names` by language code. `overdue_max` None: without limit. Shelves beginning with an exempt prefix cost nothing.
    """

    id: str
    names: Mapping[str, str]
    loan_days: int
    overdue_per_day: int
    overdue_max: int | None
    exempt_shelf_prefixes: tuple[str, ...]
    replacement_charge: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A letter sent so many days after the due date. With `invoice` the replacement charges are billed and the card is
    blocked until all is back or paid."""

    level: int
    after_days: int
    fee: int
    invoice: bool


@dataclass(frozen=True, slots=True)
class SummerLimit:
    """Between these days, both included, a patron may have so many interlibrary requests open."""

    first: MonthDay
    last: MonthDay
    max_open_requests: int


@dataclass(frozen=True, slots=True)
class InterlibraryRules:
    """What is fetched from other libraries. `refuse_newest_years` 2: not this year's or last year's publications."""

    fee: int
    categories: tuple[str, ...]
    refuse_newest_years: int
    refuse_owned: bool
    summer: SummerLimit | None


@dataclass(frozen=True, slots=True)
class LibraryRules:
    """Everything a patron may want to know beforehand. Amounts in the smallest unit of `currency`.

    `example` says that the rules are invented. `debt_above` blocks the card; it counts running fees too.
    `closed_weekdays` are English names in lower case.
    """

    library_id: str
    name: str
    example: bool
    currency: str
    time_zone: str
    categories: tuple[Category, ...]
    grace_days: int
    charge_closed_days: bool
    max_renewals: int
    max_holds: int
    hold_fetch_days: int
    debt_above: int
    claims: tuple[Claim, ...]
    reminder_days: tuple[int, ...]
    replacement_card: int
    interlibrary: InterlibraryRules | None
    settled_debts_days: int
    closed_weekdays: tuple[str, ...]
    closed_yearly: tuple[MonthDay, ...]
    closed_dates: tuple[date, ...]
