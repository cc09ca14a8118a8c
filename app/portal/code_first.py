"""Signing in with a code that comes before the PIN is looked at: while the whole country's wrong PINs are too many."""

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.forms import LoginCodeForm
from app.portal.routes import portal
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.one_time import CodeNotValid
from app.register.sign_in.pins import SignInRefused
from app.web.access import Audience, open_to
from app.web.code_first import find_typed, sign_in_with_code
from app.web.faults.errors import wait_sentence
from app.web.faults.overload import evaluates


@portal.route("/login/code-first", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates("code")
def code_first() -> ResponseReturnValue:
    """Ask for the code, and sign the patron in with it and the PIN that waits."""
    typed, form = find_typed(), LoginCodeForm()
    if typed is None:
        return _begin_anew(_("That took too long, or is already done. Log in once more."))
    if not form.validate_on_submit():
        return _ask(form, status=422 if form.is_submitted() else 200)
    try:
        return sign_in_with_code(typed, code=form.code.data or "")
    except CodeNotValid:
        form.code.errors = [_("The code is wrong or too old.")]
        return _ask(form, status=422)
    except SignInRefused:
        return _begin_anew(_("Card number and PIN do not fit together, or the card is blocked."))
    except TooManyAttempts as error:
        refusal = _ask(form, status=429, refusal=wait_sentence(error.retry_after))
        refusal.headers["Retry-After"] = str(error.retry_after)
        return refusal


def _begin_anew(sentence: str) -> ResponseReturnValue:
    flash(sentence)
    return redirect(url_for("portal.login"))


def _ask(form: LoginCodeForm, *, status: int, refusal: str = "") -> Response:
    return make_response(render_template("portal/code_first.html", form=form, refusal=refusal), status)
