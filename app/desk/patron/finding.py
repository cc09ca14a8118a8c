"""Looking up a patron who came without a code, and opening a visit with them."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import FindForm, HitForm
from app.desk.routes import desk
from app.desk.terminal import start_visit, this_terminal, this_workplace
from app.register.desk.lookup import Criteria, CriteriaNotValid, Found, TooLittleToGoBy, TooManyAlike, look_up
from app.register.desk.visits import NotLookedUp, open_visit_of_hit
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.patron_fields import reword_faults, show_faults


@desk.route("/find", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def find() -> ResponseReturnValue:
    """Ask for two search criteria, and show the patrons that match both."""
    workplace = this_workplace()
    form, refusal = FindForm(), ""
    found: Found | None = None
    if form.validate_on_submit():
        try:
            typed = {name: form[name].data or "" for name in ("name", "phone", "email", "postcode", "card_number")}
            criteria = Criteria(birth_date=form.birth_date.data, **typed)
            viewer = this_terminal(workplace).viewer
            found = look_up(criteria=criteria, viewer=viewer, library_id=workplace.library_id, now=now())
        except TooLittleToGoBy:
            refusal = _("Fill in two of the fields, at least one of them another than the name.")
        except TooManyAlike:
            refusal = _("That fits too many people. Fill in one more field.")
        except CriteriaNotValid as error:
            show_faults(form, dict.fromkeys(error.fields, "not-valid"))
    else:
        reword_faults(form)
    return render_template("desk/find.html", workplace=workplace, form=form, found=found, refusal=refusal)


@desk.post("/find/open")
@open_to(Audience.STAFF)
def open_hit() -> ResponseReturnValue:
    """Open a visit with somebody who was found."""
    terminal = this_terminal(this_workplace())
    form = HitForm()
    try:
        if form.chosen is None:
            raise NotLookedUp
        start_visit(open_visit_of_hit(patron_id=form.chosen, terminal=terminal, now=now()))
    except NotLookedUp:
        flash(_("Too much time has gone by. Look the patron up again."), "info")
        return redirect(url_for("desk.find"))
    return redirect(url_for("desk.patron"))
