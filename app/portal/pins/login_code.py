"""Signing in with a code: on a device that the card does not know, and before the PIN is checked.

The code comes first while too many wrong PINs have been entered in the whole country.
"""

from functools import partial

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.forms import LoginCodeForm
from app.portal.routes import portal
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.one_time import CodeNotValid
from app.register.sign_in.pins import SignInRefused
from app.web.access import Audience, open_to
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.metrics.counting import count_sign_in
from app.web.sign_in.code_first import find_typed, sign_in_with_code
from app.web.sign_in.new_device import TooSoon, Waiting, code_failed, find_waiting, finish, forget_waiting, send_again


@portal.get("/login/code")
@open_to(Audience.ANYONE)
def login_code() -> ResponseReturnValue:
    """Ask for the code; a browser that no code was sent for is shown how to log in."""
    return _ask(find_waiting(), LoginCodeForm())


@portal.post("/login/code")
@open_to(Audience.ANYONE)
def enter_login_code() -> ResponseReturnValue:
    """Sign the patron in with the code."""
    waiting, form = find_waiting(), LoginCodeForm()
    if waiting is None:
        return _begin_anew()
    if not form.validate():
        return _ask(waiting, form, status=422)
    try:
        return count_sign_in("code", partial(finish, waiting, code=form.code.data or ""))
    except CodeNotValid:
        form.code.errors = [_("The code is wrong or too old.")]
        return _ask(waiting, form, status=422)
    except TooManyAttempts as error:
        return wait_page("portal/login_code.html", error, form=form, waiting=waiting, failed=code_failed())
    except SignInRefused:
        return _begin_anew()


@portal.post("/login/code/again")
@open_to(Audience.ANYONE)
def send_login_code() -> ResponseReturnValue:
    """Send another code."""
    waiting, form = find_waiting(), LoginCodeForm()
    if waiting is None:
        return _begin_anew()
    try:
        send_again(waiting)
    except TooSoon as error:
        sentence = _("The code is on its way. You can ask for another in %(seconds)s seconds.", seconds=error.seconds)
        page = _ask(waiting, form, status=429, refusal=sentence)
        return *page, {"Retry-After": str(error.seconds)}
    except TooManyAttempts as error:
        return wait_page("portal/login_code.html", error, form=form, waiting=waiting, failed=code_failed())
    flash(_("A new code is on its way. The one before no longer works."), "success")
    return redirect(url_for("portal.login_code"))


def _begin_anew() -> ResponseReturnValue:
    forget_waiting()
    flash(_("That took too long, or is already done. Log in once more."))
    return redirect(url_for("portal.login"))


def _ask(waiting: Waiting | None, form: LoginCodeForm, *, status: int = 200, refusal: str = "") -> tuple[str, int]:
    words = {"waiting": waiting, "form": form, "refusal": refusal, "failed": code_failed()}
    return render_template("portal/login_code.html", **words), status


@portal.route("/login/code-first", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates("code")
def code_first() -> ResponseReturnValue:
    """Ask for the code, and sign the patron in with it and the PIN that was entered before."""
    typed, form = find_typed(), LoginCodeForm()
    if typed is None:
        flash(_("That took too long, or is already done. Log in once more."))
        return redirect(url_for("portal.login"))
    if form.validate_on_submit():
        try:
            return count_sign_in("code", partial(sign_in_with_code, typed, code=form.code.data or ""))
        except CodeNotValid:
            form.code.errors = [_("The code is wrong or too old.")]
        except SignInRefused:
            flash(_("The card number and the PIN do not match, or the card is blocked."), "danger")
            return redirect(url_for("portal.login"))
        except TooManyAttempts as error:
            return wait_page("portal/code_first.html", error, form=form)
    return render_template("portal/code_first.html", form=form, refusal=""), 422 if form.is_submitted() else 200
