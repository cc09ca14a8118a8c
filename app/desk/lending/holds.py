"""Reservations at the counter: found by a title, made and cancelled for the patron who is being served."""

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.counter import LOANS, at_counter, lending_of, see_served, served_forms
from app.desk.lending.forms import CancelHoldForm, ReserveForm, TitleForm
from app.desk.refusals import UNREADABLE, RefusedHere, refusal_of, show_refusal
from app.desk.routes import desk
from app.desk.scanning.items import Counter, refusal_line
from app.desk.scanning.lines import Line, refused_line, reserved_line
from app.desk.scanning.routes import answer_line, flash_line
from app.desk.scanning.undoing import LASTS, Done, seal_done
from app.desk.system_refusals import SILENT, refusal_at_desk, refusal_of_title, system_refusals_flashed
from app.desk.terminal import current_visit, this_terminal, this_workplace, visit_mark
from app.ils.circulation.system import CirculationSystem
from app.ils.lending import FoundTitles
from app.ils.port import Refused, Unavailable
from app.register.desk.patron_view import MINIMUM
from app.register.desk.visits import NoOpenVisit, OpenVisit
from app.register.patron.patrons import NotJoined
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.pages.library_words import naming


@desk.post("/counter/titles")
@open_to(Audience.STAFF)
def find_titles() -> ResponseReturnValue:
    """Search for what the patron before the desk wants to reserve. It is a POST, so that no title is in an address."""
    workplace, form = this_workplace(), TitleForm()
    lending = lending_of(workplace)
    try:
        served = see_served(workplace, lending)
    except (CardRefused, NotJoined) as error:
        return show_refusal(error)
    if not form.validate():
        return show_refusal(RefusedHere(str(UNREADABLE)), page="desk.scan")
    found: FoundTitles | None = None
    with system_refusals_flashed():
        found = lending.find_titles(text=form.text.data or "", staff=workplace.username)
    forms = served_forms(served) | {"title_form": form}
    page = {"workplace": workplace, "served": served, "found": found, "lends": True, "today": today()}
    return render_template("desk/desk.html", taken=None, **page, **forms)


@desk.post("/counter/reserve")
@open_to(Audience.STAFF)
def reserve() -> ResponseReturnValue:
    """Reserve a title for the patron of the visit that the page knows of. A script is answered with a line."""
    form, workplace = ReserveForm(), this_workplace()
    lending = lending_of(workplace)
    line = _reserve(form, lending, workplace) if form.validate() else refused_line(barcode="", reason=str(UNREADABLE))
    return answer_line(line) if form.script.data else flash_line(line)


def _reserve(form: ReserveForm, lending: CirculationSystem, workplace: Workplace) -> Line:
    barcode = form.barcode.data or ""
    counter = Counter(lending, workplace.library_id, this_terminal(workplace).viewer, now())
    try:
        if form.visit.data != visit_mark():
            raise NoOpenVisit
        patron = current_visit(workplace, fields=LOANS, extend=True, minimum=MINIMUM)
        patron.check_in_use(workplace.library_id)
        hold = lending.reserve(card_number=patron.card_number, barcode=barcode)
    except NoOpenVisit:
        return refused_line(barcode=barcode, reason=_("Another visit has begun since. Nothing was reserved."))
    except (CardRefused, NotJoined) as error:
        return refused_line(barcode=barcode, reason=refusal_of(error))
    except Unavailable:
        return refused_line(barcode=barcode, reason=str(SILENT))
    except Refused as refused:
        return _say_why(barcode, refused, counter)
    done = Done(
        what="reserved",
        staff=counter.staff,
        until=counter.now + LASTS,
        title=hold.title,
        card_number=patron.card_number,
        barcode=barcode,
        hold_id=hold.hold_id,
    )
    return reserved_line(hold, barcode=barcode, undo=seal_done(done))


def _say_why(barcode: str, refused: Refused, counter: Counter) -> Line:
    try:
        line = refusal_line(barcode, refused, counter)
        if refused.code != "too_many_holds":
            return line
        most = counter.lending.rules().max_holds
    except Unavailable:
        return refused_line(barcode=barcode, reason=refusal_at_desk(refused.code))
    reason = _("The patron has %(num)s reservations, which is the most at this library.", num=most)
    return refused_line(barcode=barcode, reason=reason, title=line.title)


@desk.post("/counter/cancel-hold")
@open_to(Audience.STAFF)
@at_counter(CancelHoldForm, lends=False)
def cancel_hold(form: CancelHoldForm, lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
    """Cancel a reservation; a copy that was set aside goes to the next in the queue."""
    (account,) = lending.accounts(card_numbers=[patron.card_number])
    title = next((hold.title for hold in account.holds if hold.hold_id == form.hold_id.data), "")
    try:
        lending.cancel_hold(card_number=patron.card_number, hold_id=form.hold_id.data or "")
    except Refused as refused:
        raise RefusedHere(refusal_of_title(refused.code, title)) from None
    return naming(_("The reservation of %(title)s is cancelled."), title)
