"""What administrators fill in about their library's contact, branches and opening hours."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectChoice, StringField
from wtforms.validators import Length

from app.rules.library.opening import CLOSED_WEEK, Day, Week, clock, make_span
from app.rules.typed import clean_text, read_day
from app.web.pages.library_words import weekday_words
from app.web.pages.opening_words import WEEKDAYS

SPANS: Final = (("staffed", True), ("again", True), ("unstaffed", False))
"""The spans that a day has in a form: twice with staff, such as before and after noon, and once without."""
CLOSED, OTHER = "closed", "other"
_MOST_DIGITS: Final = 18
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.,]?(\d\d))?", re.ASCII)
_FACT_FAULTS: Final[Mapping[str, object]] = {
    "missing": _l("Fill this in."),
    "too-long": _l("That is too long."),
    "not-valid": _l("This cannot be right. Look at it once more."),
}


class FactsForm(FlaskForm):
    """A library's name and how to reach it. `shown` is the version of what the page showed."""

    name = StringField(_l("Name"), validators=[Length(max=300)])
    address = StringField(_l("Street address"), validators=[Length(max=300)])
    postcode = StringField(_l("Postcode"), validators=[Length(max=30)])
    place = StringField(_l("Place"), validators=[Length(max=300)])
    phone = StringField(_l("Telephone"), validators=[Length(max=100)])
    email = StringField(_l("E-mail"), validators=[Length(max=300)])
    website = StringField(_l("Website"), validators=[Length(max=300)])
    shown = HiddenField(validators=[Length(max=16)])


class BranchForm(FlaskForm):
    """A branch. `shown` as above; empty for a new one."""

    name = StringField(_l("Name"), validators=[Length(max=300)])
    address = StringField(_l("Street address"), validators=[Length(max=300)])
    postcode = StringField(_l("Postcode"), validators=[Length(max=30)])
    place = StringField(_l("Place"), validators=[Length(max=300)])
    phone = StringField(_l("Telephone"), validators=[Length(max=100)])
    hours = StringField(_l("More about the opening hours"), validators=[Length(max=600)])
    shown = HiddenField(validators=[Length(max=16)])


def blame_facts(form: FlaskForm, faults: Mapping[str, str]) -> None:
    """Put the faults that the rules found beside their fields."""
    for name, fault in faults.items():
        _blame(form[name], str(_FACT_FAULTS[fault]))


class _HoursForm(FlaskForm):
    """Fields `<prefix>_<span>_from` and `..._to`, as 10:00; both empty where there is no such span."""

    def _name(self, prefix: str, day: str) -> None:
        kinds = {"staffed": _("with staff"), "again": _("with staff, once more"), "unstaffed": _("without staff")}
        for span, kind in kinds.items():
            first, last = self.ends(prefix, span)
            first.label.text = _("%(day)s %(kind)s, from", day=day, kind=kind).strip()
            last.label.text = _("%(day)s %(kind)s, until", day=day, kind=kind).strip()

    def ends(self, prefix: str, span: str) -> tuple[Field, Field]:
        """Return the two fields of a span."""
        return self[f"{prefix}_{span}_from"], self[f"{prefix}_{span}_to"]

    def fill(self, prefix: str, spans: Day) -> None:
        """Show the spans of a day."""
        free = list(spans)
        for span, staffed in SPANS:
            found = next((each for each in free if each.staffed is staffed), None)
            if found is not None:
                free.remove(found)
                first, last = self.ends(prefix, span)
                first.data, last.data = clock(found.opens), clock(found.closes)

    def read(self, prefix: str) -> Day:
        """Return the spans of a day; faults are put beside their fields."""
        found = []
        for span, staffed in SPANS:
            first, last = self.ends(prefix, span)
            typed = [(each.data or "").strip() for each in (first, last)]
            if not any(typed):
                continue
            times = [_read_time(text) for text in typed]
            for field, text, at in zip((first, last), typed, times, strict=True):
                if at is None:
                    _blame(field, _("Write a time such as 10:00.") if text else _("Fill in both times, or none."))
            opens, closes = times
            if opens is not None and opens == closes != time(0):
                _blame(last, _("This is the same time twice."))
            elif opens is not None and closes is not None:
                found.append(make_span(opens=opens, closes=closes, staffed=staffed))
        return tuple(sorted(found))


def _time_fields(*prefixes: str) -> Iterator[tuple[str, Field]]:
    for prefix in prefixes:
        for span, _staffed in SPANS:
            for end in ("from", "to"):
                yield f"{prefix}_{span}_{end}", StringField(validators=[Length(max=20)])


class WeekForm(_HoursForm):
    """A week and the day from which it is valid. `shown` is the version of the weeks that the page showed."""

    since = StringField(_l("Valid from"), validators=[Length(max=40)])
    shown = HiddenField(validators=[Length(max=16)])

    def name_days(self) -> None:
        """Give the fields their labels, in the reader's language."""
        for day in WEEKDAYS:
            self._name(day, weekday_words(day).capitalize())

    def fill_week(self, days: Week) -> None:
        """Show a week."""
        for day, spans in zip(WEEKDAYS, days, strict=True):
            self.fill(day, spans)

    def read_week(self) -> Week:
        """Return the week; faults are put beside their fields."""
        return tuple(self.read(day) for day in WEEKDAYS)

    def read_since(self) -> date | None:
        """Return the day from which it is valid; None with a fault beside the field."""
        return _read_day(self.since)


class ExceptionForm(_HoursForm):
    """Days with other hours than the week's."""

    first = StringField(_l("First day"), validators=[Length(max=40)])
    last = StringField(_l("Last day, if there are several"), validators=[Length(max=40)])
    yearly = BooleanField(_l("The same every year"))
    everywhere = BooleanField(_l("At the branches as well"))
    note = StringField(_l("Why, as patrons read it"), validators=[Length(max=200)])
    what = RadioField(
        _l("On these days the library is"),
        choices=[SelectChoice(CLOSED, _l("closed")), SelectChoice(OTHER, _l("open at other times:"))],
        default=CLOSED,
    )

    def name_times(self) -> None:
        """Give the fields of times their labels, in the reader's language."""
        self._name("other", "")

    def read_days(self) -> tuple[date, date] | None:
        """Return the first day and the last; None with faults beside the fields."""
        first = _read_day(self.first)
        last = _read_day(self.last) if (self.last.data or "").strip() else first
        return None if first is None or last is None else (first, last)

    def read_note(self) -> str:
        """Return why; a fault is put beside the field."""
        text = clean_text(self.note.data or "")
        if len(text) > LONGEST_NOTE:
            _blame(self.note, str(_FACT_FAULTS["too-long"]))
        return text

    def read_spans(self) -> Day:
        """Return the hours; faults are put beside their fields."""
        if self.what.data == CLOSED:
            return ()
        spans = self.read("other")
        if not spans and not has_faults(self):
            _blame(self.ends("other", "staffed")[0], _("Fill in from when until when it is open."))
        return spans


LONGEST_NOTE: Final = 80

for _name_of, _field in _time_fields(*WEEKDAYS):
    setattr(WeekForm, _name_of, _field)
for _name_of, _field in _time_fields("other"):
    setattr(ExceptionForm, _name_of, _field)
assert len(CLOSED_WEEK) == len(WEEKDAYS)


def read_number(text: str) -> int | None:
    """Return the number that names a branch or an exception; None where the text is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def has_faults(form: FlaskForm) -> bool:
    """Tell whether a fault stands beside some field."""
    return any(field.errors for field in form)


def _blame(field: Field, fault: str) -> None:
    field.errors = [*field.errors, fault]


def _read_day(field: Field) -> date | None:
    day = read_day(field.data or "")
    if day is None:
        _blame(field, _("Write a day such as 30.11.2026."))
    return day


def _read_time(text: str) -> time | None:
    """Read 10:00, 10.00, 10,00, 1000, 10 or 24:00."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2] or 0)
    if (hours, minutes) == (24, 0):
        return time(0)
    return time(hours, minutes) if hours < 24 and minutes < 60 else None
