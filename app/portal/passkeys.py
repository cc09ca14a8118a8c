"""Logging in with a passkey, and a patron's own passkeys: added, renamed, removed."""

from functools import partial

from flask import abort, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup

from app.portal.forms import LoginForm, PasskeyForm
from app.portal.routes import portal
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.ceremonies import PasskeyRefused
from app.register.sign_in.passkeys import (
    CeremonyOver,
    PasskeyCopied,
    TooManyPasskeys,
    list_passkeys,
    remove_passkey,
    rename_passkey,
)
from app.register.sign_in.pins import SignInRefused
from app.register.store.transaction import writing
from app.web.access import WANTED, Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.metrics.counting import count_sign_in
from app.web.sign_in.device_label import device_label
from app.web.sign_in.passkeys import (
    add_passkey_here,
    begin_adding,
    begin_confirming,
    begin_login,
    log_in_with_passkey,
    passkey_origin,
)
from app.web.sign_in.step_up import after_step_up, leads_on, passkey_refusal


@portal.post("/login/passkey/options")
@open_to(Audience.ANYONE)
def passkey_login_options() -> ResponseReturnValue:
    """Give the page's script what the browser is asked to sign; the same for everybody but for the challenge."""
    return jsonify(begin_login())


@portal.post("/login/passkey")
@open_to(Audience.ANYONE)
def passkey_login() -> ResponseReturnValue:
    """Sign in whose passkey has answered. Who came for one of the patron's pages is led there."""
    form, wanted = LoginForm(), session.get(WANTED, "")
    goes_on_to = wanted if leads_on(wanted) else "portal.my"
    attempt = partial(
        log_in_with_passkey,
        request.form.get("answer", ""),
        own_device=bool(request.form.get("keep")),
        goes_on_to=goes_on_to,
    )
    try:
        return count_sign_in("passkey", attempt)
    except PasskeyCopied:
        refusal = passkey_refusal(copied=True)
    except (PasskeyRefused, SignInRefused, CeremonyOver):
        refusal = _("That did not work, or the card is blocked. Try again, or log in with card number and PIN.")
    except TooManyAttempts as error:
        return wait_page("portal/login.html", error, form=form)
    return render_template("portal/login.html", form=form, refusal=refusal), 401


@portal.post("/my/confirm/passkey")
@open_to(Audience.PATRON)
def passkey_confirm_options() -> ResponseReturnValue:
    """Give the page's script what one of the patron's own passkeys is asked to sign."""
    return jsonify(begin_confirming())


@portal.post("/my/passkeys/options")
@open_to(Audience.PATRON)
def passkey_add_options() -> ResponseReturnValue:
    """Give the page's script what the browser is asked to make a passkey with."""
    return jsonify(begin_adding())


@portal.route("/my/passkeys/add", methods=["GET", "POST"])
@open_to(Audience.PATRON)
@after_step_up()
def passkey_add() -> ResponseReturnValue:
    """Say what a passkey is, and add the one that the browser made."""
    if not passkey_origin():
        abort(404)
    form, refusal, status = PasskeyForm(), "", 422
    if request.method != "POST":
        form.label.data, status = device_label(request.headers.get("User-Agent", "")), 200
    elif form.validate():
        try:
            added = add_passkey_here(request.form.get("answer", ""), label=form.label.data or "")
        except TooManyPasskeys:
            refusal = _("You have as many as you can have. Remove one that you do not use.")
        except (PasskeyRefused, CeremonyOver):
            refusal = _("That did not work. Nothing was added. Try again.")
        except TooManyAttempts as error:
            return wait_page("portal/passkey_add.html", error, form=form)
        else:
            done = _(
                "The passkey %(name)s is added. Next time, log in with face, finger or screen lock.", name=added.label
            )
            flash(done, "success")
            return redirect(url_for("card.devices", _anchor=f"passkey-{added.id}"))
    return render_template("portal/passkey_add.html", form=form, refusal=refusal), status


@portal.post("/my/passkeys/<id:passkey_id>/name")
@open_to(Audience.PATRON)
def passkey_rename(passkey_id: int) -> ResponseReturnValue:
    """Give a passkey another name."""
    form = PasskeyForm()
    if form.validate() and form.label.data:
        with writing():
            rename_passkey(patron_id=current_user.patron_id, passkey_id=passkey_id, label=form.label.data)
        flash(_("The passkey is now called %(name)s.", name=form.label.data), "success")
    else:
        field = Markup('<a class="ds-link" href="#name-{}">{}</a>').format(passkey_id, _("Name"))
        flash(Markup("{} {}").format(_("A name has 1 to 60 characters. Nothing was changed."), field), "danger")
        return redirect(url_for("card.devices", _anchor=f"name-{passkey_id}"))
    return redirect(url_for("card.devices", _anchor=f"passkey-{passkey_id}"))


@portal.post("/my/passkeys/<id:passkey_id>/remove")
@open_to(Audience.PATRON)
def passkey_remove(passkey_id: int) -> ResponseReturnValue:
    """Remove a passkey."""
    owned = list_passkeys(patron_id=current_user.patron_id)
    label = next((passkey.label for passkey in owned if passkey.id == passkey_id), "")
    with writing():
        remove_passkey(patron_id=current_user.patron_id, passkey_id=passkey_id, now=now())
    flash(_("Nobody can log in with the passkey %(name)s any more.", name=label), "success")
    return redirect(url_for("card.devices", _anchor="passkeys"))
