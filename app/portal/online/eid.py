"""The way to the national sign-in and back, and what somebody who comes back finds."""

from datetime import date
from typing import Final

from flask import Response, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.eid.identity import Identity
from app.eid.refusals import EidRefused, Why
from app.portal.online.registering import HANDLE, go_on
from app.portal.routes import portal
from app.register.online import registrations
from app.register.online.online_cards import NotAnAdult, check_adult, find_own_card
from app.register.patron.patrons import find_by_national_id
from app.register.sign_in.sessions import renew_identified
from app.register.store.transaction import writing
from app.rules.people.person import Person, PersonNotValid, check_person
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.http.cookies import keep_device
from app.web.metrics.counting import count_sign_in
from app.web.pages.languages import message_language
from app.web.sign_in import eid
from app.web.sign_in.identity import start_patron_session
from app.web.sign_in.step_up import leads_on

_NOT_AN_ADULT: Final = _l("A guardian is 18 or older. Ask the one who looks after the child.")
_SERVICE_FAULTS: Final = ("server_error", "temporarily_unavailable")
"""What the service says where it is to blame (RFC 6749, 4.1.2.1)."""


@portal.get("/sign-in/<purpose>")
@open_to(Audience.ANYONE)
def eid_begin(purpose: str) -> ResponseReturnValue:
    """Lead to the sign-in service."""
    if purpose not in list(eid.Purpose):
        abort(404)
    wanted = eid.Purpose(purpose)
    if wanted is eid.Purpose.CONFIRM and not current_user.is_authenticated:
        return redirect(url_for("portal.login"))
    if wanted is eid.Purpose.GUARDIAN and HANDLE not in session:
        return redirect(url_for("portal.register"))
    try:
        keeps = request.args.get("keep") == "1"
        return redirect(eid.begin_sign_in(wanted, keeps=keeps, goes_on_to=request.args.get("next", "")))
    except eid.NoEid:
        return redirect(url_for("portal.register"))
    except EidRefused as error:
        return _refuse(error.why, purpose=wanted)


@portal.route("/sign-in/return", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
def eid_return() -> ResponseReturnValue:
    """Take the answer of the sign-in service. A GET changes nothing: its page posts the answer by script."""
    purpose = eid.begun_purpose()
    if request.method != "POST":
        return _show_answer(purpose)
    try:
        return _go_on(count_sign_in("eid", eid.finish_sign_in))
    except eid.NoEid:
        return redirect(url_for("portal.register"))
    except EidRefused as error:
        return _refuse(error.why, purpose=purpose)


def _show_answer(purpose: eid.Purpose | None) -> Response:
    if error := request.args.get("error"):
        return _refuse(Why.SILENT if error in _SERVICE_FAULTS else Why.CANCELLED, purpose=purpose)
    if not request.args.get("code"):
        # Somebody who came by a bookmark: nothing was asked, so nothing is refused.
        return _stop(eid.refusal_sentence(Why.NOT_BEGUN), status=200, again=purpose)
    if purpose is None:
        came_in = current_user.is_authenticated or HANDLE in session
        return _refuse(Why.USED if came_in else Why.NOT_BEGUN, purpose=purpose)
    sent = {name: request.args.get(name, "") for name in ("state", "code", "iss")}
    return make_response(render_template("portal/eid_return.html", sent=sent))


def _refuse(why: Why, *, purpose: eid.Purpose | None) -> Response:
    status = 503 if why in (Why.SILENT, Why.CLOCK) else 400
    return _stop(eid.refusal_sentence(why), status=status, again=purpose)


def _stop(sentence: str, *, status: int = 403, again: eid.Purpose | None = None) -> Response:
    page = render_template("portal/eid_stop.html", sentence=sentence, again=again, has_begun=HANDLE in session)
    return make_response(page, status)


def _go_on(who: eid.Identified) -> Response:
    match who.purpose:
        case eid.Purpose.LOGIN | eid.Purpose.CARD:
            return _let_in(who) or _begin_own(who)
        case eid.Purpose.CHILD:
            return _begin_for_child(who)
        case eid.Purpose.GUARDIAN:
            return _agree(who)
        case eid.Purpose.CONFIRM:
            return _confirm(who)


def _let_in(who: eid.Identified) -> Response | None:
    """Sign in somebody who has a card; the national sign-in replaces PIN and code, and confirms the device."""
    with writing():
        holder = find_own_card(national_id=who.national_id)
    if holder is None:
        return None
    if not holder.status.may_sign_in:
        return _stop(_("Your card is blocked. At the desk of your library you get a new one; bring photo id."))
    token = start_patron_session(patron_id=holder.patron_id, own_device=who.keeps, identified=True)
    page = "portal.my" if who.purpose is eid.Purpose.LOGIN else "card.show"
    if holder.status.is_local and who.purpose is eid.Purpose.CARD:
        page = "portal.register"
    elif who.purpose is eid.Purpose.CARD:
        flash(_("You have a card already: here it is."), "success")
    return keep_device(make_response(redirect(url_for(page))), token)


def _begin_own(who: eid.Identified) -> Response:
    if who.purpose is eid.Purpose.LOGIN:
        return make_response(render_template("portal/eid_no_card.html"))
    name, birth_date = _usable(who.identity)
    form = registrations.Form(
        name=name or "",
        birth_date=birth_date,
        gender=who.identity.gender,
        stated=name is None or birth_date is None,
        name_verified=name is not None,
        birth_date_verified=birth_date is not None,
        language=message_language(),
    )
    return _enter(who, registrations.OWN, form)


def _usable(given: Identity) -> tuple[str | None, date | None]:
    """Return name and birth date as the service gave them; None for what it did not give, or what no card may have."""
    try:
        check_person(Person(given.name or "A", given.birth_date or today(), given.gender), day=today())
    except PersonNotValid as error:
        name = None if "name" in error.faults else given.name
        return name, None if "birth_date" in error.faults else given.birth_date
    return given.name, given.birth_date


def _begin_for_child(who: eid.Identified) -> Response:
    try:
        check_adult(birth_date=who.identity.birth_date, now=now())
    except NotAnAdult:
        return _stop(str(_NOT_AN_ADULT))
    return _enter(who, registrations.CHILD, registrations.Form(language=message_language()))


def _enter(who: eid.Identified, kind: str, form: registrations.Form) -> Response:
    with writing():
        session[HANDLE] = registrations.begin_registration(national_id=who.national_id, kind=kind, form=form, now=now())
    return go_on()


def _agree(who: eid.Identified) -> Response:
    try:
        with writing():
            registrations.note_guardian(handle=session.get(HANDLE, ""), national_id=who.national_id, now=now())
            check_adult(birth_date=who.identity.birth_date, now=now())
    except NotAnAdult:
        return _stop(str(_NOT_AN_ADULT), again=who.purpose)
    except registrations.SamePerson:
        return _stop(_("That was the one who gets the card. The guardian logs in here."), again=who.purpose)
    except registrations.RegistrationGone:
        return make_response(redirect(url_for("portal.register")))
    return go_on()


def _confirm(who: eid.Identified) -> Response:
    patron_id = find_by_national_id(who.national_id)
    if not current_user.is_authenticated:
        return make_response(redirect(url_for("portal.login")))
    if patron_id != current_user.patron_id:
        return _stop(_("That was somebody else than the one who is logged in here. Nothing was changed."))
    renew_identified(session_id=current_user.session.id, now=now())
    return make_response(redirect(url_for(who.goes_on_to if leads_on(who.goes_on_to) else "portal.my")))
