"""The day's lists: what to fetch for holds, claims that are about to go out, and what is missing of patrons."""

from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectChoice, SelectField
from wtforms.validators import DataRequired, Length

from app.desk.lending.counter import lending_of
from app.desk.lending.forms import BarcodeForm
from app.desk.refusals import UNREADABLE, RefusedHere, show_refusal
from app.desk.routes import desk
from app.desk.system_refusals import system_refusals_flashed
from app.desk.terminal import this_terminal, this_workplace
from app.ils.circulation.worklists import (
    list_coming_claims,
    list_to_fetch,
    note_fetched,
    resume_claims,
    stop_claims,
)
from app.ils.port import Unavailable
from app.register.desk.missing import list_missing
from app.register.messages.letters import has_failed
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.library_words import money

_LARGEST_ID: Final = 10**18
REASONS: Final = {
    "searching": _l("the item is being looked for"),
    "agreed": _l("another day is agreed on"),
    "illness": _l("illness"),
    "mistake": _l("our own mistake"),
    "other": _l("another reason"),
}


class StopForm(FlaskForm):
    """Which loan's claims are stopped, and why."""

    loan_id = HiddenField(validators=[DataRequired(), Length(max=64)])
    reason = SelectField(_l("Why"), choices=[SelectChoice(*each) for each in REASONS.items()])


class LoanForm(FlaskForm):
    """Which loan's claims go on."""

    loan_id = HiddenField(validators=[DataRequired(), Length(max=64)])


@desk.get("/lists")
@open_to(Audience.STAFF)
def lists() -> str:
    """Show the lists; access to each patron's data is logged first."""
    workplace = this_workplace()
    system = library_systems().lending(workplace.library_id)
    to_fetch, claims, currency = None, None, ""
    try:
        if system is not None:
            currency = system.rules().currency
            to_fetch = list_to_fetch(system, staff=workplace.username)
            claims = list_coming_claims(system, staff=workplace.username)
    except Unavailable:
        to_fetch = claims = None
    after = min(max(request.args.get("after", 0, type=int), 0), _LARGEST_ID)
    viewer = this_terminal(workplace).viewer
    missing, more = list_missing(library_id=workplace.library_id, viewer=viewer, after=after, now=now())
    return render_template(
        "desk/lists.html",
        workplace=workplace,
        lends=system is not None,
        to_fetch=to_fetch,
        claims=claims,
        has_failed=has_failed(library_id=workplace.library_id, now=now()),
        missing=missing,
        more=more,
        reasons=REASONS,
        fee=lambda amount: money(amount, currency),
    )


@desk.post("/lists/fetched")
@open_to(Audience.STAFF)
def fetched() -> ResponseReturnValue:
    """Take a copy off the list: it stands on the hold shelf."""
    workplace, form = this_workplace(), BarcodeForm()
    lending = lending_of(workplace)
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.lists")
    with system_refusals_flashed():
        note_fetched(lending, barcode=form.barcode.data or "", staff=workplace.username)
        flash(_("It is off the list."), "success")
    return redirect(url_for("desk.lists", _anchor="fetch"))


@desk.post("/lists/claims/stop")
@open_to(Audience.STAFF)
def stop_claim() -> ResponseReturnValue:
    """Let no claim go out for a loan, until it is renewed, returned or taken up again."""
    workplace, form = this_workplace(), StopForm()
    lending = lending_of(workplace)
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.lists")
    with system_refusals_flashed():
        stop_claims(lending, loan_id=form.loan_id.data or "", reason=form.reason.data or "", staff=workplace.username)
        flash(_("The claim does not go out. It stays stopped until the loan is renewed or returned."), "success")
    return redirect(url_for("desk.lists", _anchor="claims"))


@desk.post("/lists/claims/resume")
@open_to(Audience.STAFF)
def resume_claim() -> ResponseReturnValue:
    """Let a loan's claims go out again."""
    workplace, form = this_workplace(), LoanForm()
    lending = lending_of(workplace)
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.lists")
    with system_refusals_flashed():
        resume_claims(lending, loan_id=form.loan_id.data or "", staff=workplace.username)
        flash(_("The claim goes out on its day."), "success")
    return redirect(url_for("desk.lists", _anchor="claims"))
