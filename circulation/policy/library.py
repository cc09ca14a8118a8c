"""One library's loan rules as data: `policies/<library id>.toml`, or text of that form, read into frozen dataclasses.

No rule in code names a library. Amounts are integers of the smallest unit (öre, øre), days are calendar days in
the library's own time zone. Source of the rules that a policy can express: Mullsjö's Låneregler and DOMAIN facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, TypeAdapter
from pydantic.dataclasses import dataclass
from pydantic.types import StrictBool, StrictInt, StrictStr

from circulation.policy.hours import OpeningHours
from circulation.policy.keys import TABLE, Text, key, one_of, whole, written_as
from circulation.policy.self_service import NOTHING_OFFERED, Hours, SelfService, parse_hours
from circulation.policy.toml_file import TomlFile
from circulation.settings import POLICIES

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MonthDay = tuple[int, int]


def _month_day(text: str) -> MonthDay:
    try:
        if re.fullmatch(r"\d\d-\d\d", text, re.ASCII):
            day = date.fromisoformat(f"2000-{text}")  # a leap year, so that 02-29 is a day
            return day.month, day.day
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a day of the year as MM-DD")


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise ValueError(f"{text!r} is not a weekday in English, small letters")
    return WEEKDAYS.index(text)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"there is no time zone {name!r}") from None


def _prefix(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty shelf code would free everything")
    return text.strip()


def _category_id(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", text):
        raise ValueError("a category is named by small letters, digits and _")
    return text


_NOT_IN_THE_FILE: Any = Field(validation_alias="", exclude=True)

_Amount = Annotated[StrictInt, whole()]
_YearlyDay = Annotated[MonthDay, written_as(_month_day), PlainSerializer(lambda day: f"{day[0]:02}-{day[1]:02}")]
_Weekday = Annotated[StrictInt, written_as(_weekday), whole(most=6)]


@dataclass(frozen=True, slots=True, config=TABLE)
class Names:
    """What a category is called, by language."""

    nb: Text
    nn: Text
    sv: Text
    en: Text


@dataclass(frozen=True, slots=True, config=TABLE)
class Category:
    """A kind of media: how long it is lent, what a late day costs, what a lost copy costs."""

    names: Names
    loan_days: Annotated[StrictInt, whole(least=1, most=366)]
    overdue_per_day: Annotated[_Amount, key("overdue_per_day_ore")]
    exempt_shelf_prefixes: tuple[Annotated[StrictStr, AfterValidator(_prefix)], ...]
    replacement_charge: Annotated[_Amount, key("replacement_charge_ore")]
    overdue_max: Annotated[_Amount | None, key("overdue_max_ore")] = None


@dataclass(frozen=True, slots=True, config=TABLE)
class ClaimStep:
    """A letter about an overdue loan. An invoice also charges the replacement and blocks the card until it is paid.

    `level` is its place among the claims, from 1.
    """

    after_days: Annotated[StrictInt, whole(least=1, most=3660)]
    fee: Annotated[_Amount, key("fee_ore")]
    invoice: StrictBool
    level: Annotated[int, Field(validation_alias="", serialization_alias="level")] = 0


@dataclass(frozen=True, slots=True, config=TABLE)
class Summer:
    """Days of every year, both included, in which a patron may have only so many open interlibrary requests."""

    first: _YearlyDay
    last: _YearlyDay
    max_open_requests: Annotated[StrictInt, whole(most=1000)]


@dataclass(frozen=True, slots=True, config=TABLE)
class InterlibraryRules:
    """`refuse_newest_years`: 1 refuses this year's publications, 2 also last year's, 0 none."""

    fee: Annotated[_Amount, key("fee_ore")]
    categories: tuple[StrictStr, ...]
    refuse_newest_years: Annotated[StrictInt, whole(most=100)]
    refuse_owned: StrictBool
    summer: Summer | None = None


def _only(*, single: bool) -> BeforeValidator:
    """Of the file's closed dates, those with a year, or those of every year."""

    def choose(days: object) -> object:
        if not isinstance(days, list):
            return days
        return [day for day in days if bool(re.fullmatch(r"\d{4}-\d\d-\d\d", str(day), re.ASCII)) is single]

    return BeforeValidator(choose)


def _open_on_some_day(weekdays: frozenset[int]) -> frozenset[int]:
    if len(weekdays) == len(WEEKDAYS):
        raise ValueError("the library must be open on some day of the week")
    return weekdays


def _not_too_many(days: frozenset[MonthDay]) -> frozenset[MonthDay]:
    # With more, a library open on one weekday alone might have no open day left to move a due date to.
    if len(days) > 100:
        raise ValueError("at most 100 days may be closed every year")
    return days


@dataclass(frozen=True, slots=True, config=TABLE)
class Calendar:
    """Days on which the library is closed: weekdays (Monday = 0), the same day every year, and single dates.

    `staffed` are the hours with staff, if the file says them. `hours` are what the library told the public: on the days
    that they are about they decide instead of `weekdays` and `staffed`.
    """

    weekdays: Annotated[frozenset[_Weekday], AfterValidator(_open_on_some_day), key("closed_weekdays")]
    yearly: Annotated[frozenset[_YearlyDay], AfterValidator(_not_too_many), _only(single=False), key("closed_dates")]
    dates: Annotated[frozenset[date], _only(single=True), key("closed_dates")]
    staffed: Annotated[tuple[Annotated[Hours, written_as(parse_hours)], ...], key("staffed_hours")] = ()
    hours: Annotated[OpeningHours | None, _NOT_IN_THE_FILE] = None


def _closed_days(calendar: Calendar) -> dict[str, list[str]]:
    yearly = [f"{month:02}-{day:02}" for month, day in sorted(calendar.yearly)]
    return {
        "closed_weekdays": [WEEKDAYS[number] for number in sorted(calendar.weekdays)],
        "closed_dates": [*yearly, *(day.isoformat() for day in sorted(calendar.dates))],
        "staffed_hours": [str(hours) for hours in calendar.staffed],
    }


def _some(categories: Mapping[str, Category]) -> Mapping[str, Category]:
    if not categories:
        raise ValueError("must have at least one category")
    return categories


_CategoryId = Annotated[StrictStr, AfterValidator(_category_id)]
_ReminderDay = Annotated[StrictInt, whole(most=60)]


@dataclass(frozen=True, slots=True, config=TABLE)
class Policy:
    """Everything that a library's rules can say. Amounts in the smallest unit of `currency`.

    A copy of a category that is not among `categories` any more is lent no more and costs nothing. It holds from the
    day `valid_from`; `before` is what held until then. `toml` is the text that it was read from.
    """

    library: Text
    name: Text
    example: StrictBool
    language: Annotated[StrictStr, one_of("nb", "nn", "sv", "en")]
    zone: Annotated[ZoneInfo, written_as(_zone), key("time_zone")]
    currency: Annotated[StrictStr, one_of("SEK", "NOK", "DKK")]
    categories: Annotated[Mapping[_CategoryId, Category], AfterValidator(_some)]
    grace_days: Annotated[StrictInt, whole(most=60), key("overdue.grace_days")]
    charge_closed_days: Annotated[StrictBool, key("overdue.charge_closed_days")]
    max_renewals: Annotated[StrictInt, whole(most=100), key("renewals.max")]
    max_holds: Annotated[StrictInt, whole(most=1000), key("holds.max_open")]
    hold_fetch_days: Annotated[StrictInt, whole(least=1, most=60), key("holds.fetch_days")]
    debt_above: Annotated[_Amount, key("blocks.debt_above_ore")]
    reminder_days: Annotated[tuple[_ReminderDay, ...], key("reminders.days_before_due")]
    replacement_card: Annotated[_Amount, key("cards.replacement_ore")]
    settled_debts_days: Annotated[StrictInt, whole(most=3660), key("retention.settled_debts_days")]
    calendar: Annotated[Calendar, PlainSerializer(_closed_days)]
    claims: tuple[ClaimStep, ...] = ()
    interlibrary: InterlibraryRules | None = None
    self_service: SelfService = NOTHING_OFFERED
    toml: Annotated[str, _NOT_IN_THE_FILE] = ""
    valid_from: Annotated[date, _NOT_IN_THE_FILE] = date.min
    before: Annotated[Policy | None, _NOT_IN_THE_FILE] = None

    def on(self, day: date) -> Policy:
        """Return the policy that holds on that day: this one or one before it."""
        return next(policy for policy in self.back_in_time() if policy.valid_from <= day or policy.before is None)

    def back_in_time(self) -> Iterator[Policy]:
        """Yield this policy and those before it, newest first."""
        policy: Policy | None = self
        while policy is not None:
            yield policy
            policy = policy.before


_POLICY: Final = TypeAdapter(Policy)
_JOINED: Final = ("overdue", "renewals", "holds", "blocks", "reminders", "cards", "retention")


def load_policy(library: str, *, folder: Path = POLICIES) -> Policy:
    """Read `<folder>/<library>.toml`. PolicyError names file, line and key of the first fault."""
    return _checked(TomlFile(folder / f"{library}.toml"), library)


def read_policy(text: str, *, library: str) -> Policy:
    """Read what such a file would hold. PolicyError as for a file."""
    return _checked(TomlFile(Path(f"{library}.toml"), text), library)


def _checked(file: TomlFile, library: str) -> Policy:
    policy = file.read_as(_POLICY, joined=_JOINED)
    if policy.library != library:
        raise file.fault(("library",), f"says {policy.library!r}, the file is named for {library!r}")
    for number, claim in enumerate(policy.claims):
        if number and claim.after_days <= policy.claims[number - 1].after_days:
            raise file.fault(("claims", number, "after_days"), "must be later than the claim before it")
        # A block lifts when the invoice is paid, so an invoice must have something to pay.
        if claim.invoice and not claim.fee and not all(c.replacement_charge for c in policy.categories.values()):
            raise file.fault(("claims", number, "invoice"), "needs a fee, or a replacement charge in every category")
    for number, name in enumerate(policy.interlibrary.categories if policy.interlibrary else ()):
        if name not in policy.categories:
            raise file.fault(("interlibrary", "categories", number), f"there is no category {name!r}")
    return replace(
        policy,
        claims=tuple(replace(claim, level=level) for level, claim in enumerate(policy.claims, start=1)),
        reminder_days=tuple(sorted(set(policy.reminder_days))),
        toml=file.text,
        valid_from=date.min,
        before=None,
    )


def policy_view(policy: Policy) -> dict[str, Any]:
    """The policy as plain data for the library's rules page, so that it says nothing else than is charged.

    Amounts in the smallest unit of `currency`; days of every year as MM-DD, single dates as YYYY-MM-DD.
    """
    view: dict[str, Any] = {}
    for path, value in _POLICY.dump_python(policy, mode="json", by_alias=True).items():
        table, _, name = path.partition(".")
        if name:
            view.setdefault(table, {})[name] = value
        else:
            view[table] = value
    view["categories"] = [{"id": name, **category} for name, category in view["categories"].items()]
    return view
