"""Where the card is activated, and activating it at a library that lets patrons do so by themselves."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm

from app.portal.online.registration_steps import SHOWN_LIBRARIES
from app.portal.routes import portal
from app.register.change.enrolment import ConsentMissing
from app.register.online.online_cards import NotActivatedOnline, activate_online
from app.register.patron.libraries import find_library, search_libraries
from app.register.patron.patrons import get_patron, list_affiliations
from app.register.store.transaction import writing
from app.rules.card.status import CardRefused, State
from app.web.access import Audience, open_to
from app.web.clock import now


@portal.get("/my/libraries")
@open_to(Audience.PATRON)
def my_libraries() -> str:
    """Show where the card is activated, and look for a library where it is not yet."""
    patron = get_patron(patron_id=current_user.patron_id)
    joined = list_affiliations(patron_ids=[patron.id])[patron.id]
    words = request.args.get("q", "")[:80]
    found = search_libraries(words=words, limit=SHOWN_LIBRARIES + len(joined) + 1)
    others = [library for library in found if library.id not in joined]
    shown, has_more = others[:SHOWN_LIBRARIES], len(others) > SHOWN_LIBRARIES
    return render_template(
        "portal/my_libraries.html", patron=patron, joined=joined, words=words, others=shown, has_more=has_more
    )


@portal.route("/my/libraries/<library_id>", methods=["GET", "POST"])
@open_to(Audience.PATRON)
def my_library(library_id: str) -> ResponseReturnValue:
    """Activate the card at one library, whose rules the patron accepts."""
    library = find_library(library_id=library_id)
    if library is None:
        abort(404)
    form, fault = FlaskForm(), ""
    if form.is_submitted():
        try:
            if request.form.get("accepted"):
                with writing():
                    activate_online(patron_id=current_user.patron_id, library_id=library_id, now=now())
                flash(_("Your card is activated at %(library)s.", library=library.name), "success")
                return redirect(url_for("portal.my_libraries"))
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
