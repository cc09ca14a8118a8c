"""One library's loan rules as data: `policies/<library id>.toml`, read into frozen dataclasses.

No rule in code names a library. Amounts are integers of the smallest unit (öre, øre), days are calendar days in
the library's own time zone. Source of the rules that a policy can express: Mullsjö's Låneregler and DOMAIN facts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from circulation.policy.opening import SelfService, read_self_service
from circulation.policy.toml_table import PolicyError, Table

__all__ = ["Policy", "PolicyError", "load_policy"]

POLICIES: Final = Path(__file__).parents[1] / "policies"
LANGUAGES: Final = ("nb", "nn", "sv", "en")
CURRENCIES: Final = ("SEK", "NOK", "DKK")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of media: how long it is lent, what a late day costs, what a lost copy costs."""

    id: str
    names: tuple[tuple[str, str], ...]
    loan_days: int
    overdue_per_day: int
    overdue_max: int | None
    exempt_shelf_prefixes: tuple[str, ...]
    replacement_charge: int


@dataclass(frozen=True, slots=True)
class ClaimStep:
    """A letter about an overdue loan. An invoice also charges the replacement and blocks the card until it is paid."""

    level: int
    after_days: int
    fee: int
    invoice: bool


@dataclass(frozen=True, slots=True)
class Summer:
    """Days of every year, both included, in which a patron may have only so many open interlibrary requests."""

    first: MonthDay
    last: MonthDay
    max_open_requests: int


@dataclass(frozen=True, slots=True)
class InterlibraryRules:
    """`refuse_newest_years`: 1 refuses this year's publications, 2 also last year's, 0 none."""

    fee: int
    categories: tuple[str, ...]
    refuse_newest_years: int
    refuse_owned: bool
    summer: Summer | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days on which the library is closed: weekdays (Monday = 0), the same day every year, and single dates."""

    weekdays: frozenset[int]
    yearly: frozenset[MonthDay]
    dates: frozenset[date]


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that a library's rules can say. Amounts in the smallest unit of `currency`."""

    library: str
    name: str
    example: bool
    language: str
    zone: ZoneInfo
    currency: str
    categories: MappingProxyType[str, Category]
    grace_days: int
    charge_closed_days: bool
    max_renewals: int
    max_holds: int
    hold_fetch_days: int
    debt_above: int
    claims: tuple[ClaimStep, ...]
    reminder_days: tuple[int, ...]
    replacement_card: int
    interlibrary: InterlibraryRules | None
    settled_debts_days: int
    calendar: Calendar
    self_service: SelfService

    def category(self, category_id: str) -> Category:
        """The category of a copy. One that the policy has dropped is lent no more and costs nothing."""
        return self.categories.get(category_id) or Category(category_id, (), 0, 0, None, (), 0)


def load_policy(library: str, *, folder: Path = POLICIES) -> Policy:
    """Read `<folder>/<library>.toml`. PolicyError names file, line and key of the first fault."""
    top = Table.read(folder / f"{library}.toml")
    if (named := top.text("library")) != library:
        raise top.fault("library", f"says {named!r}, the file is named for {library!r}")
    name, example, language = top.text("name"), top.boolean("example"), top.text("language")
    if language not in LANGUAGES:
        raise top.fault("language", f"must be one of {', '.join(LANGUAGES)}")
    zone, currency = _zone(top), top.text("currency")
    if currency not in CURRENCIES:
        raise top.fault("currency", f"must be one of {', '.join(CURRENCIES)}")

    categories = {key: _category(key, table) for key, table in top.tables("categories")}
    if not categories:
        raise top.fault("categories", "must have at least one category")
    claims = _claims(top, categories)

    overdue, renewals, holds = top.table("overdue"), top.table("renewals"), top.table("holds")
    blocks, reminders, cards, retention = (top.table(t) for t in ("blocks", "reminders", "cards", "retention"))
    interlibrary = _interlibrary(top, categories)
    policy = Policy(
        library=library,
        name=name,
        example=example,
        language=language,
        zone=zone,
        currency=currency,
        categories=MappingProxyType(categories),
        grace_days=overdue.integer("grace_days", most=60),
        charge_closed_days=overdue.boolean("charge_closed_days"),
        max_renewals=renewals.integer("max", most=100),
        max_holds=holds.integer("max_open", most=1000),
        hold_fetch_days=holds.integer("fetch_days", least=1, most=60),
        debt_above=blocks.integer("debt_above_ore"),
        claims=claims,
        reminder_days=tuple(sorted(set(reminders.each("days_before_due", int, _reminder)))),
        replacement_card=cards.integer("replacement_ore"),
        interlibrary=interlibrary,
        settled_debts_days=retention.integer("settled_debts_days", most=3660),
        calendar=_calendar(top.table("calendar")),
        self_service=read_self_service(top.optional_table("self_service")),
    )
    for table in (overdue, renewals, holds, blocks, reminders, cards, retention, top):
        table.finish()
    return policy


def _zone(top: Table) -> ZoneInfo:
    name = top.text("time_zone")
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise top.fault("time_zone", f"there is no time zone {name!r}") from None


def _category(key: str, table: Table) -> Category:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", key):
        raise table.fault("", "a category is named by small letters, digits and _")
    names = table.table("names")
    category = Category(
        id=key,
        names=tuple((language, names.text(language)) for language in LANGUAGES),
        loan_days=table.integer("loan_days", least=1, most=366),
        overdue_per_day=table.integer("overdue_per_day_ore"),
        overdue_max=table.optional_integer("overdue_max_ore"),
        exempt_shelf_prefixes=table.each("exempt_shelf_prefixes", str, _prefix),
        replacement_charge=table.integer("replacement_charge_ore"),
    )
    names.finish()
    table.finish()
    return category


def _claims(top: Table, categories: dict[str, Category]) -> tuple[ClaimStep, ...]:
    steps: list[ClaimStep] = []
    for level, table in enumerate(top.array("claims"), start=1):
        step = ClaimStep(
            level=level,
            after_days=table.integer("after_days", least=1, most=3660),
            fee=table.integer("fee_ore"),
            invoice=table.boolean("invoice"),
        )
        if steps and step.after_days <= steps[-1].after_days:
            raise table.fault("after_days", "must be later than the claim before it")
        # A block lifts when the invoice is paid, so an invoice must have something to pay.
        if step.invoice and not step.fee and not all(c.replacement_charge for c in categories.values()):
            raise table.fault("invoice", "needs a fee, or a replacement charge in every category")
        table.finish()
        steps.append(step)
    return tuple(steps)


def _interlibrary(top: Table, categories: dict[str, Category]) -> InterlibraryRules | None:
    table = top.optional_table("interlibrary")
    if table is None:
        return None

    def known(name: str) -> str:
        if name not in categories:
            raise ValueError(f"there is no category {name!r}")
        return name

    summer = table.optional_table("summer")
    rules = InterlibraryRules(
        fee=table.integer("fee_ore"),
        categories=table.each("categories", str, known),
        refuse_newest_years=table.integer("refuse_newest_years", most=100),
        refuse_owned=table.boolean("refuse_owned"),
        summer=None
        if summer is None
        else Summer(
            first=_month_day_of(summer, "first"),
            last=_month_day_of(summer, "last"),
            max_open_requests=summer.integer("max_open_requests", most=1000),
        ),
    )
    if summer is not None:
        summer.finish()
    table.finish()
    return rules


def _calendar(table: Table) -> Calendar:
    weekdays = frozenset(table.each("closed_weekdays", str, _weekday))
    if len(weekdays) == len(WEEKDAYS):
        raise table.fault("closed_weekdays", "the library must be open on some day of the week")
    closed = table.each("closed_dates", str, _closed_date)
    table.finish()
    yearly = frozenset(day for day in closed if isinstance(day, tuple))
    # With more, a library open on one weekday alone might have no open day left to move a due date to.
    if len(yearly) > 100:
        raise table.fault("closed_dates", "at most 100 days may be closed every year")
    return Calendar(weekdays, yearly, frozenset(day for day in closed if isinstance(day, date)))


def _month_day_of(table: Table, key: str) -> MonthDay:
    value = table.text(key)
    try:
        return _month_day(value)
    except ValueError as error:
        raise table.fault(key, str(error)) from None


def _month_day(text: str) -> MonthDay:
    if re.fullmatch(r"\d\d-\d\d", text, re.ASCII):
        try:
            day = date.fromisoformat(f"2000-{text}")  # a leap year, so that 02-29 is a day
        except ValueError:
            pass
        else:
            return day.month, day.day
    raise ValueError(f"{text!r} is not a day of the year as MM-DD")


def _closed_date(text: str) -> MonthDay | date:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a date") from None
    return _month_day(text)


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise ValueError(f"{text!r} is not a weekday in English, small letters")
    return WEEKDAYS.index(text)


def _prefix(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty shelf code would free everything")
    return text.strip()


def _reminder(days: int) -> int:
    if not 0 <= days <= 60:
        raise ValueError("days before the due date are from 0 to 60")
    return days
