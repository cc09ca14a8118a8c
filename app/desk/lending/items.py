"""Items at the desk, without a patron: returns, what is lost or destroyed, and interlibrary work."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.counter import lending_of
from app.desk.lending.forms import BarcodeForm, InterlibraryWorkForm, LostForm
from app.desk.refusals import UNREADABLE, RefusedHere, show_refusal
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.ils.circulation.system import CirculationSystem
from app.ils.lending import InterlibraryWork, Returned
from app.ils.port import Refused, Unavailable
from app.register.patron.patrons import get_holder
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import flash_refusals
from app.web.pages.library_words import money, refusal_words


@desk.route("/returns", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def returns() -> ResponseReturnValue:
    """Take an item back. Who had it is not shown."""
    workplace = this_workplace()
    lending, form = lending_of(workplace), BarcodeForm()
    returned: Returned | None = None
    refusal, currency = "", ""
    if form.validate_on_submit():
        try:
            currency = lending.rules().currency
            returned = lending.return_item(barcode=form.barcode.data or "")
        except Refused as refused:
            refusal = refusal_words(refused.code)
        except Unavailable:
            refusal = _("The library's system does not answer now. Nothing is certain; try the same item again.")
    elif form.is_submitted():
        refusal = str(UNREADABLE)
    form.barcode.data = ""
    return render_template(
        "desk/returns.html",
        workplace=workplace,
        form=form,
        returned=returned,
        refusal=refusal,
        currency=currency,
        lost_form=LostForm(formdata=None),
    )


@desk.post("/returns/lost")
@open_to(Audience.STAFF)
def lost() -> ResponseReturnValue:
    """Note that an item on loan is lost or destroyed; the patron is charged by the library's rules."""
    workplace = this_workplace()
    lending, form = lending_of(workplace), LostForm()
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.returns")
    mark = lending.mark_lost if form.what.data == "lost" else lending.mark_destroyed
    with flash_refusals(silent=_("The library's system does not answer now. Look at the list before you try again.")):
        charged = mark(barcode=form.barcode.data or "", staff=workplace.username)
        amount = money(charged.total, lending.rules().currency)
        flash(_("The loan is ended, and %(amount)s is charged.", amount=amount), "success")
    return redirect(url_for("desk.returns"))


@desk.get("/interlibrary")
@open_to(Audience.STAFF)
def interlibrary() -> ResponseReturnValue:
    """List what patrons asked for from other libraries, and what has come."""
    workplace = this_workplace()
    work: InterlibraryWork | None = None
    try:
        work = lending_of(workplace).list_interlibrary(staff=workplace.username)
    except Unavailable:
        flash(_("The library's system does not answer now."), "danger")
    form = InterlibraryWorkForm(formdata=None)
    return render_template("desk/interlibrary.html", workplace=workplace, work=work, form=form)


@desk.post("/interlibrary")
@open_to(Audience.STAFF)
def handle_interlibrary() -> ResponseReturnValue:
    """Order a request, lend out what arrived, or refuse it."""
    workplace = this_workplace()
    lending, form = lending_of(workplace), InterlibraryWorkForm()
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.interlibrary")
    arrived = form.action.data == "arrive"
    try:
        with flash_refusals(silent=_("The library's system does not answer now.")):
            if arrived:
                _check_card(lending, workplace, request_id=form.request_id.data or "")
            lending.handle_interlibrary(
                request_id=form.request_id.data or "",
                action=form.action.data,
                staff=workplace.username,
                barcode=(form.barcode.data or None) if arrived else None,
                due_on=form.due_on.data if arrived else None,
            )
            flash(_("Done."), "success")
    except CardRefused as error:
        return show_refusal(error, page="desk.interlibrary")
    return redirect(url_for("desk.interlibrary"))


def _check_card(lending: CirculationSystem, workplace: Workplace, *, request_id: str) -> None:
    """Raise CardRefused where the one who asked for the title may not be lent it now."""
    work = lending.list_interlibrary(staff=workplace.username)
    number = next((each.card_number for each in work.requests if each.request_id == request_id), None)
    holder = number and get_holder(card_number=number, library_id=workplace.library_id, now=now())
    if holder:
        holder.status.check_in_use(workplace.library_id)
