"""Start page, signing in and out, Min side, settings."""

from datetime import timedelta
from functools import partial

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.messages.compose import subject_of
from app.portal.forms import LoginForm
from app.register.card.families import list_received
from app.register.change import coming_of_age
from app.register.limits.budgets import TooManyAttempts
from app.register.messages.outbox import list_newest
from app.register.patron.patrons import get_patron, list_affiliations
from app.register.sign_in.pins import Origin, ProofNeeded, SignInRefused, sign_in
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.http.cookies import device_token
from app.web.http.streaming import WHAT_FOLLOWS, stream_page
from app.web.metrics.counting import count_sign_in
from app.web.pages.family_loans import FamilyQuestion, ask_family, look_at_family
from app.web.sign_in.code_first import ask_for_code_first, can_ask_for_code_first
from app.web.sign_in.identity import end_own_session
from app.web.sign_in.new_device import start_session_or_ask
from app.web.sign_in.step_up import confirm_and_go_on, offers_passkey

portal = Blueprint("portal", __name__, template_folder="templates")

_NEWS_LASTS = timedelta(days=14)


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
        refusal = _("The card number and the PIN do not match, or the card is blocked.")
        return render_template("portal/login.html", form=form, refusal=refusal), 401
    except ProofNeeded as needed:
        wait: TooManyAttempts = needed
        try:
            if can_ask_for_code_first():
                return ask_for_code_first(card_number=card_number, pin=pin, own_device=own_device)
        except TooManyAttempts as too_many:
            wait = too_many
        refusal = _(
            "Somebody has entered many wrong PINs, from here and elsewhere, so a new device must wait. "
            "Log in on a device where you have logged in before, without the PIN if this page offers it, "
            "or ask at your library."
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
def my() -> Response:
    """Show Min side: what is to be done, by the libraries' word of this moment. Access to others' loans is logged."""
    patron = get_patron(patron_id=current_user.patron_id)
    received = list_received(guardian_id=patron.id)
    page = render_template(
        "portal/my.html",
        patron=patron,
        libraries=list_affiliations(patron_ids=[patron.id])[patron.id],
        offers_passkey=offers_passkey(),
        asks_for_rules=coming_of_age.awaits_acceptance(patron_id=patron.id),
        permissions=[permission for permission in received if not permission.switched_on],
        messages=list_newest(patron_id=patron.id, since=now() - _NEWS_LASTS),
        subject_of=subject_of,
        what_follows=WHAT_FOLLOWS,
    )
    return stream_page(page, find=partial(_show_to_do, look_at_family(patron_id=patron.id)))


@portal.post("/my/rules")
@open_to(Audience.PATRON)
@writing()
def accept_rules() -> ResponseReturnValue:
    """Note that the patron accepts the rules, in place of a guardian. Repeating it changes nothing."""
    coming_of_age.accept_rules(patron_id=current_user.patron_id, now=now())
    flash(_("You have accepted the rules. It is noted under %(my_data)s.", my_data=_("My data")), "success")
    return redirect(url_for("portal.my"))


def _show_to_do(question: FamilyQuestion) -> str:
    """Ask the libraries, and return the part of the page that tells what is to be done there."""
    return render_template("portal/to_do.html", found=ask_family(question), today=today())


@portal.route("/my/confirm", methods=["GET", "POST"])
@open_to(Audience.PATRON)
@evaluates("confirm_pin")
def confirm() -> ResponseReturnValue:
    """Ask for PIN or code once more, and lead on to the page that needed it."""
    return confirm_and_go_on()
