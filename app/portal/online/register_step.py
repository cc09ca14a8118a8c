"""The address of each page on the way to a card, and which of them may be opened."""

from collections.abc import Callable, Mapping
from typing import Final

from flask import abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.portal.online.registering import Progress, find_progress
from app.portal.online.registration_end import finish
from app.portal.online.registration_steps import child, details, email, guardian, library
from app.portal.routes import portal
from app.register.online.registrations import RegistrationGone
from app.web.access import Audience, open_to
from app.web.faults.overload import evaluates

_PAGES: Final[Mapping[str, Callable[[Progress], ResponseReturnValue]]] = {
    "child": child,
    "details": details,
    "library": library,
    "email": email,
    "guardian": guardian,
    "finish": finish,
}


@portal.route("/register/<step>", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates("new_pin", "drawn_pin")
def register_step(step: str) -> ResponseReturnValue:
    """Show or take one page of the way."""
    if step not in _PAGES:
        abort(404)
    progress = find_progress()
    if progress is None:
        flash(_("Identify yourself to go on. What you filled in within the last day is kept."), "info")
        return redirect(url_for("portal.register"))
    if not progress.may_open(step) and progress.draft.done_at is None:
        return redirect(url_for("portal.register_step", step=progress.missing))
    try:
        return _PAGES[step](progress)
    except RegistrationGone:
        return redirect(url_for("portal.register"))
