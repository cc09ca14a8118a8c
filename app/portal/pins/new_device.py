"""The second step of signing in on a device that the card does not know: the code that was sent."""

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.forms import LoginCodeForm
from app.portal.routes import portal
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.one_time import CodeNotValid
from app.register.sign_in.pins import SignInRefused
from app.web.access import Audience, open_to
from app.web.faults.errors import wait_sentence
from app.web.sign_in.new_device import TooSoon, Waiting, code_failed, find_waiting, finish, forget_waiting, send_again


@portal.get("/login/code")
@open_to(Audience.ANYONE)
def login_code() -> ResponseReturnValue:
    """Ask for the code; whoever comes back here later is shown the way in."""
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
        return finish(waiting, code=form.code.data or "")
    except CodeNotValid:
        form.code.errors = [_("The code is wrong or too old.")]
        return _ask(waiting, form, status=422)
    except TooManyAttempts as error:
        return _ask_to_wait(waiting, form, error)
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
        return _ask(waiting, form, status=429, refusal=sentence, retry_after=error.seconds)
    except TooManyAttempts as error:
        return _ask_to_wait(waiting, form, error)
    flash(_("A new code is on its way. The one before no longer works."), "success")
    return redirect(url_for("portal.login_code"))


def _begin_anew() -> ResponseReturnValue:
    forget_waiting()
    flash(_("That took too long, or is already done. Log in once more."))
    return redirect(url_for("portal.login"))


def _ask_to_wait(waiting: Waiting, form: LoginCodeForm, error: TooManyAttempts) -> Response:
    return _ask(waiting, form, status=429, refusal=wait_sentence(error.retry_after), retry_after=error.retry_after)


def _ask(
    waiting: Waiting | None,
    form: LoginCodeForm,
    *,
    status: int = 200,
    refusal: str = "",
    retry_after: int | None = None,
) -> Response:
    page = render_template("portal/login_code.html", waiting=waiting, form=form, refusal=refusal, failed=code_failed())
    response = make_response(page, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
