"""The webhook of a library's system: set, tried and taken away by its administrators."""

from contextlib import suppress
from typing import Final

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.desk.library.machines import NOT_DELIVERED, ConnectForm, WebhookForm, show_machines
from app.desk.library.step_up import after_staff_step_up
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.ils.port import Refused, Unavailable
from app.ils.webhook import NotAWebhook, check_url, draw_key, write_key
from app.register.library.webhooks import get_webhook_key, listen_at, stop_listening
from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.patron.libraries import NoSuchLibrary
from app.register.staff.acts import note_library_act
from app.register.store.transaction import writing
from app.rules.library.staff import WEBHOOK_SET, WEBHOOK_STOPPED
from app.rules.pins.pin import Budget
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_sentence
from app.work.calling import call_webhook

_TESTS: Final = Budget("webhook tests", limit=6, seconds=10 * 60)
"""Each may hold a thread for ten seconds."""


@desk.post("/library/webhook")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def set_webhook() -> ResponseReturnValue:
    """Notify the library's system at an address from now on, and show the key of the signatures, this once."""
    form, key = WebhookForm(), draw_key()
    workplace = this_workplace()
    try:
        url = check_url(form.url.data or "")
        if not url.startswith("https:"):
            raise NotAWebhook
    except NotAWebhook:
        form.url.errors = [_("The address must begin with https:// and have no user name in it.")]
        return show_machines(ConnectForm(formdata=None), form), 422
    with writing():
        listen_at(library_id=workplace.library_id, url=url, key=key, now=now(), is_public=True)
        note_library_act(staff_id=current_user.staff_id, kind=WEBHOOK_SET, subject=url, now=now())
    return render_template("desk/library/webhook_key.html", workplace=workplace, url=url, key=write_key(key))


@desk.get("/library/webhook")
@open_to(Audience.ADMINISTRATOR)
def back_from_webhook() -> ResponseReturnValue:
    """Redirect to the list: a key is shown by the POST that draws it, and never again."""
    return redirect(url_for("desk.machines"))


@desk.post("/library/webhook/test")
@open_to(Audience.ADMINISTRATOR)
def test_webhook() -> ResponseReturnValue:
    """Send a notice of no patron to the library's system, and say what it answered."""
    library_id = this_workplace().library_id
    try:
        webhook = get_webhook_key(library_id=library_id)
        take_tries(tries=[(_TESTS, library_id)], now=now())
        call_webhook(webhook)
    except NoSuchLibrary:
        flash(_("There is no address to send a test to."), "danger")
    except TooManyAttempts as error:
        flash(wait_sentence(error.retry_after), "danger")
    except Unavailable as fault:
        flash(_("The test failed. %(why)s", why=NOT_DELIVERED.get(fault.reason, fault.reason)), "danger")
    except Refused as refusal:
        flash(_("It answered, and refused the test (%(code)s).", code=refusal.code), "danger")
    else:
        flash(_("It answered and took the test."), "success")
    return redirect(url_for("desk.machines", _anchor="webhook"))


@desk.post("/library/webhook/stop")
@open_to(Audience.ADMINISTRATOR)
@after_staff_step_up()
def stop_webhook() -> ResponseReturnValue:
    """Notify the library's system no more."""
    library_id = this_workplace().library_id
    with suppress(NoSuchLibrary), writing():
        stop_listening(library_id=library_id)
        note_library_act(staff_id=current_user.staff_id, kind=WEBHOOK_STOPPED, subject=library_id, now=now())
    flash(_("Your system is notified no more. It can still fetch what has changed."), "success")
    return redirect(url_for("desk.machines", _anchor="webhook"))
