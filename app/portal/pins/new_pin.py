"""Bestill ny PIN: for patrons who have forgotten the PIN. They get a link, or a code in a letter.

A GET uses no link up: mail scanners open every one. The link itself is a secret in an address, so
these pages are not stored, name no referrer (web/http/headers.py), and are logged by their rule (web/http/logs.py).
"""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.forms import LetterCodeForm, NewPinForm, OrderPinForm
from app.portal.pins.pin import refuse_pin
from app.portal.routes import portal
from app.register.card.pin_changes import choose_pin, draw_pin
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.one_time import LinkNotValid, check_link, find_link, use_link
from app.register.sign_in.passkeys import list_passkeys
from app.register.sign_in.pin_orders import order_new_pin
from app.register.store.transaction import writing
from app.rules.card.number import NotACardNumber
from app.rules.pins.pin_choice import PinNotGood
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates


@portal.route("/new-pin", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
def new_pin() -> ResponseReturnValue:
    """Order a new PIN. A card that exists and one that does not get the same answer."""
    form = OrderPinForm()
    if not form.validate_on_submit():
        return render_template("portal/new_pin.html", form=form), 422 if form.is_submitted() else 200
    try:
        order_new_pin(card_number=form.card_number.data or "", address=request.remote_addr or "", now=now())
    except NotACardNumber:
        form.card_number.errors = [_("A card number is N and nine digits, such as N000106188.")]
        return render_template("portal/new_pin.html", form=form), 422
    except TooManyAttempts as error:
        return wait_page("portal/new_pin.html", error, form=form)
    return redirect(url_for("portal.new_pin_ordered"))


@portal.get("/new-pin/ordered")
@open_to(Audience.ANYONE)
def new_pin_ordered() -> str:
    """Say what comes next, in the same words for every number that was ordered for."""
    return render_template("portal/new_pin_ordered.html")


@portal.route("/new-pin/code", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
def letter_code() -> ResponseReturnValue:
    """Take the code from a letter, which is the end of the address that stands in it."""
    form = LetterCodeForm()
    if not form.validate_on_submit():
        return render_template("portal/new_pin_code.html", form=form), 422 if form.is_submitted() else 200
    # Some will type the whole address.
    token = (form.code.data or "").strip().rpartition("/")[2]
    try:
        check_link(token=token, address=request.remote_addr or "", now=now())
    except LinkNotValid:
        form.code.errors = [_("This code does not work. It was mistyped, is used, or is too old.")]
        return render_template("portal/new_pin_code.html", form=form), 422
    return redirect(url_for("portal.set_new_pin", token=token))


@portal.route("/new-pin/<token>", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates()
def set_new_pin(token: str) -> ResponseReturnValue:
    """Show what a link leads to; the PIN is set, and the link used up, when the form is sent."""
    form = NewPinForm()
    if request.method != "POST":
        found = find_link(token=token, now=now())
        return _show_choice(form, token, patron_id=found) if found else _show_gone()
    try:
        check_link(token=token, address=request.remote_addr or "", now=now())
        with writing():
            patron_id = use_link(token=token, now=now())
            if "draw" in request.form:
                return render_template("portal/pin_drawn.html", pin=draw_pin(patron_id=patron_id, now=now()))
            choose_pin(patron_id=patron_id, pin=form.new_pin.data or "", now=now())
    except LinkNotValid:
        return _show_gone()
    except PinNotGood as error:
        refuse_pin(form, error)
        return _show_choice(form, token, patron_id=patron_id), 422
    flash(_("Your new PIN is set. Log in with it."), "success")
    return redirect(url_for("portal.login"))


def _show_choice(form: NewPinForm, token: str, *, patron_id: int) -> str:
    passkeys = list_passkeys(patron_id=patron_id)
    return render_template("portal/new_pin_choice.html", form=form, token=token, passkeys=passkeys)


def _show_gone() -> ResponseReturnValue:
    return render_template("portal/new_pin_gone.html"), 404
