"""Start page, signing in and out, Min side, settings."""

from functools import partial

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.portal.forms import LoginForm
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.patrons import get_patron, list_libraries
from app.register.sign_in.pins import Origin, ProofNeeded, SignInRefused, sign_in
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.http.cookies import device_token
from app.web.metrics.counting import count_sign_in
from app.web.sign_in.code_first import ask_for_code_first, can_ask_for_code_first
from app.web.sign_in.identity import end_own_session
from app.web.sign_in.new_device import start_session_or_ask
from app.web.sign_in.step_up import confirm_and_go_on

portal = Blueprint("portal", __name__, template_folder="templates")


@portal.get("/")
@open_to(Audience.ANYONE)
def start() -> str:
    """Show what this is, and the way in."""
    return render_template("portal/start.html")


@portal.route("/login", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates()
def login() -> ResponseReturnValue:
    """Sign a patron in with card number and PIN."""
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("portal/login.html", form=form), 422 if form.is_submitted() else 200
    card_number, pin, own_device = form.card_number.data or "", form.pin.data or "", bool(form.remember.data)
    origin = Origin(address=request.remote_addr or "", device_token=device_token())
    instant = now()
    try:
        attempt = partial(sign_in, card_number=card_number, pin=pin, origin=origin, now=instant)
        patron_id = count_sign_in("portal", attempt)
        return start_session_or_ask(patron_id=patron_id, own_device=own_device, since=instant)
    except SignInRefused:
        refusal = _("Card number and PIN do not fit together, or the card is blocked.")
        return render_template("portal/login.html", form=form, refusal=refusal), 401
    except ProofNeeded as needed:
        wait: TooManyAttempts = needed
        try:
            if can_ask_for_code_first():
                return ask_for_code_first(card_number=card_number, pin=pin, own_device=own_device)
        except TooManyAttempts as too_many:
            wait = too_many
        refusal = _(
            "Many wrong PINs have been entered from here and elsewhere, so a new device must wait. Log in on a device "
            "where you have logged in before, without the PIN if this page offers it, or ask at your library."
        )
        return wait_page("portal/login.html", wait, refusal=refusal, form=form)
    except TooManyAttempts as error:
        return wait_page("portal/login.html", error, form=form)


@portal.post("/logout")
@open_to(Audience.ANYONE)
def logout() -> ResponseReturnValue:
    """Sign out. Somebody who is signed out already gets the same page."""
    end_own_session()
    return redirect(url_for("portal.start"))


@portal.get("/my")
@open_to(Audience.PATRON)
def my() -> str:
    """Show Min side."""
    patron = get_patron(patron_id=current_user.patron_id)
    libraries = list_libraries(patron_id=patron.id)
    return render_template("portal/my.html", patron=patron, libraries=libraries)


@portal.route("/my/confirm", methods=["GET", "POST"])
@open_to(Audience.PATRON)
@evaluates("confirm_pin")
def confirm() -> ResponseReturnValue:
    """Ask for PIN or code once more, and lead on to the page that needed it."""
    return confirm_and_go_on()
