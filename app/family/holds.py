"""One's reservations and those of everybody who permits it: cancel, pause, collect elsewhere.

The page of loans is shown at once, at its own address, so that a title is in no session.
"""

from datetime import date, timedelta
from typing import Final

from flask import flash, render_template
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from markupsafe import Markup

from app.family.forms import HoldForm
from app.family.loans import anchor_of, read_act, show_loans
from app.family.routes import family
from app.ils.port import LibrarySystem
from app.web.access import Audience, open_to
from app.web.clock import today
from app.web.gate import flash_refusals

_LONGEST_PAUSE: Final = timedelta(days=731)


@family.post("/my/loans")
@open_to(Audience.PATRON)
def change_hold() -> ResponseReturnValue:
    """Do with a reservation what its library's system allows; show the page of loans, or where it can be collected."""
    form = HoldForm()
    person, system = read_act(form)
    title = form.title.data or _("The reservation")
    places = []
    with flash_refusals(
        silent=_("The library does not answer now. Try again in a moment."), category="warning", title=title
    ):
        if form.act.data == "places":
            places = system.pickup_places(card_number=person.card_number, hold_id=form.hold_id.data or "")
            if not places:
                flash(_("%(title)s cannot be collected anywhere else.", title=title), "warning")
        else:
            flash(*_change(system, person.card_number, form, title))
    if not places:
        return show_loans()
    anchor = anchor_of("hold", form.library_id.data or "", form.hold_id.data or "")
    return render_template("family/pickup_place.html", form=form, places=places, anchor=anchor)


def _change(system: LibrarySystem, card_number: str, form: HoldForm, title: str) -> tuple[str, str]:
    """Make the change; return what became of it and its category."""
    hold = {"card_number": card_number, "hold_id": form.hold_id.data or ""}
    match form.act.data:
        case "cancel":
            system.cancel_hold(**hold)
            return _("The reservation of %(title)s is cancelled.", title=title), "success"
        case "resume":
            system.resume_hold(**hold)
            return _("The reservation of %(title)s is no longer paused.", title=title), "success"
        case "move":
            system.move_hold(**hold, place_id=form.place_id.data or "")
            return _("The place of collection of %(title)s is changed.", title=title), "success"
    first, last = _day(form.paused_from.data) or today(), _day(form.paused_until.data)
    if last is None or not today() <= first <= last <= today() + _LONGEST_PAUSE:
        field = f"{anchor_of('hold', form.library_id.data or '', form.hold_id.data or '')}-until"
        link = Markup('<a class="ds-link" href="#{}">{}</a>').format(field, _("Last day of the pause"))
        fault = _("%(title)s: choose the last day of the pause, from today on.", title=title)
        return Markup("{} {}").format(fault, link), "danger"
    system.pause_hold(**hold, first=first, last=last)
    day = format_date(last, "long")
    return _("The reservation of %(title)s is paused until and including %(day)s.", title=title, day=day), "success"


def _day(written: str | None) -> date | None:
    try:
        return date.fromisoformat(written or "")
    except ValueError:
        return None
