"""Reminders: what a patron is reminded of, by which way and when, and where notifications are shown."""

from base64 import urlsafe_b64decode
from dataclasses import asdict
from typing import Any, Final

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, SelectChoice, SelectField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from app.family.routes import family
from app.messages.push import LONGEST_ENDPOINT, NotAPushAddress, check_endpoint, check_keys
from app.register.limits.budgets import take_tries
from app.register.messages import push
from app.register.messages.calendar_addresses import made_at
from app.register.messages.reminders import choose_reminders, read_choices
from app.register.patron.patrons import get_patron, list_affiliations
from app.register.store.transaction import writing
from app.rules.people.reminders import DUE, EMAIL, KINDS, MOST_DAYS, NONE, PUSH, SMS, USUAL_DAYS, Choices
from app.rules.pins.pin import Budget
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.languages import LANGUAGES, language
from app.web.sign_in.device_label import device_name
from app.web.sign_in.identity import keeps_card
from app.work.pushing import TRIAL, push_post, push_to_patron

_HOURS: Final = [SelectChoice(hour, f"{hour:02}.00") for hour in range(24)]
_NIGHT: Final = (21, 8)
TRIALS: Final = Budget("notification trials", limit=10, seconds=3600)
_WAYS: Final = [
    SelectChoice(EMAIL, _l("E-mail")),
    SelectChoice(SMS, _l("SMS")),
    SelectChoice(PUSH, _l("Notification")),
    SelectChoice(NONE, _l("Nothing")),
]
_BY: Final = {EMAIL: _l("by e-mail"), SMS: _l("by SMS"), PUSH: _l("by notification")}


class RemindersForm(FlaskForm):
    """What is chosen. The hours count where `quiet` is ticked."""

    due = SelectField(_l("Something is due soon"), choices=_WAYS)
    days_before = IntegerField(
        _l("Days before the due date"), validators=[InputRequired(), NumberRange(min=0, max=MOST_DAYS)]
    )
    overdue = SelectField(_l("Something is overdue"), choices=_WAYS)
    ready = SelectField(_l("Something is ready to be collected"), choices=_WAYS)
    permission = SelectField(_l("Somebody has given me a permission"), choices=_WAYS)
    quiet = BooleanField(_l("Send nothing at night"))
    quiet_from = SelectField(_l("From"), choices=_HOURS, coerce=int)
    quiet_to = SelectField(_l("Until"), choices=_HOURS, coerce=int)

    def choices(self) -> Choices:
        """Return what was chosen."""
        hours = (self.quiet_from.data, self.quiet_to.data) if self.quiet.data else (None, None)
        ways: dict[str, Any] = {kind: self[kind].data for kind in KINDS}
        return Choices(**ways, days_before=self.days_before.data or 0, quiet_from=hours[0], quiet_to=hours[1])


class SubscriptionForm(FlaskForm):
    """What a browser says of itself when it subscribes (W3C Push API), its keys in base64url."""

    endpoint = HiddenField(validators=[DataRequired(), Length(max=LONGEST_ENDPOINT)])
    p256dh = HiddenField(validators=[DataRequired(), Length(max=100)])
    auth = HiddenField(validators=[DataRequired(), Length(max=40)])


@family.get("/my/reminders")
@open_to(Audience.PATRON)
def reminders() -> str:
    """Show what the patron is reminded of, and where."""
    known = read_choices(patron_id=current_user.patron_id)
    usual = _usual()
    shown = asdict(known or usual)
    if known is None or known.quiet_from is None:
        shown |= {"quiet_from": _NIGHT[0], "quiet_to": _NIGHT[1]}
    return _show(RemindersForm(data=shown | {"quiet": known is None or known.quiet_from is not None}))


def _usual() -> Choices:
    """Return what the form proposes to somebody who has chosen nothing."""
    return Choices(due=EMAIL, ready=EMAIL, overdue=EMAIL, permission=EMAIL, days_before=USUAL_DAYS)


def _show(form: RemindersForm) -> str:
    patron_id = current_user.patron_id
    known, post = read_choices(patron_id=patron_id), push_post()
    systems, joined = library_systems(), list_affiliations(patron_ids=[patron_id])[patron_id]
    browsers, device_id = push.list_subscriptions(patron_id=patron_id), current_user.session.device_id
    own = next((browser.id for browser in browsers if browser.device_id == device_id), None)
    return render_template(
        "family/reminders.html",
        form=form,
        sentences=describe(known),
        wants_push=known is not None and PUSH in (known.way_of(kind) for kind in KINDS),
        push_key=post.public_key if post else "",
        may_push=keeps_card(),
        browsers=browsers,
        this_device_id=device_id,
        speaks=push.read_subscriptions(patron_id=patron_id)[own].language if own is not None else None,
        calendar_made_at=made_at(patron_id=patron_id),
        by_themselves=[name for library_id, name in joined.items() if systems.lending(library_id) is None],
        unconnected=[name for library_id, name in joined.items() if systems.get(library_id) is None],
        name=get_patron(patron_id=patron_id).name,
    )


def describe(choices: Choices | None) -> list[str]:
    """Return in sentences what a patron is told of before a due date, and when not."""
    if choices is None:
        return [_("You have chosen nothing yet. Each of your libraries reminds you as it usually does.")]
    way, days = choices.way_of(DUE), choices.days_before
    if way == NONE:
        said = [_("You are not reminded before the due date.")]
    elif days == 0:
        said = [_("You are told %(by_way)s on the due date.", by_way=str(_BY[way]))]
    else:
        when = ngettext("%(num)s day before the due date", "%(num)s days before the due date", days)
        said = [_("You are told %(by_way)s %(when)s.", by_way=str(_BY[way]), when=when)]
    if choices.quiet_from is not None and choices.quiet_to is not None:
        hours = {"from_hour": choices.quiet_from, "to_hour": choices.quiet_to}
        said.append(_("Nothing is sent between %(from_hour)s and %(to_hour)s.", **hours))
    return said


@family.post("/my/reminders")
@open_to(Audience.PATRON)
def reminders_choose() -> ResponseReturnValue:
    """Store what was chosen."""
    form = RemindersForm()
    if not form.validate():
        return _show(form), 422
    with writing():
        choose_reminders(patron_id=current_user.patron_id, choices=form.choices(), now=now())
    sentences = " ".join(describe(form.choices()))
    flash(_("Your reminders are saved. %(sentences)s", sentences=sentences), "success")
    return redirect(url_for("family.reminders"))


@family.post("/my/reminders/notifications")
@open_to(Audience.PATRON)
def push_on() -> ResponseReturnValue:
    """Show notifications in this browser, which is the patron's own."""
    device_id, subscription = _read_subscription(language())
    patron_id = current_user.patron_id
    with writing():
        push.subscribe(patron_id=patron_id, device_id=device_id, subscription=subscription, now=now())
    here = next(browser for browser in push.list_subscriptions(patron_id=patron_id) if browser.device_id == device_id)
    on = _(
        "Notifications are on here: %(device)s. Choose above what they are to tell you.", device=device_name(here.label)
    )
    flash(on, "success")
    return redirect(url_for("family.reminders", _anchor=f"browser-{here.id}"))


@family.post("/my/reminders/notifications/renew")
@open_to(Audience.PATRON)
def push_renew() -> ResponseReturnValue:
    """Take the address that the push service has given this browser in place of a former one, or another language.

    The browser itself asks, without its owner (card/service_worker.js): it switches nothing on.
    """
    chosen = request.form.get("lang", "")
    device_id, subscription = _read_subscription(chosen if chosen in LANGUAGES else "")
    with writing():
        push.renew_subscription(patron_id=current_user.patron_id, device_id=device_id, subscription=subscription)
    return jsonify(renewed=True)


def _read_subscription(language: str) -> tuple[int, push.Subscription]:
    """Return the patron's own device, and where its browser is reached, by the form that was sent; else 400."""
    form, device_id = SubscriptionForm(), current_user.session.device_id
    if push_post() is None or not keeps_card() or device_id is None or not form.validate():
        abort(400)
    try:
        keys = _decode(str(form.p256dh.data)), _decode(str(form.auth.data))
        check_endpoint(str(form.endpoint.data))
        check_keys(p256dh=keys[0], auth=keys[1])
    except (ValueError, NotAPushAddress):
        abort(400)
    return device_id, push.Subscription(str(form.endpoint.data), *keys, language)


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@family.post("/my/reminders/notifications/<id:subscription_id>/off")
@open_to(Audience.PATRON)
def push_off(subscription_id: int) -> ResponseReturnValue:
    """Show notifications in a browser no longer."""
    with writing():
        label = push.unsubscribe(patron_id=current_user.patron_id, subscription_id=subscription_id)
    flash(_("Notifications are off: %(device)s.", device=device_name(label)), "success")
    return redirect(url_for("family.reminders", _anchor="notifications"))


@family.post("/my/reminders/notifications/try")
@open_to(Audience.PATRON)
def push_try() -> ResponseReturnValue:
    """Send a notification to all of one's browsers, to see whether it comes. A patron may have ten in an hour."""
    take_tries(tries=[(TRIALS, str(current_user.patron_id))], now=now())
    with writing():
        push_to_patron(patron_id=current_user.patron_id, kind=TRIAL, due_at=now(), instant=now())
    flash(_("A notification is on its way. It comes within a minute."), "success")
    return redirect(url_for("family.reminders", _anchor="notifications"))
