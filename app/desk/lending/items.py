"""Items at the desk, without a patron: returns, what is lost or destroyed, and interlibrary work."""

from typing import Final

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.desk.badges import keep_interlibrary
from app.desk.lending.counter import lending_of
from app.desk.lending.forms import InterlibraryWorkForm, LostForm
from app.desk.refusals import UNREADABLE, RefusedHere, refusal_of, show_refusal
from app.desk.routes import desk
from app.desk.system_refusals import system_refusals_flashed
from app.desk.terminal import this_workplace
from app.ils.circulation.system import CirculationSystem
from app.ils.lending import InterlibraryWork
from app.ils.port import Request, Unavailable
from app.register.patron.patrons import get_holder
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.gate import ask_closing_time
from app.web.pages.library_words import money, naming

_HANDLED: Final = {
    "order": _l("%(title)s is noted as ordered."),
    "arrive": _l("%(title)s is lent to the patron who asked for it."),
    "refuse": _l("%(title)s is refused. The patron is told."),
}


@desk.get("/returns")
@open_to(Audience.STAFF)
def returns() -> ResponseReturnValue:
    """Show the page on which what is scanned is returned. Who had it is not shown."""
    workplace = this_workplace()
    lending_of(workplace)
    closes = ask_closing_time(library_id=workplace.library_id, day=today())
    return render_template("desk/returns.html", workplace=workplace, lost_form=LostForm(formdata=None), closes=closes)


@desk.post("/returns")
@open_to(Audience.STAFF)
def ask_lost() -> ResponseReturnValue:
    """Show which title is to be marked lost or destroyed, before it is: that cannot be undone."""
    workplace = this_workplace()
    lending, form = lending_of(workplace), LostForm()
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.returns")
    with system_refusals_flashed():
        item = lending.show_item(barcode=form.barcode.data or "", staff=workplace.username)
        return render_template("desk/returns.html", workplace=workplace, lost_form=form, item=item)
    return redirect(url_for("desk.returns"))


@desk.post("/returns/lost")
@open_to(Audience.STAFF)
def lost() -> ResponseReturnValue:
    """Mark an item lost or destroyed; who has it is charged by the library's rules."""
    workplace = this_workplace()
    lending, form = lending_of(workplace), LostForm()
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.returns")
    barcode, is_lost = form.barcode.data or "", form.what.data == "lost"
    mark = lending.mark_lost if is_lost else lending.mark_destroyed
    with system_refusals_flashed():
        title = lending.show_item(barcode=barcode, staff=workplace.username).title
        with system_refusals_flashed(title=title):
            charge = mark(barcode=barcode, staff=workplace.username).total
            amount = money(charge, lending.rules().currency) if charge else ""
            flash(naming(_marked(is_lost=is_lost, charged=bool(charge)), title, amount=amount), "success")
    return redirect(url_for("desk.returns"))


def _marked(*, is_lost: bool, charged: bool) -> str:
    match is_lost, charged:
        case True, True:
            return _("%(title)s is marked as lost. The loan is ended, and %(amount)s is charged.")
        case False, True:
            return _("%(title)s is marked as destroyed. The loan is ended, and %(amount)s is charged.")
        case True, False:
            return _("%(title)s is marked as lost. Nobody is charged.")
        case _nobody_pays:
            return _("%(title)s is marked as destroyed. Nobody is charged.")


@desk.get("/interlibrary")
@open_to(Audience.STAFF)
def interlibrary() -> ResponseReturnValue:
    """List what patrons asked for from other libraries, and what has come."""
    return _show_interlibrary(this_workplace())


def _show_interlibrary(workplace: Workplace, typed: InterlibraryWorkForm | None = None) -> ResponseReturnValue:
    """Return the page; `typed` is what was refused, which then stands at its request."""
    work: InterlibraryWork | None = None
    try:
        work = lending_of(workplace).list_interlibrary(staff=workplace.username)
        keep_interlibrary(workplace, work)
    except Unavailable:
        flash(_("The library's system does not answer now."), "danger")
    blank = InterlibraryWorkForm(formdata=None)
    page = render_template("desk/interlibrary.html", workplace=workplace, work=work, blank=blank, typed=typed or blank)
    return page, 422 if typed else 200


@desk.post("/interlibrary")
@open_to(Audience.STAFF)
def handle_interlibrary() -> ResponseReturnValue:
    """Order a request, lend out what arrived, or refuse it."""
    workplace = this_workplace()
    lending, form = lending_of(workplace), InterlibraryWorkForm()
    if not form.validate():
        flash(str(UNREADABLE), "danger")
        return _show_interlibrary(workplace, form)
    request_id, arrived = form.request_id.data or "", form.action.data == "arrive"
    try:
        with system_refusals_flashed():
            request = _find_request(lending, workplace, request_id=request_id)
            if arrived and request and request.card_number:
                _check_card(request.card_number, workplace)
            title = request.title if request else ""
            with system_refusals_flashed(title=title):
                lending.handle_interlibrary(
                    request_id=request_id,
                    action=form.action.data,
                    staff=workplace.username,
                    barcode=(form.barcode.data or None) if arrived else None,
                    due_on=form.due_on.data if arrived else None,
                    lender=(form.lender.data or None) if arrived else None,
                )
                flash(naming(str(_HANDLED[form.action.data]), title), "success")
                return redirect(url_for("desk.interlibrary"))
    except CardRefused as error:
        flash(refusal_of(error), "danger")
    return _show_interlibrary(workplace, form)


def _find_request(lending: CirculationSystem, workplace: Workplace, *, request_id: str) -> Request | None:
    work = lending.list_interlibrary(staff=workplace.username)
    return next((each for each in work.requests if each.request_id == request_id), None)


def _check_card(card_number: str, workplace: Workplace) -> None:
    """Raise CardRefused where the one who asked for the title may not be lent it now."""
    holder = get_holder(card_number=card_number, library_id=workplace.library_id, now=now())
    if holder:
        holder.status.check_in_use(workplace.library_id)
