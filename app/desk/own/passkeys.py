"""Signing in at the desk with a passkey, and one's own passkeys: added and removed."""

from functools import partial

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length

from app.desk.lending.forms import StaffLoginForm
from app.desk.library.step_up import after_staff_step_up
from app.desk.own.ceremonies import add_passkey_here, begin_adding, log_in_with_passkey, without_passkey
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.ceremonies import PasskeyRefused
from app.register.sign_in.passkeys import CeremonyOver, NoSuchPasskey, PasskeyCopied, TooManyPasskeys
from app.register.staff.staff import StaffSignInRefused, get_workplace
from app.register.staff.staff_passkeys import list_staff_passkeys, remove_staff_passkey
from app.register.store.transaction import writing
from app.rules.typed import clean_typed
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page, wait_sentence
from app.web.http.cookies import keep_desk_browser
from app.web.metrics.counting import count_sign_in
from app.web.sign_in.device_label import device_label
from app.web.sign_in.passkeys import begin_login


class PasskeyNameForm(FlaskForm):
    """What a passkey is called."""

    label = StringField(_l("Name"), filters=[lambda value: clean_typed(value or "")], validators=[Length(max=60)])


@desk.post("/login/passkey/options")
@open_to(Audience.ANYONE)
def passkey_login_options() -> ResponseReturnValue:
    """Give the page's script what the browser is asked to sign; the same for everybody but for the challenge."""
    return jsonify(begin_login())


@desk.post("/login/passkey")
@open_to(Audience.ANYONE)
def passkey_login() -> ResponseReturnValue:
    """Sign in whose passkey has answered."""
    form = StaffLoginForm(formdata=None)
    try:
        staff_id = count_sign_in("desk", partial(log_in_with_passkey, request.form.get("answer", "")))
    except (PasskeyRefused, PasskeyCopied, CeremonyOver, StaffSignInRefused):
        return render_template("desk/login.html", form=form, refusal=without_passkey()), 401
    except TooManyAttempts as error:
        return wait_page("desk/login.html", error, form=form)
    library_id = get_workplace(staff_id=staff_id).library_id
    return keep_desk_browser(make_response(redirect(url_for("desk.scan"))), library_id=library_id)


@desk.get("/sign-in")
@open_to(Audience.STAFF)
def own_sign_in() -> str:
    """Show with what one comes in."""
    form = PasskeyNameForm(formdata=None)
    form.label.data = device_label(request.headers.get("User-Agent", ""))
    passkeys = list_staff_passkeys(staff_id=current_user.staff_id)
    return render_template("desk/own/sign_in.html", workplace=this_workplace(), passkeys=passkeys, form=form, now=now())


@desk.post("/sign-in/passkeys/options")
@open_to(Audience.STAFF)
def own_passkey_options() -> ResponseReturnValue:
    """Give the page's script what the browser is asked to make a passkey with."""
    return jsonify(begin_adding())


@desk.post("/sign-in/passkeys")
@open_to(Audience.STAFF)
@after_staff_step_up()
def own_passkey_add() -> ResponseReturnValue:
    """Add the passkey that the browser has made."""
    form = PasskeyNameForm()
    try:
        add_passkey_here(request.form.get("answer", ""), label=form.label.data or "" if form.validate() else "")
    except TooManyPasskeys:
        flash(_("You have as many as you can have. Remove one that you do not use."), "danger")
    except (PasskeyRefused, CeremonyOver):
        flash(_("That did not work. Nothing was added. Try again."), "danger")
    except TooManyAttempts as error:
        flash(wait_sentence(error.retry_after), "danger")
    else:
        flash(_("Done. Next time, log in with face, finger or screen lock."), "success")
    return redirect(url_for("desk.own_sign_in"))


@desk.post("/sign-in/passkeys/<id:passkey_id>/remove")
@open_to(Audience.STAFF)
@after_staff_step_up()
def own_passkey_remove(passkey_id: int) -> ResponseReturnValue:
    """Remove one of one's own passkeys."""
    try:
        with writing():
            remove_staff_passkey(staff_id=current_user.staff_id, passkey_id=passkey_id, now=now())
    except NoSuchPasskey:
        flash(_("It was removed before."), "info")
    else:
        flash(_("Nobody can log in with that passkey any more."), "success")
    return redirect(url_for("desk.own_sign_in"))
