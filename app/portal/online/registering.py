"""Få digitalt lånekort: from the national sign-in to a card that turns on the screen, one page after the other.

Every page can be left and come back to: what was filled in is kept for a day, and who identifies themself again goes
on where they were. Nobody is led past something that is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.portal.routes import portal
from app.register.change.enrolment import consent_is_needed
from app.register.change.membership import upgrade_to_national
from app.register.online.registrations import CHILD, Draft, find_registration, give_up
from app.register.patron.patrons import find_local_library
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now

_STEPS = ("child", "details", "library", "email", "guardian", "finish")

HANDLE = "registration"
"""Under which name the browser's session holds the registration that goes on in it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where somebody is on the way to a card: the pages of their way, and the first on which something is missing."""

    draft: Draft
    steps: tuple[str, ...]
    missing: str

    def may_open(self, step: str) -> bool:
        """Tell whether the page lies on the way, and not behind something that is missing."""
        return step in self.steps and self.steps.index(step) <= self.steps.index(self.missing)

    def place_of(self, step: str) -> tuple[int, int]:
        """Return which page of how many it is, counted from one."""
        return self.steps.index(step) + 1, len(self.steps)


def find_progress() -> Progress | None:
    """Return how far this browser's registration has come; None where there is none."""
    draft = find_registration(handle=session.get(HANDLE, ""), now=now())
    if draft is None:
        return None
    is_child = draft.kind == CHILD
    is_young = needs_guardian(draft)
    left_out = {"guardian"} if is_child else {"child"} if is_young else {"child", "guardian"}
    steps = tuple(step for step in _STEPS if step not in left_out)
    form = draft.form
    known: Mapping[str, bool] = {
        "child": draft.knows_child,
        "details": bool(form.email and form.name and form.birth_date),
        "library": bool(form.library_id),
        "email": form.confirmed_email is not None and form.confirmed_email == form.email,
        "guardian": draft.guardian_agrees,
    }
    return Progress(draft, steps, next((step for step in steps if not known.get(step, False)), "finish"))


def needs_guardian(draft: Draft) -> bool:
    """Tell whether somebody of this age needs a guardian at the home library that was chosen, if one was."""
    form = draft.form
    if not form.library_id or form.birth_date is None:
        return False
    return consent_is_needed(library_id=form.library_id, birth_date=form.birth_date, now=now())


@portal.get("/register")
@open_to(Audience.ANYONE)
def register() -> ResponseReturnValue:
    """Show what one needs, and the way in; or the way on, for somebody who is in the middle."""
    progress = find_progress()
    if progress is not None and progress.draft.done_at is not None and progress.draft.kind == CHILD:
        return redirect(url_for("portal.registered_child"))
    only_at = find_local_library(patron_id=current_user.patron_id) if current_user.is_authenticated else None
    return render_template("portal/register.html", progress=progress, only_at=only_at)


@portal.post("/register/stop")
@open_to(Audience.ANYONE)
def register_stop() -> ResponseReturnValue:
    """Delete what was filled in."""
    with writing():
        give_up(handle=session.pop(HANDLE, ""))
    flash(_("What you filled in is deleted."), "success")
    return redirect(url_for("portal.register"))


@portal.post("/register/upgrade")
@open_to(Audience.PATRON)
def register_upgrade() -> ResponseReturnValue:
    """Make a local card a national one."""
    with writing():
        upgrade_to_national(patron_id=current_user.patron_id, now=now())
    flash(_("Your card is a national one now."), "success")
    return redirect(url_for("card.show"))


def go_on() -> Response:
    """Lead to the next page on which something is missing."""
    progress = find_progress()
    step = progress.missing if progress else "details"
    return make_response(redirect(url_for("portal.register_step", step=step)))
