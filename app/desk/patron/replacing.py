"""A new card in place of a lost or worn one, at the counter and on the patron's page alike."""

from contextlib import suppress

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.desk.patron.acts import for_patron
from app.desk.patron.forms import ReplaceForm
from app.desk.routes import desk
from app.desk.terminal import start_visit
from app.ils.port import Unavailable
from app.register.card.cards import WasReplaced, replace_card
from app.register.desk.visits import OpenVisit
from app.register.patron.changes import Charge
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.library_words import money


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
    lending = library_systems().lending(workplace.library_id)
    rules = None
    with suppress(Unavailable):
        rules = lending and lending.rules()
    with writing():
        number = replace_card(
            patron_id=visit.patron_id,
            replaces=visit.card_number,
            library_id=workplace.library_id,
            card_number=(form.card_number.data or "").strip() or None,
            charge=Charge(workplace.library_id, workplace.username) if lending else None,
            now=now(),
        )
    # Until the library's system has the notice and has moved the loans, the counter would show none.
    start_visit(None)
    said = [_("The new card number is %(number)s.", number=group_card_number(number))]
    if rules and rules.replacement_card:
        said.append(_("%(amount)s is charged for it.", amount=money(rules.replacement_card, rules.currency)))
    flash(" ".join(said), "success")
    return redirect(url_for("desk.scan"))
