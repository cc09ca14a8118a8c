"""Asking somebody at the desk once more who it is, before rights are changed on a screen that was left open.

What is asked for: password and one-time code, or a passkey, unless they were used within ten minutes, at the sign-in
too. A view says that it wants this:

    @desk.route("/library/people/<id:staff_id>/role", methods=["POST"])
    @open_to(Audience.ADMINISTRATOR)
    @after_staff_step_up()
    def change_role(staff_id: int) -> ResponseReturnValue: ...

Sent in (POST) too late, the form is answered with the question, and what was typed is sent along with the answer: the
view sees the form as it was, and keeps nothing. Fields whose name has `password` in it, and files, are not sent along:
`@after_staff_step_up(looking=True)` asks already where the page with such a form is looked at (GET). Such a page has
no parameters in its address.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField

from app.desk.own.ceremonies import confirm_with_passkey, without_passkey
from app.desk.terminal import OF_VISIT, this_workplace
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.ceremonies import PasskeyRefused
from app.register.sign_in.passkeys import CeremonyOver, PasskeyCopied
from app.register.sign_in.sessions import renew_secret
from app.register.staff.staff import StaffSignInRefused, get_workplace, sign_in_staff
from app.register.staff.staff_passkeys import list_staff_passkeys
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.http.cookies import desk_browser
from app.web.sign_in.passkeys import passkey_origin
from app.web.sign_in.step_up import typed_into_form

FRESH_FOR: Final = timedelta(minutes=10)
_PASSWORD: Final = "confirm_password"  # noqa: S105 - a field's name
_PASSKEY: Final = "confirm_passkey"
_NOT_SENT_ALONG: Final = ("csrf_token", OF_VISIT, "confirm_", "password")

View = TypeVar("View", bound=Callable[..., Any])


class StaffConfirmForm(FlaskForm):
    """What is entered once more."""

    confirm_password = PasswordField(_l("Password"))
    confirm_code = StringField(_l("One-time code"))


def is_fresh() -> bool:
    """Tell whether who is signed in has shown within ten minutes who they are."""
    entered_at = current_user.session.secret_entered_at
    return entered_at is not None and entered_at + FRESH_FOR > now()


def after_staff_step_up(*, looking: bool = False) -> Callable[[View], View]:
    """Let a view run only once it is sure who it is. How: at the top of this module."""

    def wrap(view: View) -> View:
        @wraps(view)
        def ask_first(**parameters: object) -> ResponseReturnValue:
            looked_at = request.method in ("GET", "HEAD")
            if is_fresh() or (looked_at and not looking):
                return cast(ResponseReturnValue, view(**parameters))
            if looked_at:
                return redirect(url_for("desk.confirm", next=request.endpoint))
            return _take_answer() or cast(ResponseReturnValue, view(**parameters))

        ask_first.leads_on = looking  # type: ignore[attr-defined]
        ask_first.evaluates = (_PASSWORD, *getattr(view, "evaluates", ()))  # type: ignore[attr-defined]
        return cast(View, ask_first)

    return wrap


def confirm_and_go_on() -> ResponseReturnValue:
    """Answer `/desk/confirm`: ask, and lead on to the page that wanted it, which is one of those."""
    endpoint = request.values.get("next", "")
    if not getattr(current_app.view_functions.get(endpoint), "leads_on", False):
        return redirect(url_for("desk.scan"))
    if is_fresh():
        return redirect(url_for(endpoint))
    question = _take_answer() if request.method == "POST" else _ask(StaffConfirmForm(formdata=None))
    return question or redirect(url_for(endpoint))


def _take_answer() -> Response | None:
    """Take the answer from the form that was sent in; return the question where it is missing or wrong."""
    form = StaffConfirmForm()
    if _PASSWORD not in request.form and _PASSKEY not in request.form:
        return _ask(form)
    try:
        if _PASSKEY in request.form:
            confirm_with_passkey(request.form[_PASSKEY])
            return None
        sign_in_staff(
            username=get_workplace(staff_id=current_user.staff_id).username,
            password=form.confirm_password.data or "",
            code=form.confirm_code.data or "",
            address=request.remote_addr or "",
            browser=desk_browser(),
            now=now(),
        )
    except StaffSignInRefused:
        refusal = _("That did not fit together. A one-time code can be used once; wait for the next.")
        return _ask(form, status=422, refusal=refusal)
    except (PasskeyRefused, PasskeyCopied, CeremonyOver):
        return _ask(form, status=422, refusal=without_passkey())
    except TooManyAttempts as error:
        return _ask(form, wait=error)
    renew_secret(session_id=current_user.session.id, now=now())
    return None


def _ask(
    form: StaffConfirmForm, *, status: int = 200, refusal: str = "", wait: TooManyAttempts | None = None
) -> Response:
    """Return the question, with what was typed into the form that it interrupts; 429 where somebody has to `wait`."""
    words: dict[str, Any] = {
        "workplace": this_workplace(),
        "form": form,
        "typed": typed_into_form(but_for=_NOT_SENT_ALONG),
        "has_passkey": bool(passkey_origin() and list_staff_passkeys(staff_id=current_user.staff_id)),
        "action": request.path,
    }
    if wait is not None:
        return wait_page("desk/own/confirm.html", wait, **words)
    return make_response(render_template("desk/own/confirm.html", refusal=refusal, **words), status)
