"""Bytt PIN-kode: a patron who is signed in gets another PIN, chosen or drawn."""

from collections.abc import Mapping
from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.portal.forms import NewPinForm
from app.portal.routes import portal
from app.register.card.pin_changes import choose_pin, draw_pin
from app.register.store.transaction import writing
from app.rules.pins.pin_choice import Fault, PinNotGood
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.overload import evaluates
from app.web.sign_in.step_up import after_step_up

_FAULTS: Final[Mapping[Fault, LazyString]] = {
    Fault.NOT_FOUR_DIGITS: _l("A PIN is four digits."),
    Fault.COMMON: _l("Many people choose that one, so it is easy to guess. Choose another."),
    Fault.BIRTH_DATE: _l("It is part of your birth date, which others know. Choose another."),
    Fault.OWN_NUMBER: _l("It is part of your card number, telephone number or postcode. Choose another."),
    Fault.AS_BEFORE: _l("That is the PIN you have now. Choose another."),
}


@portal.get("/.well-known/change-password")
@open_to(Audience.ANYONE)
def change_password() -> ResponseReturnValue:
    """Lead a password manager to where the PIN is changed (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect(url_for("portal.pin"))


@portal.route("/my/pin", methods=["GET", "POST"])
@open_to(Audience.PATRON)
@after_step_up()
@evaluates("new_pin", "draw")
def pin() -> ResponseReturnValue:
    """Change the PIN to a chosen one, or to a drawn one, which is shown this once."""
    form, who = NewPinForm(), {"patron_id": current_user.patron_id, "session_id": current_user.session.id}
    if "draw" in request.form:
        with writing():
            return render_template("portal/pin_drawn.html", pin=draw_pin(**who, now=now()), signed_in=True)
    # The step-up page, which asks for the old PIN, does not send the new one along: it is typed again.
    if "new_pin" not in request.form:
        return render_template("portal/pin.html", form=form)
    try:
        with writing():
            choose_pin(**who, pin=form.new_pin.data or "", now=now())
    except PinNotGood as error:
        refuse_pin(form, error)
        return render_template("portal/pin.html", form=form), 422
    flash(_("Your PIN is changed. You are logged out everywhere else."), "success")
    return redirect(url_for("family.settings", _anchor="pin-heading"))


def refuse_pin(form: NewPinForm, error: PinNotGood) -> None:
    """Say beside the field why the PIN is not good."""
    form.new_pin.errors = [_FAULTS[error.fault]]
