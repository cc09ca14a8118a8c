"""Where the card is activated, activating it at a library that lets patrons do so by themselves, and leaving one."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm

from app.ils.overview import ask_what_is_kept
from app.portal.forms import PinForm
from app.portal.online.registration_steps import SHOWN_LIBRARIES
from app.portal.routes import portal
from app.register.change.enrolment import ConsentMissing
from app.register.change.membership import LastLibrary, end_affiliation
from app.register.leaving.receipts import list_left
from app.register.moving.known import list_asking
from app.register.online.online_cards import NotActivatedOnline, activate_online
from app.register.patron.libraries import FoundLibrary, find_library, search_libraries
from app.register.patron.patrons import NotJoined, get_patron, list_affiliations
from app.register.store.transaction import writing
from app.rules.card.status import CardRefused, State
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.sign_in.step_up import after_step_up, has_passkey, is_identified


@portal.get("/my/libraries")
@open_to(Audience.PATRON)
def my_libraries() -> str:
    """Show where the card is activated, and look for a library where it is not yet."""
    patron = get_patron(patron_id=current_user.patron_id)
    joined = list_affiliations(patron_ids=[patron.id])[patron.id]
    words = request.args.get("q", "")[:80]
    found = search_libraries(words=words, limit=SHOWN_LIBRARIES + len(joined) + 1)
    asking = [] if words else _asking(patron.id, joined)
    asked = {library.id for library in asking}
    others = [library for library in found if library.id not in joined and library.id not in asked]
    shown, has_more = others[:SHOWN_LIBRARIES], len(others) > SHOWN_LIBRARIES
    return render_template(
        "portal/my_libraries.html",
        patron=patron,
        joined=joined,
        left=list_left(patron_id=patron.id),
        words=words,
        others=shown,
        asking=asking,
        has_more=has_more,
    )


def _asking(patron_id: int, joined: Collection[str]) -> list[FoundLibrary]:
    """Return the libraries that have asked whether the patron borrows there."""
    ids = [library_id for library_id in list_asking(patron_id=patron_id) if library_id not in joined]
    found = (find_library(library_id=library_id) for library_id in sorted(ids))
    return [replace(library, joins_online=True) for library in found if library is not None]


@portal.route("/my/libraries/<library_id>", methods=["GET", "POST"])
@open_to(Audience.PATRON)
def my_library(library_id: str) -> ResponseReturnValue:
    """Activate the card at one library, whose rules the patron accepts."""
    library = find_library(library_id=library_id)
    if library is None:
        abort(404)
    if library_id in list_asking(patron_id=current_user.patron_id):
        library = replace(library, joins_online=True)
    form, fault = FlaskForm(), ""
    if form.is_submitted():
        try:
            if request.form.get("accepted"):
                with writing():
                    activate_online(patron_id=current_user.patron_id, library_id=library_id, now=now())
                flash(_("Your card is activated at %(library)s.", library=library.name), "success")
                return redirect(url_for("portal.my_libraries", _anchor=f"library-{library_id}"))
            fault = _("Tick that you accept the rules. Without that the card cannot be activated there.")
        except CardRefused as error:
            fault = _("A card that is frozen or blocked is not activated anywhere.")
            if error.state is State.LOCAL:
                label = _("Get a digital library card")
                fault = _("Yours is a local card. Make it a national one first: %(label)s.", label=label)
        except ConsentMissing:
            fault = _("At your age this library asks for a guardian's consent. Go to its desk together.")
        except NotActivatedOnline:
            fault = _("Here the card is activated at the desk. Bring photo id the first time.")
    joined = library_id in list_affiliations(patron_ids=[current_user.patron_id])[current_user.patron_id]
    page = render_template("portal/my_library.html", library=library, joined=joined, form=form, fault=fault)
    return page, 409 if fault else 200


@portal.route("/my/libraries/<library_id>/leave", methods=["GET", "POST"])
@open_to(Audience.PATRON)
def leave_library(library_id: str) -> ResponseReturnValue:
    """Ask for the PIN where there is a library to leave."""
    if find_library(library_id=library_id) is None:
        abort(404)
    return _leave(library_id=library_id)


@after_step_up(always=True)
def _leave(library_id: str) -> ResponseReturnValue:
    """Show what one library would keep, and leave it once the PIN is entered. `my_libraries` shows its answer."""
    patron = get_patron(patron_id=current_user.patron_id)
    joined = list_affiliations(patron_ids=[patron.id])[patron.id]
    if library_id not in joined or len(joined) == 1:
        return redirect(url_for("portal.my_libraries"))
    if request.method == "POST":
        with suppress(NotJoined, LastLibrary), writing():
            end_affiliation(patron_id=patron.id, library_id=library_id, now=now())
        flash(_("You have left %(library)s. Its answer comes here.", library=joined[library_id]), "success")
        return redirect(url_for("portal.my_libraries", _anchor="left"))
    kept = ask_what_is_kept(systems=library_systems(), library_ids=[library_id], card_number=patron.card_number)
    return render_template(
        "portal/leave_library.html",
        library_id=library_id,
        name=joined[library_id],
        is_home=joined[library_id] == patron.home_library,
        keeps=kept.get(library_id),
        form=PinForm(),
        identified=is_identified(),
        has_passkey=has_passkey(),
    )
