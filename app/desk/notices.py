"""The queue of notices to the library's system: whether they are delivered, and what stops them."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.routes import desk
from app.desk.terminal import this_terminal, this_workplace
from app.desk.words import fault_words, notice_words
from app.register.library.waiting import retry_waiting, see_waiting
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems


@desk.get("/notices")
@open_to(Audience.STAFF)
def notices() -> ResponseReturnValue:
    """Show the queue of this library's system."""
    workplace = this_workplace()
    viewer = this_terminal(workplace).viewer
    waiting = see_waiting(library_id=workplace.library_id, viewer=viewer, now=now())
    return render_template(
        "desk/notices.html",
        workplace=workplace,
        waiting=waiting,
        is_told=waiting.has_webhook or library_systems().lending(workplace.library_id) is not None,
        fault_words=fault_words,
        notice_words=notice_words,
        now=now(),
    )


@desk.post("/notices/retry")
@open_to(Audience.STAFF)
def retry_notices() -> ResponseReturnValue:
    """Retry the notices now."""
    library_id = this_workplace().library_id
    with writing():
        retry_waiting(library_id=library_id, now=now())
    flash(_("It is tried again now. Open this page anew in a minute to see how it went."), "info")
    return redirect(url_for("desk.notices"))
