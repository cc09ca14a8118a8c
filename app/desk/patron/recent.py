"""The patrons whom this desk has just served, by name, so that a visit that was ended by mistake is no new scan."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import RecentForm
from app.desk.refusals import RefusedHere, show_refusal
from app.desk.routes import desk
from app.desk.terminal import (
    keep_recent_visits,
    mark_of,
    open_session,
    recent_visits,
    start_visit,
    this_terminal,
    this_workplace,
)
from app.register.desk.recent import NotRecent, Recent, list_recent, open_again
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems


def recently_served(workplace: Workplace) -> list[Recent]:
    """Return whom this desk has just served, as a page shows it. Visits that are too old are forgotten."""
    visits = recent_visits()
    recent = list_recent(
        sessions=list(visits),
        listed=[session for session, is_listed in visits.items() if is_listed],
        open_session=open_session(),
        terminal=this_terminal(workplace),
        now=now(),
    )
    keep_recent_visits({each.session: True for each in recent})
    return recent


@desk.app_template_global()
def seconds_left(recent: Recent) -> int:
    """Return for how many seconds the name may be shown."""
    return max(0, int((recent.until - now()).total_seconds()))


@desk.post("/again")
@open_to(Audience.STAFF)
def serve_again() -> ResponseReturnValue:
    """Open a visit with somebody whom this desk has just served."""
    workplace, form = this_workplace(), RecentForm()
    chosen = next((session for session in recent_visits() if mark_of(session) == form.visit.data), None)
    try:
        if chosen is None:
            raise NotRecent
        opened = open_again(
            session=chosen, library_id=workplace.library_id, terminal=this_terminal(workplace), now=now()
        )
    except NotRecent:
        refusal = _("More than ten minutes have gone by. Scan the card again, or find the patron.")
        return show_refusal(RefusedHere(refusal), page="desk.scan")
    except CardRefused as error:
        return show_refusal(error, page="desk.scan")
    start_visit(opened)
    flash(_("The visit goes on."), "info")
    lends = library_systems().lending(workplace.library_id) is not None
    return redirect(url_for("desk.scan" if lends else "desk.patron"))
