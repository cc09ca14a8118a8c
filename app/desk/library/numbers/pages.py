"""The pages of a library's numbers, and the same as a file."""

import csv
import io
from typing import Final

from flask import Response, make_response, render_template, request
from flask_babel import format_decimal, get_locale
from flask_babel import gettext as _

from app.desk.library.numbers.charts import draw, draw_hours
from app.desk.library.numbers.figures import Numbers, month_name, read_numbers, weekday_names
from app.desk.library.numbers.statistics import Answer, answer_statistics
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.ils.lending import YearTotals
from app.ils.port import Refused, Unavailable
from app.register.staff.staff import Workplace
from app.register.totals.reading import first_year
from app.rules.library.figures import last_month, months_of
from app.rules.library.totals import SMALL, Shown
from app.rules.library.weeks import Week, running_month
from app.web.access import Audience, open_to
from app.web.clock import today
from app.web.gate import library_systems

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula (OWASP, CSV injection)."""


@desk.get("/library/numbers")
@open_to(Audience.ADMINISTRATOR)
def library_numbers() -> str:
    """Show a month or a year in pictures and tables; of one that goes on, what its weeks show."""
    workplace = this_workplace()
    numbers, lent, is_silent = _read(workplace)
    newest = last_month(today())
    oldest = min(first_year(library_id=workplace.library_id) or newest.year, (lent and lent.first_year) or newest.year)
    return render_template(
        "desk/library/numbers.html",
        workplace=workplace,
        numbers=numbers,
        years=range(running_month(today()).year, oldest - 1, -1),
        months=[(month, month_name(month)) for month in range(1, 13)],
        newest=newest,
        figures=[(figure, draw(figure)) for figure in numbers.figures],
        hours_chart=draw_hours(numbers.hours) if numbers.hours else None,
        running=running_month(today()),
        weekdays=weekday_names(),
        statistics=_statistics(numbers, workplace),
        lends=library_systems().lending(workplace.library_id) is not None,
        is_silent=is_silent,
        shown_words=shown_words,
        weeks=[week_words(week) for week in numbers.weeks],
    )


@desk.get("/library/numbers.csv")
@open_to(Audience.ADMINISTRATOR)
def library_numbers_file() -> Response:
    """Give the same numbers as a file for a spreadsheet, with the same counts hidden."""
    workplace = this_workplace()
    numbers, _lent, _is_silent = _read(workplace)
    period = f"{numbers.year}-{numbers.month:02}" if numbers.month else str(numbers.year)
    text = io.StringIO()
    # A spreadsheet in Norwegian or Swedish has its columns at semicolons.
    lines = csv.writer(text, delimiter=";", lineterminator="\r\n")
    lines.writerow([_("Period"), _("What"), _("Part"), _("Count"), _("At least"), _("At most")])
    for what, part, shown in _all_rows(numbers, _statistics(numbers, workplace)):
        cells = [period, _unformulated(what), _unformulated(part), shown_words(shown)]
        lines.writerow([*cells, shown.least, shown.most])
    answer = make_response("\ufeff" + text.getvalue())
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{period}.csv"'
    return answer


def shown_words(shown: Shown) -> str:
    """Return what is shown of a count, as it is read."""
    if shown == SMALL:
        return _("under 5")
    least, most = format_decimal(shown.least), format_decimal(shown.most)
    return str(least) if shown.is_exact else _("%(least)s to %(most)s", least=least, most=most)


def week_words(week: Week) -> str:
    """Return a week's number and its days in this month."""
    number = week.first.isocalendar().week
    days = str(week.first.day) if week.first == week.last else f"{week.first.day}–{week.last.day}"
    return _("Week %(number)s (%(days)s)", number=number, days=days)


def _read(workplace: Workplace) -> tuple[Numbers, YearTotals | None, bool]:
    """Return the numbers of the period that is asked for, or of the newest month; and whether circulation is silent."""
    newest, running = last_month(today()), running_month(today())
    year = request.args.get("year", type=int, default=newest.year)
    month = request.args.get("month", type=int, default=newest.month if "year" not in request.args else 0)
    goes_on = (year, month) == (running.year, running.month)
    is_shown = goes_on or not month or month in months_of(year, today=today())
    if not is_shown or not 2000 <= year <= running.year:
        year, month = newest.year, newest.month
    lent, categories, is_silent = None, {}, False
    system = library_systems().lending(workplace.library_id)
    if system is not None:
        try:
            lent = system.totals(year=year, staff=workplace.username)
            language = str(getattr(get_locale(), "language", "en"))
            categories = {each.id: each.names.get(language, each.id) for each in system.rules().categories}
        except (Refused, Unavailable):
            lent, is_silent = None, True
    numbers = read_numbers(
        library_id=workplace.library_id,
        year=year,
        month=month or None,
        today=today(),
        lent=lent,
        categories=categories,
    )
    return numbers, lent, is_silent


def _statistics(numbers: Numbers, workplace: Workplace) -> list[Answer]:
    return [] if numbers.month else answer_statistics(numbers, library_id=workplace.library_id)


def _all_rows(numbers: Numbers, statistics: list[Answer]) -> list[tuple[str, str, Shown]]:
    rows = [(title, "", shown) for title, shown in numbers.key_figures]
    rows += [
        (title, week_words(week), shown)
        for title, each in numbers.week_rows
        for week, shown in zip(numbers.weeks, each, strict=True)
    ]
    rows += [(figure.title, label, shown) for figure in numbers.figures for label, shown in figure.rows]
    if numbers.hours is not None and not numbers.hours.is_closed:
        days = weekday_names()
        rows += [
            (_("When cards were shown"), f"{days[day]} {hour}", n) for (day, hour), n in numbers.hours.shown.items()
        ]
    return rows + [(_("National statistics"), each.question, each.shown) for each in statistics if each.shown]


def _unformulated(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
