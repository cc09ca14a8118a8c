"""Asking once more who it is, for what must not happen on a phone that lies open on a table.

What is asked for: the PIN, unless it was entered within ten minutes; and with NEW_DEVICE=code also a code that is
sent to the patron's e-mail address or phone, where there is one. A view says that it wants this:

    @portal.route("/my/data/contact", methods=["GET", "POST"])
    @open_to(Audience.PATRON)
    @after_step_up()
    def change_contact() -> ResponseReturnValue: ...

Looked at (GET), the page is reached through `/my/confirm`, which leads on to it. Sent in (POST) too late, the form is
answered with the question, and what was typed is sent along with the answer: the view sees the form as it was, and
keeps nothing. Fields whose name has `pin` or `password` in it are not sent along.

- `@after_step_up(always=True)` asks for the PIN at every POST, however fresh it is, and nothing at a GET. A form of
  such a view may have the field itself, under the name `confirm_pin`.
- `@after_step_up(asks_pin_itself=True)` is for a view whose own form asks for the PIN where `pin_is_needed()`, and
  takes it by `confirm_pin`: it steps in only where a code is needed.

Where the national sign-in is connected, it stands in for the PIN and the code (`/sign-in/confirm`): for ten minutes,
and once for a view that always asks. So does a passkey: its answer is sent in with the form, as `confirm_passkey`.

Pages that are looked at must be without parameters in their address.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast

from flask import Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField

from app.register.limits.budgets import TooManyAttempts
from app.register.patron.patrons import get_patron
from app.register.sign_in.ceremonies import PasskeyRefused
from app.register.sign_in.confirmation import ask_for_code, code_channel, see_code_for
from app.register.sign_in.devices import is_confirmed_device
from app.register.sign_in.one_time import CODE_LASTS, STEP_UP, CodeNotValid, use_code
from app.register.sign_in.passkeys import CeremonyOver, PasskeyCopied, list_passkeys
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.sign_in.sessions import renew_code, renew_secret, use_identified
from app.web.access import Audience, audience_of
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.http.cookies import device_token
from app.web.sign_in.identity import keeps_card
from app.web.sign_in.passkeys import confirm_with_passkey, passkey_origin

FRESH_FOR = timedelta(minutes=10)
_PIN, _CODE, _PASSKEY = "confirm_pin", "confirm_code", "confirm_passkey"
_NOT_SENT_ALONG = ("csrf_token", "confirm_", "pin", "password")

View = TypeVar("View", bound=Callable[..., Any])


class ConfirmForm(FlaskForm):
    """What is entered once more. A view that always asks may show the PIN's field in a form of its own."""

    confirm_code = StringField(_l("Code"))
    confirm_pin = PasswordField(_l("PIN"))


class Needed(NamedTuple):
    """What is asked for; `any` of it tells whether anything is."""

    pin: bool
    code: bool


def pin_is_needed() -> bool:
    """Tell whether the PIN was entered too long ago."""
    return "entered_pin" not in g and not _is_fresh(current_user.session.secret_entered_at)


def code_is_needed() -> bool:
    """Tell whether a code is to be entered."""
    if current_app.config["NEW_DEVICE"] != "code" or "entered_code" in g:
        return False
    if _is_fresh(current_user.session.code_entered_at):
        return False
    channels = current_app.extensions["post"].channels
    return code_channel(patron_id=current_user.patron_id, channels=channels) is not None


def is_known() -> bool:
    """Tell whether it is the patron who is signed in, by more than the PIN: by a device that they have confirmed, or
    by a code or the national sign-in within ten minutes.
    """
    signed_in = current_user.session
    if current_app.config["NEW_DEVICE"] != "code" or "entered_code" in g or _is_fresh(signed_in.code_entered_at):
        return True
    return signed_in.device_id is not None and is_confirmed_device(device_id=signed_in.device_id)


def _is_fresh(entered_at: datetime | None) -> bool:
    return entered_at is not None and entered_at + FRESH_FOR > now()


def confirm_pin(pin: str) -> None:
    """Take the PIN of the patron who is signed in, good for ten minutes.

    Raises SignInRefused or TooManyAttempts.
    """
    patron = get_patron(patron_id=current_user.patron_id)
    origin = Origin(address=request.remote_addr or "", device_token=device_token())
    sign_in(card_number=patron.card_number, pin=pin, origin=origin, now=now())
    renew_secret(session_id=current_user.session.id, now=now())
    g.entered_pin = True


def confirm_code(code: str) -> None:
    """Take the code that was sent, good for ten minutes.

    Raises CodeNotValid or TooManyAttempts.
    """
    address = request.remote_addr or ""
    use_code(patron_id=current_user.patron_id, purpose=STEP_UP, code=code, address=address, now=now())
    renew_code(session_id=current_user.session.id, now=now())
    g.entered_code = True


def has_passkey() -> bool:
    """Tell whether the patron who is signed in can confirm with a passkey."""
    return bool(passkey_origin()) and bool(list_passkeys(patron_id=current_user.patron_id))


def offers_passkey() -> bool:
    """Tell whether the patron could add a passkey now without being asked anything, on a device of their own, and has
    none yet."""
    if not passkey_origin() or not keeps_card() or pin_is_needed() or code_is_needed():
        return False
    return not has_passkey()


def after_step_up(*, always: bool = False, asks_pin_itself: bool = False) -> Callable[[View], View]:
    """Let a view run only once it is sure who it is. How: at the top of this module."""

    def wrap(view: View) -> View:
        @wraps(view)
        def ask_first(**parameters: object) -> ResponseReturnValue:
            looked_at = request.method in ("GET", "HEAD")
            if looked_at and always:
                return cast(ResponseReturnValue, view(**parameters))
            if not looked_at and _PASSKEY in request.form and (question := _take_passkey()):
                return question
            code = code_is_needed()
            anew = always and "entered_passkey" not in g and not _just_identified()
            needed = Needed(pin=(anew or pin_is_needed()) and (code or not asks_pin_itself), code=code)
            if looked_at and any(needed):
                return redirect(url_for("portal.confirm", next=request.endpoint))
            question = _take_answer(needed) if any(needed) else None
            return question or cast(ResponseReturnValue, view(**parameters))

        ask_first.leads_on = not always  # type: ignore[attr-defined]
        ask_first.evaluates = (_PIN, *getattr(view, "evaluates", ()))  # type: ignore[attr-defined]
        return cast(View, ask_first)

    return wrap


def is_identified() -> bool:
    """Tell whether the patron came back from the national sign-in to confirm, and has not used that yet."""
    return _is_fresh(current_user.session.identified_at)


def _just_identified() -> bool:
    """Tell whether the patron came back from the national sign-in for this, in place of the PIN. It counts once."""
    if request.form.get(_PIN) or not is_identified():
        return False
    return use_identified(session_id=current_user.session.id, after=now() - FRESH_FOR)


def leads_on(endpoint: str) -> bool:
    """Tell whether this is one of the patron's own pages, which can be looked at by its address alone."""
    if endpoint not in current_app.view_functions or audience_of(current_app, endpoint) is not Audience.PATRON:
        return False
    rules = current_app.url_map.iter_rules(endpoint)
    return any("GET" in (rule.methods or ()) and not rule.arguments for rule in rules)


def confirm_and_go_on() -> ResponseReturnValue:
    """Answer `/my/confirm`: ask for what is needed, and lead on to the page that wanted it, which is one of those."""
    endpoint = request.values.get("next", "")
    if not getattr(current_app.view_functions.get(endpoint), "leads_on", False):
        return redirect(url_for("portal.my"))
    if request.method == "POST" and _PASSKEY in request.form and (refused := _take_passkey()):
        return refused
    needed = Needed(pin=pin_is_needed(), code=code_is_needed())
    if request.method != "POST" and any(needed):
        return _ask(needed, ConfirmForm(), sent=False)
    question = _take_answer(needed) if any(needed) else None
    return question or redirect(url_for(endpoint))


def _take_answer(needed: Needed) -> Response | None:
    """Take PIN and code from the form that was sent in; return the question where they are missing or wrong."""
    pin, code = request.form.get(_PIN, ""), request.form.get(_CODE, "")
    form = ConfirmForm()
    try:
        if needed.code and not code:
            ask_for_code(patron_id=current_user.patron_id, purpose=STEP_UP, now=now())
            return _ask(needed, form, sent=True, just_asked=True)
        if needed.pin and _PIN not in request.form:
            return _ask(needed, form, sent=True)
        if needed.pin:
            confirm_pin(pin)
        if needed.code:
            confirm_code(code)
    except SignInRefused:
        form.confirm_pin.errors = [_("The PIN is wrong.")]
    except CodeNotValid:
        form.confirm_code.errors = [_("The code is wrong or too old.")]
    except TooManyAttempts as error:
        return _ask(needed, form, sent=True, wait=error)
    else:
        return None
    return _ask(needed, form, sent=True, status=422)


def _take_passkey() -> Response | None:
    """Take the passkey's answer that was sent in; return the question where it does not fit."""
    try:
        confirm_with_passkey(request.form.get(_PASSKEY, ""))
    except PasskeyCopied:
        refusal = passkey_refusal(copied=True)
    except (PasskeyRefused, CeremonyOver):
        refusal = passkey_refusal()
    except TooManyAttempts as error:
        return _ask(_all_needed(), ConfirmForm(), sent=False, wait=error)
    else:
        g.entered_pin = g.entered_code = g.entered_passkey = True
        return None
    return _ask(_all_needed(), ConfirmForm(), sent=False, status=422, refusal=refusal)


def passkey_refusal(*, copied: bool = False) -> str:
    """Return why a passkey was refused, and what to do, in the reader's language."""
    if copied:
        return _(
            "This passkey may have been copied, so we refused it. Use your PIN, and remove it under %(label)s.",
            label=_("My devices"),
        )
    return _("That did not work. Try again, or use your PIN.")


def _all_needed() -> Needed:
    # A view that always asks wants the PIN even where it is fresh.
    return Needed(pin=True, code=code_is_needed())


def _code_failed() -> bool:
    """Tell whether the code that was asked for last, within ten minutes, could not be sent."""
    instant, patron_id = now(), current_user.patron_id
    return see_code_for(patron_id=patron_id, purpose=STEP_UP, since=instant - CODE_LASTS, now=instant) == "not sent"


def _ask(
    needed: Needed,
    form: ConfirmForm,
    *,
    sent: bool,
    status: int = 200,
    refusal: str = "",
    wait: TooManyAttempts | None = None,
    just_asked: bool = False,
) -> Response:
    """Return the question, with what was typed into the form that it interrupts. `sent`: a code is on its way.

    With 429 where somebody has to `wait`. `just_asked`: the code was asked for in this request, and nothing has become
    of it yet.
    """
    words: dict[str, Any] = {
        "form": form,
        "needed": needed,
        "sent": sent or not needed.code,
        "typed": typed_into_form(but_for=_NOT_SENT_ALONG),
        "failed": needed.code and not just_asked and _code_failed(),
        "has_passkey": has_passkey(),
        "here": request.path,
        "goes_on_to": request.values.get("next", "") if request.endpoint == "portal.confirm" else request.endpoint,
    }
    if wait is not None:
        return wait_page("confirm.html", wait, **words)
    return make_response(render_template("confirm.html", refusal=refusal, **words), status)


def typed_into_form(*, but_for: Sequence[str]) -> list[tuple[str, str]]:
    """Return what was typed into the form that a question interrupts; `but_for` are parts of names to be left out."""
    values = request.args if request.method != "POST" else request.form
    return [(name, value) for name, value in values.items(multi=True) if not any(part in name for part in but_for)]
