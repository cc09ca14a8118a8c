"""The calendar of due dates: as a file, and at a secret address that a calendar program fetches again and again."""

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.family.due_dates import MEDIA_TYPE, write_calendar
from app.family.routes import family
from app.ils.port import Unavailable
from app.register.limits.budgets import TooManyAttempts
from app.register.messages.calendar_addresses import NoSuchCalendar, end_address, find_owner, make_address
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.languages import speak
from app.web.sign_in.step_up import after_step_up

_COME_BACK_SECONDS = 900
_PLAIN = "text/plain; charset=utf-8"


@family.get("/my/loans.ics")
@open_to(Audience.PATRON)
def calendar_file() -> ResponseReturnValue:
    """Give the due dates as a file, once."""
    try:
        content = write_calendar(patron_id=current_user.patron_id, now=now())
    except Unavailable:
        flash(
            _("The due dates could not be fetched now, because a library does not answer. Try again later."), "warning"
        )
        return redirect(url_for("family.reminders"))
    response = Response(content, content_type=MEDIA_TYPE)
    response.headers.set("Content-Disposition", "attachment", filename="lan.ics")
    return response


@family.get("/calendar/<secret>.ics")
@open_to(Audience.ANYONE)
def calendar_feed(secret: str) -> ResponseReturnValue:
    """Give the due dates to a calendar program that knows the secret address. An ended one is as one that never was."""
    try:
        owner = find_owner(secret=secret, address=request.remote_addr or "", now=now())
    except NoSuchCalendar:
        return Response("No such calendar.\n", 404, content_type=_PLAIN)
    except TooManyAttempts as error:
        return _later(429, error.retry_after)
    try:
        with speak(owner.language):
            return Response(write_calendar(patron_id=owner.patron_id, now=now()), content_type=MEDIA_TYPE)
    except Unavailable:
        # An empty or shortened calendar would delete events.
        return _later(503, _COME_BACK_SECONDS)


def _later(status: int, seconds: int) -> Response:
    response = Response("Not now. Try again later.\n", status, content_type=_PLAIN)
    response.headers["Retry-After"] = str(seconds)
    return response


@family.post("/my/reminders/calendar")
@open_to(Audience.PATRON)
@after_step_up()
def calendar_make() -> ResponseReturnValue:
    """Make a secret address, in place of a former one, and show it this one time."""
    with writing():
        secret = make_address(patron_id=current_user.patron_id, now=now())
    address = current_app.config["PUBLIC_URL"] + url_for("family.calendar_feed", secret=secret)
    return render_template("family/calendar.html", address=address, subscribe=f"webcal:{address.partition(':')[2]}")


@family.post("/my/reminders/calendar/end")
@open_to(Audience.PATRON)
def calendar_end() -> ResponseReturnValue:
    """End the secret address."""
    with writing():
        end_address(patron_id=current_user.patron_id)
    flash(_("The calendar address has ended. No calendar gets anything from it any more."), "success")
    return redirect(url_for("family.reminders", _anchor="calendar"))
