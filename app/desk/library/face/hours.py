"""The page on which administrators change the opening hours of their library, and of its branches."""

from datetime import date, timedelta
from typing import TypedDict

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.desk.library.face.forms import ExceptionForm, WeekForm, has_faults, read_number
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.face.branch_hours import copy_hours, remove_hours
from app.register.face.everywhere import add_everywhere
from app.register.face.facts import find_branch, list_branches
from app.register.face.opening import (
    BadDays,
    ExceptionsOverlap,
    HoursInPast,
    NeverOpen,
    NoSuchHours,
    TooManyExceptions,
    add_exception,
    list_exceptions,
    read_hours,
    read_zone,
    remove_exception,
    set_week,
    withdraw_week,
)
from app.register.face.telling import is_told, read_told_at
from app.register.staff.acts import note_library_act
from app.register.store.transaction import writing
from app.rules.library.face import ChangedMeanwhile, version_of
from app.rules.library.opening import CLOSED_WEEK, Exceptional, Week, week_on
from app.rules.library.staff import (
    BRANCH_HOURS_REMOVED,
    BRANCH_HOURS_SET,
    EXCEPTION_ADDED,
    EXCEPTION_REMOVED,
    HOURS_SET,
    HOURS_WITHDRAWN,
)
from app.rules.typed import read_day
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.library_words import day_with_weekday, in_a_row
from app.web.pages.opening_words import due_weekdays, tell_exception, tell_opening, tell_week, yearly_words
from app.work.telling_hours import tell_library


class _Its(TypedDict):
    """Whose hours, in the arguments of the register's functions."""

    library_id: str
    branch_id: int | None


@desk.route("/library/hours", methods=["GET", "POST"])
@open_to(Audience.ADMINISTRATOR)
def library_hours() -> ResponseReturnValue:
    """Show the hours, show what patrons would read of others, and set a week from a day on."""
    if request.method != "POST":
        return _show()
    form = WeekForm()
    form.name_days()
    days, since = form.read_week(), form.read_since()
    if since is None or has_faults(form) or not form.validate():
        return _show(form, status=422)
    if "look" in request.form:
        return _show(form, looked_at=days, since=since)
    its, today = _asked(), _today()
    try:
        with writing():
            set_week(**its, since=since, days=days, shown=form.shown.data or "", today=today, now=now())
            _note(its, HOURS_SET, since.isoformat())
    except HoursInPast:
        form.since.errors = [_("Choose today or a later day.")]
        return _show(form, status=422)
    except NeverOpen:
        form.monday_staffed_from.errors = [
            _("Fill in the hours of some day. Is the library closed for a time? Add that below.")
        ]
        return _show(form, status=422)
    except ChangedMeanwhile:
        return _show(form, looked_at=days, since=since, is_conflict=True, status=409)
    flash(_("Saved. These hours are valid from %(day)s.", day=day_with_weekday(since, year=True)), "success")
    return _lead_on(its)


@desk.post("/library/hours/exceptions")
@open_to(Audience.ADMINISTRATOR)
def library_hours_except() -> ResponseReturnValue:
    """Add days with other hours."""
    its, today = _asked(), _today()
    form = ExceptionForm()
    form.name_times()
    days, spans, note = form.read_days(), form.read_spans(), form.read_note()
    if days is None or has_faults(form) or not form.validate():
        return _show(exception=form, status=422)
    about = Exceptional(first=days[0], last=days[1], yearly=bool(form.yearly.data), spans=spans, note=note)
    try:
        with writing():
            kept = []
            if form.everywhere.data and its["branch_id"] is None:
                kept = add_everywhere(library_id=its["library_id"], about=about, today=today, now=now())
            else:
                add_exception(**its, about=about, today=today, now=now())
            _note(its, EXCEPTION_ADDED, f"{_subject(about)} {note}".strip())
    except BadDays:
        form.last.errors = [_("Choose days from today on, in their order, and at most a year.")]
        return _show(exception=form, status=422)
    except ExceptionsOverlap:
        form.first.errors = [_("Other hours are entered for one of these days already. Take them away first.")]
        return _show(exception=form, status=422)
    except TooManyExceptions:
        form.first.errors = [_("There are a hundred already. Take away some that are not needed.")]
        return _show(exception=form, status=422)
    flash(_("Saved."), "success")
    if kept:
        flash(
            _("These branches keep the other hours that they have: %(branches)s.", branches=in_a_row(kept)), "warning"
        )
    return _lead_on(its)


@desk.post("/library/hours/copy")
@open_to(Audience.ADMINISTRATOR)
def library_hours_copy() -> ResponseReturnValue:
    """Give a branch the library's own hours."""
    its, today = _asked(), _today()
    branch_id = its["branch_id"] or 0
    try:
        with writing():
            copy_hours(
                library_id=its["library_id"],
                branch_id=branch_id,
                shown=request.form.get("shown", ""),
                today=today,
            )
            _note(its, HOURS_SET, today.isoformat())
    except NoSuchHours:
        flash(_("The library itself has no opening hours yet."), "warning")
    except ChangedMeanwhile:
        flash(
            _("Somebody else has changed these hours meanwhile. Look at them, and copy again if you want."), "warning"
        )
    else:
        flash(_("Copied. Change what is different here."), "success")
    return redirect(url_for("desk.library_hours", branch=branch_id))


@desk.post("/library/hours/remove")
@open_to(Audience.ADMINISTRATOR)
def library_hours_remove() -> ResponseReturnValue:
    """Take all hours of a branch away."""
    its = _asked()
    branch_id = its["branch_id"] or 0
    try:
        with writing():
            name = find_branch(library_id=its["library_id"], branch_id=branch_id).name
            remove_hours(library_id=its["library_id"], branch_id=branch_id, shown=request.form.get("shown", ""))
            note_library_act(staff_id=current_user.staff_id, kind=BRANCH_HOURS_REMOVED, subject=name, now=now())
    except ChangedMeanwhile:
        flash(_("Somebody else has changed these hours meanwhile. Look at them, and try again if you want."), "warning")
    else:
        flash(_("The branch has no opening hours of its own any more."), "success")
    return redirect(url_for("desk.library_hours", branch=branch_id))


@desk.post("/library/hours/take-back")
@open_to(Audience.ADMINISTRATOR)
def library_hours_take_back() -> ResponseReturnValue:
    """Take back a week whose day has not come (`since`), or days with other hours (`id`)."""
    its, today = _asked(), _today()
    since, number = read_day(request.form.get("since", "")), read_number(request.form.get("id", ""))
    try:
        with writing():
            if since is not None:
                withdraw_week(**its, since=since, today=today, now=now())
                _note(its, HOURS_WITHDRAWN, since.isoformat())
            else:
                former = remove_exception(**its, exception_id=number or 0, today=today, now=now())
                _note(its, EXCEPTION_REMOVED, f"{_subject(former)} {former.note}".strip())
    except (NoSuchHours, HoursInPast):
        flash(_("They are not there any more, or their day has come."), "warning")
        return redirect(url_for("desk.library_hours", branch=its["branch_id"]))
    flash(_("Taken back."), "success")
    return _lead_on(its)


def _show(
    form: WeekForm | None = None,
    *,
    exception: ExceptionForm | None = None,
    looked_at: Week | None = None,
    since: date | None = None,
    is_conflict: bool = False,
    status: int = 200,
) -> ResponseReturnValue:
    workplace, its = this_workplace(), _asked()
    library_id, branch_id = its["library_id"], its["branch_id"]
    branch = None if branch_id is None else find_branch(library_id=library_id, branch_id=branch_id)
    hours, today = read_hours(**its), _today()
    newest = hours.weeks[-1].days if hours.weeks else CLOSED_WEEK
    if form is None:
        form = WeekForm(formdata=None)
        form.name_days()
        form.fill_week(newest)
        form.since.data = (today + timedelta(days=1)).isoformat()
        form.shown.data = version_of(tuple(hours.weeks))
    if exception is None:
        exception = ExceptionForm(formdata=None)
        exception.name_times()
    if is_conflict:
        # Who sends the form again has seen what the others wrote.
        form.shown.data = version_of(tuple(hours.weeks))
    valid = week_on(hours, today)
    page = render_template(
        "desk/library/hours.html",
        workplace=workplace,
        branch=branch,
        branch_id=branch_id,
        branches=list_branches(library_id=library_id),
        version=version_of(tuple(hours.weeks)),
        has_hours=bool(hours.weeks or hours.exceptions),
        form=form,
        exception=exception,
        told=tell_opening(hours, now=now()),
        week=None if valid is None else tell_week(valid.days),
        coming=[(week.since, tell_week(week.days)) for week in hours.weeks if week.since > today],
        looked_at=None if looked_at is None else tell_week(looked_at),
        since=since,
        no_due=[] if looked_at is None else due_weekdays(looked_at),
        is_conflict=is_conflict,
        theirs=tell_week(newest),
        exceptions=[
            (known.id, known.about, _exception_line(known.about)) for known in list_exceptions(**its, since=today)
        ],
        lends_here=library_systems().lending(library_id) is not None,
        is_told=is_told(library_id=library_id),
        told_at=read_told_at(library_id=library_id),
    )
    return page, status


def _exception_line(about: Exceptional) -> object:
    if about.yearly:
        return yearly_words(about)
    return tell_exception(about.first, about.last, about.spans, about.note)


def _lead_on(its: _Its) -> ResponseReturnValue:
    """Tell the library's loans system, which knows no branches, and show the page."""
    if its["branch_id"] is None and not tell_library(library_id=its["library_id"]):
        flash(
            _("The loans system does not answer now. Due dates follow the new hours as soon as it does; we try again."),
            "warning",
        )
    return redirect(url_for("desk.library_hours", branch=its["branch_id"]))


def _asked() -> _Its:
    """Return whose hours the request is about: the library's, or those of the `branch` in it."""
    branch = request.values.get("branch", "")
    # What is no number is no branch of any library.
    branch_id = None if not branch else read_number(branch) or 0
    return _Its(library_id=this_workplace().library_id, branch_id=branch_id)


def _today() -> date:
    return now().astimezone(read_zone(library_id=this_workplace().library_id)).date()


def _subject(about: Exceptional) -> str:
    first, last = (f"{day:%m-%d}" if about.yearly else day.isoformat() for day in (about.first, about.last))
    return first if first == last else f"{first} – {last}"


def _note(its: _Its, kind: str, subject: str) -> None:
    if its["branch_id"] is not None:
        name = find_branch(library_id=its["library_id"], branch_id=its["branch_id"]).name
        kind, subject = BRANCH_HOURS_SET, f"{name}: {subject}"
    note_library_act(staff_id=current_user.staff_id, kind=kind, subject=subject, now=now())
