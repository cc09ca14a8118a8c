"""A death that a library heard of: reported after one more look, and taken back within the day if it was a mistake."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.acts import act_for_patron
from app.desk.patron.forms import DeathForm
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, current_visit, this_workplace
from app.register.change.deaths import report_death, withdraw_death_report
from app.register.desk.open_visits import NoOpenVisit, OpenVisit
from app.register.staff.staff import Workplace
from app.web.access import Audience, open_to
from app.web.clock import now

_FIELDS = "name, card number"


@desk.get("/patron/death")
@open_to(Audience.STAFF)
def death() -> ResponseReturnValue:
    """Ask whether it is certain, and say what comes of it."""
    workplace = this_workplace()
    try:
        visit = current_visit(workplace, fields=_FIELDS, extend=False)
    except NoOpenVisit:
        return ask_for_card()
    return render_template("desk/death.html", workplace=workplace, visit=visit, form=DeathForm(formdata=None))


@desk.post("/patron/death")
@open_to(Audience.STAFF)
def report() -> ResponseReturnValue:
    """Close the card of somebody who is dead."""
    form = DeathForm()
    if not form.validate():
        flash(_("Nothing was reported: tick that the message is certain."), "danger")
        return redirect(url_for("desk.death"))

    def act(visit: OpenVisit, workplace: Workplace) -> str:
        report_death(patron_id=visit.patron_id, library_id=workplace.library_id, now=now())
        return _("The death is reported. The card is closed.")

    return act_for_patron(act)


@desk.post("/patron/death/withdraw")
@open_to(Audience.STAFF)
def withdraw_death() -> ResponseReturnValue:
    """Take back what was a mistake."""

    def act(visit: OpenVisit, workplace: Workplace) -> str:
        withdraw_death_report(patron_id=visit.patron_id, library_id=workplace.library_id, now=now())
        return _("The report is taken back. The card works as before; on the phone the patron must log in anew.")

    return act_for_patron(act)
