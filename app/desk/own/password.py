"""Changing one's own password at the desk."""

from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField

from app.desk.library.step_up import after_staff_step_up
from app.desk.own.joining import fault_words
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.limits.budgets import TooManyAttempts
from app.register.staff.own_password import change_own_password
from app.register.staff.staff import StaffSignInRefused
from app.rules.pins.password import SHORTEST, PasswordNotGood
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.http.cookies import desk_browser

_PAGE: Final = "desk/own/password.html"


class OwnPasswordForm(FlaskForm):
    """The password that counts now, and the one that shall."""

    current_password = PasswordField(_l("The password you have now"))
    new_password = PasswordField(_l("New password"))


@desk.route("/sign-in/password", methods=["GET", "POST"])
@open_to(Audience.STAFF)
@after_staff_step_up(looking=True)
@evaluates("current_password")
def own_password() -> ResponseReturnValue:
    """Change one's own password. Everybody else who is signed in by the one before is out."""
    form = OwnPasswordForm()
    if not form.is_submitted():
        return _show(form)
    if form.current_password.name not in request.form:
        # It was asked who it is meanwhile; passwords are not sent along.
        return _show(form, refusal=_("You are confirmed. Type both passwords once more."))
    if not form.validate():
        return _show(form), 422
    try:
        change_own_password(
            staff_id=current_user.staff_id,
            current=form.current_password.data or "",
            new=form.new_password.data or "",
            session_id=current_user.session.id,
            address=request.remote_addr or "",
            browser=desk_browser(),
            now=now(),
        )
    except StaffSignInRefused:
        form.current_password.errors = [_("This is not your password. Nothing was changed.")]
    except PasswordNotGood as error:
        form.new_password.errors = [fault_words(error.fault)]
    except TooManyAttempts as error:
        return wait_page(_PAGE, error, workplace=this_workplace(), form=form, shortest=SHORTEST)
    else:
        flash(_("Your password is changed. You are logged out everywhere but here."), "success")
        return redirect(url_for("desk.own_sign_in"))
    return _show(form), 422


def _show(form: OwnPasswordForm, *, refusal: str = "") -> str:
    return render_template(_PAGE, workplace=this_workplace(), form=form, refusal=refusal, shortest=SHORTEST)
