"""Looking up a patron who came without a code, and opening a visit with them."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import FindForm, HitForm
from app.desk.patron.recent import recently_served
from app.desk.routes import desk
from app.desk.terminal import start_visit, this_terminal, this_workplace
from app.register.desk.lookup import (
    Criteria,
    CriteriaNotValid,
    Found,
    TooLittleToGoBy,
    TooManyAlike,
    look_up,
    look_up_card_number,
)
from app.register.desk.visits import NotLookedUp, open_visit_of_hit
from app.register.staff.staff import Workplace
from app.rules.card.number import is_card_number, parse_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.library_words import in_a_row
from app.web.pages.patron_fields import reword_faults, show_faults


@desk.route("/find", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def find() -> ResponseReturnValue:
    """Ask for a card number or two search criteria, and show the patrons that match."""
    workplace = this_workplace()
    form, refusal = FindForm(), ""
    found: Found | None = None
    if form.validate_on_submit():
        try:
            found = _look_up(form, workplace)
        except TooLittleToGoBy:
            refusal = _("Fill in two of the fields, at least one of them another than the name.")
        except TooManyAlike:
            refusal = _("That fits too many people.") + " " + _further(form)
        except CriteriaNotValid as error:
            show_faults(form, dict.fromkeys(error.fields, "not-valid"))
    else:
        reword_faults(form)
    page = {"workplace": workplace, "recent": () if form.is_submitted() else recently_served(workplace)}
    further = _further(form) if found and found.more else ""
    return render_template("desk/find.html", form=form, found=found, refusal=refusal, further=further, **page)


def _look_up(form: FindForm, workplace: Workplace) -> Found:
    typed = {name: form[name].data or "" for name in ("name", "phone", "email", "postcode", "card_number")}
    who: dict[str, Any] = {"viewer": this_terminal(workplace).viewer, "library_id": workplace.library_id, "now": now()}
    if is_card_number(typed["name"]) and not typed["card_number"]:
        typed |= {"name": "", "card_number": typed["name"]}
    alone = form.birth_date.data is None and not any(typed[name] for name in typed if name != "card_number")
    if alone and is_card_number(typed["card_number"]):
        hit = look_up_card_number(card_number=parse_card_number(typed["card_number"]), **who)
        return Found(hits=(hit,) if hit else (), more=False)
    return look_up(criteria=Criteria(birth_date=form.birth_date.data, **typed), **who)


def _further(form: FindForm) -> str:
    """Return which fields would narrow the search."""
    empty = [field for field in (form.birth_date, form.phone, form.email, form.postcode) if not field.data]
    labels = in_a_row([field.label.text for field in empty], "or")
    return _("Fill in one more field: %(labels)s.", labels=labels) if empty else _("Write the whole name.")


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
