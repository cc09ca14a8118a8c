"""What the pages of numbers show of one month or one year. Every count in it is already made safe to show."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from flask_babel import LazyString, format_date
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.ils.lending import YearTotals
from app.register.totals.active import read_active
from app.register.totals.reading import read_days, read_hours, read_year
from app.rules.card.scan import Reason
from app.rules.library.figures import (
    HOURS,
    LOOKED_UP,
    MADE,
    PHONE,
    STOPPED_BEFORE_CARD,
    STOPPED_BEFORE_CODE,
    WALLET,
    Kind,
    months_of,
    where_they_stopped,
)
from app.rules.library.totals import Shown, Table, Way, add_up, divide, round_off
from app.rules.library.weeks import Week, add_weeks, divide_days, running_month, weeks_of

_Months = Mapping[int, Mapping[str, int]]
_Days = Mapping[str, Mapping[date, int]]
_TITLES: Final[Mapping[str, LazyString]] = {
    Kind.CARD: _l("Cards issued"),
    Kind.ACTIVATION: _l("Cards activated here"),
    Kind.MEANS: _l("Cards shown here"),
    Kind.REFUSAL: _l("Codes that were refused"),
    Kind.ONLINE: _l("Cards ordered online"),
    "loan": _l("Loans"),
    "return": _l("Returns"),
    "renewal": _l("Renewals"),
    "hold": _l("Reservations"),
    "wait": _l("How long reservations waited for a copy"),
    "claim": _l("Claims"),
    "interlibrary": _l("Loans from other libraries"),
}
_BY_WEEK: Final = (Kind.CARD, Kind.ACTIVATION, Kind.MEANS, Kind.REFUSAL)
"""What the register counts that is shown by week: not orders online, whose steps may lie in two."""
_NOT_BY_WEEK: Final = ("wait",)
_PARTS: Final[Mapping[str, LazyString]] = {
    PHONE: _l("On the phone"),
    WALLET: _l("In a wallet"),
    LOOKED_UP: _l("Plastic card or photo id, at the desk"),
    STOPPED_BEFORE_CODE: _l("Stopped before the e-mail address was confirmed"),
    STOPPED_BEFORE_CARD: _l("Stopped after that, before the card was made"),
    MADE: _l("Got the card"),
    Reason.NOT_OURS: _l("Another kind of code"),
    Reason.MISREAD: _l("A digit was read wrongly"),
    Reason.UNKNOWN: _l("Unknown card, or wrong code"),
    Reason.REVOKED: _l("Card or device is blocked"),
    Reason.EXPIRED: _l("The card on the phone had expired"),
    Reason.CLOCK: _l("Old code, or a wrong clock"),
    Reason.REPLAY: _l("Already used"),
    Reason.THROTTLED: _l("Too many wrong codes"),
    Reason.STATIC_FORBIDDEN: _l("A code that does not change"),
    "0": _l("Not at all"),
    "1-7": _l("1 to 7 days"),
    "8-30": _l("8 to 30 days"),
    "31-90": _l("31 to 90 days"),
    "91-": _l("More than 90 days"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A total in its parts. `labels` names the parts in their order; `upright`: they are days or months in a row."""

    name: str
    title: str
    heading: str
    table: Table[str]
    labels: Mapping[str, str]
    upright: bool = False

    @property
    def is_closed(self) -> bool:
        """Tell whether the parts are not shown."""
        return self.table.way is Way.CLOSED

    @property
    def rows(self) -> list[tuple[str, Shown]]:
        """What is shown of each part, by its label."""
        return [] if self.is_closed else [(label, self.table.parts[part]) for part, label in self.labels.items()]


@dataclass(frozen=True, slots=True)
class Hours:
    """When cards were shown in a month: `shown` by weekday (Monday is 0) and hour. `hours` are those with any."""

    hours: tuple[str, ...]
    shown: Mapping[tuple[int, str], Shown]
    is_closed: bool


@dataclass(slots=True)
class Numbers:
    """All that is shown of a month (1 to 12) or, where that is None, of a year. `totals` are by kind.

    Of a month that goes on, `totals` and `by_week` are all there is. `by_week` has what is shown of each of `weeks`.
    """

    year: int
    month: int | None
    is_over: bool
    weeks: Sequence[Week] = ()
    totals: dict[str, Shown] = field(default_factory=dict)
    by_week: dict[str, list[Shown]] = field(default_factory=dict)
    active: Shown | None = None
    figures: list[Figure] = field(default_factory=list)
    hours: Hours | None = None

    @property
    def key_figures(self) -> list[tuple[str, Shown]]:
        """The totals with their titles."""
        found = [(str(_TITLES[kind]), shown) for kind, shown in self.totals.items() if kind != "wait"]
        return found + ([(_("Cards in use in the last twelve months"), self.active)] if self.active else [])

    @property
    def week_rows(self) -> list[tuple[str, list[Shown]]]:
        """What is shown of each week, in its order, with the titles of the kinds."""
        return [(str(_TITLES[kind]), shown) for kind, shown in self.by_week.items()]


def read_numbers(
    *,
    library_id: str,
    year: int,
    month: int | None,
    today: date,
    lent: YearTotals | None,
    categories: Mapping[str, str],
) -> Numbers:
    """Return the numbers of a period. `lent`: what circulation counted in that year, if it said."""
    shown, running = months_of(year, today=today), running_month(today)
    goes_on = month == running.month and year == running.year
    counted: dict[str, _Months] = {}
    for kind, months in read_year(library_id=library_id, year=year).items():
        if kind is Kind.ONLINE:
            counted[kind] = {each: where_they_stopped(parts) for each, parts in months.items()}
        elif kind in _TITLES:
            counted[kind] = months
    days = _days(library_id, year, lent)
    if lent is not None:
        counted |= _by_month(lent, shown)
    numbers = Numbers(year, month, is_over=len(shown) == 12 and not goes_on)
    numbers.weeks = [week for week in weeks_of(year, month) if week.is_over(today)] if month else ()
    numbers.by_week = {kind: [round_off(_add_days(of, week)) for week in numbers.weeks] for kind, of in days.items()}
    # A year that goes on has the weeks of the month that goes on, too.
    now = [week for week in weeks_of(year, running.month) if week.is_over(today)] if year == running.year else ()
    if goes_on:
        numbers.totals = {kind: add_weeks([_add_days(of, week) for week in now]) for kind, of in days.items()}
        return numbers
    for name, months in counted.items():
        weeks: dict[int, list[int]] = {}
        so_far: dict[int, Shown] = {}
        if name in days:
            weeks = {each: [_add_days(days[name], week) for week in weeks_of(year, each)] for each in shown}
            so_far = {running.month: add_weeks([_add_days(days[name], week) for week in now])} if now else {}
        labels = _labels(name, months[1], categories)
        _add(numbers, name, {each: months[each] for each in shown}, labels, weeks, so_far)
    if month is not None:
        weeks_shown = [_add_days(days[Kind.MEANS], week) for week in weeks_of(year, month)]
        numbers.hours = _hours(library_id, date(year, month, 1), weeks_shown)
        if lent is not None:
            numbers.figures[:0] = [_by_day(kind, days[kind], year, month) for kind in ("loan", "return")]
    _add_active(numbers, library_id)
    return numbers


def month_name(month: int) -> str:
    """Return the name of a month (1 to 12) in the reader's language."""
    return str(format_date(date(2000, month, 1), "LLLL"))


def weekday_names() -> list[str]:
    """Return the names of the weekdays, Monday first."""
    return [str(format_date(date(2024, 1, day), "cccc")) for day in range(1, 8)]


def _add(
    numbers: Numbers,
    kind: str,
    months: _Months,
    labels: Mapping[str, str],
    weeks: Mapping[int, Sequence[int]],
    so_far: Mapping[int, Shown],
) -> None:
    """Add a kind's total, its parts if it has several, and for a year its months and what there is `so_far` of one."""
    title = str(_TITLES[kind])
    tables = {each: divide(parts, weeks=weeks.get(each, ())) for each, parts in months.items()}
    if numbers.month is not None:
        table = tables[numbers.month]
        numbers.totals[kind] = table.total
    else:
        table = add_up(list(months.values()), is_over=numbers.is_over, weeks=[weeks.get(each, ()) for each in months])
        tables |= {each: Table(shown, {}, Way.CLOSED) for each, shown in so_far.items()}
        total = _plus(table.total, so_far.values())
        by_month = Table(total, {str(each): of.total for each, of in tables.items()}, Way.OPEN)
        if kind != "wait" and tables:
            names = {str(each): month_name(each) for each in tables}
            of_months = _("%(what)s by month", what=title)
            numbers.figures.append(Figure(f"{kind}-months", of_months, _("Month"), by_month, names, upright=True))
        numbers.totals[kind] = total
    if len(labels) > 1 and months:
        numbers.figures.append(Figure(kind, title, _("What"), table, labels))


def _plus(total: Shown, others: Iterable[Shown]) -> Shown:
    every = [total, *others]
    return Shown(sum(each.least for each in every), sum(each.most for each in every))


def _labels(kind: str, parts: Mapping[str, int], categories: Mapping[str, str]) -> Mapping[str, str]:
    def label(part: str) -> str:
        if kind == "claim":
            return _("Claim %(number)s", number=part)
        return str(_PARTS.get(part) or categories.get(part) or part)

    return {part: label(part) for part in parts}


def _by_month(lent: YearTotals, shown: Collection[int]) -> dict[str, _Months]:
    """Return all kinds, and each part of the months `shown` in every month, so that none is missing where it is 0."""
    parts: dict[str, list[str]] = {kind: [] for kind in ("loan", "return", "renewal", "hold", "wait", "claim")}
    parts |= {"interlibrary": [], "wait": ["0", "1-7", "8-30", "31-90", "91-"]}
    counted: dict[tuple[str, int, str], int] = defaultdict(int)
    for each in lent.months:
        if each.kind in parts and each.month in shown:
            counted[each.kind, each.month, each.part] += each.total
            if each.part not in parts[each.kind]:
                parts[each.kind].append(each.part)
    # What was done in one month and undone in the next is less than nothing there.
    return {
        kind: {month: {part: max(0, counted[kind, month, part]) for part in found or [""]} for month in range(1, 13)}
        for kind, found in parts.items()
    }


def _days(library_id: str, year: int, lent: YearTotals | None) -> _Days:
    """Return how many there were on each day, of the kinds that are shown by week."""
    counted = read_days(library_id=library_id, year=year)
    found: dict[str, dict[date, int]] = {kind: dict(counted[kind]) for kind in _BY_WEEK}
    if lent is not None:
        found |= {kind: {} for kind in _TITLES if kind not in list(Kind) and kind not in _NOT_BY_WEEK}
        for each in lent.days:
            if each.kind in found:
                found[each.kind][each.day] = each.total
    return found


def _add_days(days: Mapping[date, int], week: Week) -> int:
    return max(0, sum(count for day, count in days.items() if week.first <= day <= week.last))


def _by_day(kind: str, counted: Mapping[date, int], year: int, month: int) -> Figure:
    weeks = weeks_of(year, month)
    last = weeks[-1].last.day
    days = {day: max(0, counted.get(day, 0)) for day in (date(year, month, number) for number in range(1, last + 1))}
    total = divide({"": sum(days.values())}, weeks=[_add_days(days, week) for week in weeks])
    table = divide_days(days, total)
    title = _("Loans by day") if kind == "loan" else _("Returns by day")
    parts = {str(day.day): shown for day, shown in table.parts.items()}
    labels = {day: day for day in parts}
    return Figure(f"{kind}-days", title, _("Day"), Table(table.total, parts, table.way), labels, upright=True)


def _hours(library_id: str, month: date, weeks: Sequence[int]) -> Hours:
    counted = read_hours(library_id=library_id, month=month)
    open_at = [hour for hour in HOURS if any(at == hour and number for (_day, at), number in counted.items())]
    hours = tuple(HOURS[HOURS.index(open_at[0]) : HOURS.index(open_at[-1]) + 1]) if open_at else ()
    # Every hour of the week is a part, whether there was one or not: which are named tells nothing.
    parts = {f"{day} {hour}": counted.get((day, hour), 0) for day in range(7) for hour in HOURS}
    table = divide(parts, weeks=weeks)
    shown = {(day, hour): table.parts[f"{day} {hour}"] for day in range(7) for hour in hours}
    return Hours(hours, shown, table.way is Way.CLOSED)


def _add_active(numbers: Numbers, library_id: str) -> None:
    """Add how many cards were in use at the end of the period: the number of the first day after it."""
    year, month = numbers.year, numbers.month or (12 if numbers.is_over else 0)
    noted = read_active(library_id=library_id, year=year)
    number = noted.get(date(year + month // 12, month % 12 + 1, 1))
    if number is not None and month:
        numbers.active = round_off(number)
