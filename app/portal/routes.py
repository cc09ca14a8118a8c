"""Start page, signing in and out, Min side, settings."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.portal.forms import LoginForm
from app.register.limits.budgets import TooManyAttempts
from app.register.patron.patrons import get_patron, list_libraries
from app.register.sign_in.pins import Origin, ProofNeeded, SignInRefused, sign_in
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.code_first import ask_for_code_first, can_ask_for_code_first
from app.web.faults.errors import wait_sentence
from app.web.faults.overload import evaluates
from app.web.http.cookies import device_token
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
        return make_response(_show(form, refusal=None), 422 if form.is_submitted() else 200)
    origin = Origin(address=request.remote_addr or "", device_token=device_token())
    instant = now()
    try:
        patron_id = sign_in(
            card_number=form.card_number.data or "", pin=form.pin.data or "", origin=origin, now=instant
        )
        return start_session_or_ask(patron_id=patron_id, own_device=bool(form.remember.data), since=instant)
    except SignInRefused:
        return _refuse(form, 401, _("Card number and PIN do not fit together, or the card is blocked."))
    except ProofNeeded as error:
        return _ask_for_code_first(form) if can_ask_for_code_first() else _refuse_for_now(form, error)
    except TooManyAttempts as error:
        return _refuse_for_now(form, error)


def _ask_for_code_first(form: LoginForm) -> Response:
    typed = (form.card_number.data or "", form.pin.data or "")
    try:
        return ask_for_code_first(card_number=typed[0], pin=typed[1], own_device=bool(form.remember.data))
    except TooManyAttempts as error:
        return _refuse_for_now(form, ProofNeeded(error.retry_after))


def _refuse_for_now(form: LoginForm, error: TooManyAttempts) -> Response:
    refusal = _refuse(form, 429, _wait_or_prove(error))
    refusal.headers["Retry-After"] = str(error.retry_after)
    return refusal


def _wait_or_prove(error: TooManyAttempts) -> str:
    if not isinstance(error, ProofNeeded):
        return wait_sentence(error.retry_after)
    return _(
        "Many wrong PINs have been entered from here and elsewhere, so a new device must wait. Log in on a device "
        "where you have logged in before, without the PIN if this page offers it, or ask at your library."
    )


def _refuse(form: LoginForm, status: int, refusal: str) -> Response:
    return make_response(_show(form, refusal=refusal), status)


def _show(form: LoginForm, *, refusal: str | None) -> str:
    return render_template("portal/login.html", form=form, refusal=refusal)


@portal.post("/logout")
@open_to(Audience.ANYONE)
def logout() -> ResponseReturnValue:
    """Sign out. Whoever already is out comes to the same page."""
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
    """Ask once more who it is, and lead on to the page that wanted to know."""
    return confirm_and_go_on()


@portal.get("/accessibility")
@open_to(Audience.ANYONE)
def accessibility() -> str:
    """Show the accessibility statement."""
    return render_template("portal/accessibility.html")
