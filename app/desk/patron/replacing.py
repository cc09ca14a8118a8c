"""A new card in place of a lost or worn one, at the counter and on the patron's page alike."""

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.desk.patron.acts import for_patron
from app.desk.patron.forms import ReplaceForm
from app.desk.routes import desk
from app.desk.terminal import start_visit
from app.register.card.cards import WasReplaced, replace_card
from app.register.desk.visits import OpenVisit
from app.register.patron.changes import Charge
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems


@desk.post("/counter/replacement-card")
@open_to(Audience.STAFF)
@for_patron()
def give_new_card(visit: OpenVisit, workplace: Workplace) -> Response:
    """Give the patron a new card. Loans and permissions follow to its number.

    Where the library lends by our circulation, that charges for the card.
    """
    form = ReplaceForm()
    if not form.validate() or form.replaces.data != visit.card_number:
        raise WasReplaced
    lends = library_systems().lending(workplace.library_id) is not None
    with writing():
        number = replace_card(
            patron_id=visit.patron_id,
            replaces=visit.card_number,
            library_id=workplace.library_id,
            card_number=(form.card_number.data or "").strip() or None,
            charge=Charge(workplace.library_id, workplace.username) if lends else None,
            now=now(),
        )
    # Until the library's system has the notice and has moved the loans, the counter would show none.
    start_visit(None)
    flash(_("The new card number is %(number)s.", number=group_card_number(number)), "success")
    return redirect(url_for("desk.scan"))
