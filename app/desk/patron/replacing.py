"""A new card in place of a lost or worn one, at the counter and on the patron's page alike."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.forms import ReplaceForm
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, current_visit, start_visit, this_workplace
from app.register.card.cards import WasReplaced, replace_card
from app.register.desk.open_visits import NoOpenVisit, OpenVisit
from app.register.patron.changes import Charge
from app.register.patron.patrons import NotJoined
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.card.number import group_card_number
from app.rules.errors import RuleBroken
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems

_FIELDS = "card number, card state"


def make_replace_form(card_number: str) -> ReplaceForm:
    """Return the form that replaces a card once, however often it is sent."""
    return ReplaceForm(formdata=None, replaces=card_number)


@desk.post("/counter/replacement-card")
@open_to(Audience.STAFF)
def give_new_card() -> ResponseReturnValue:
    """Give the patron a new card. Loans and permissions follow to its number."""
    workplace = this_workplace()
    form = ReplaceForm()
    try:
        patron = current_visit(workplace, fields=_FIELDS, extend=True)
        if not form.validate():
            raise WasReplaced
        with writing():
            number = _replace(patron, workplace, form)
    except NoOpenVisit:
        return ask_for_card()
    except RuleBroken as error:
        return _stay(refusal_of(error))
    # The library is told in a moment; until it has moved the loans, the counter would show none.
    start_visit(None)
    flash(_("The new card number is %(number)s.", number=group_card_number(number)), "success")
    return redirect(url_for("desk.scan"))


def _stay(sentence: str) -> ResponseReturnValue:
    flash(sentence, "danger")
    return redirect(url_for("desk.patron"))


def _replace(patron: OpenVisit, workplace: Workplace, form: ReplaceForm) -> str:
    """Give the card its number; the library is told, and charges where it lends by our system. Raises RuleBroken."""
    if not patron.activated_here:
        raise NotJoined
    if form.replaces.data != patron.card_number:
        raise WasReplaced
    lends = library_systems().lending(workplace.library_id) is not None
    return replace_card(
        patron_id=patron.patron_id,
        replaces=form.replaces.data,
        library_id=workplace.library_id,
        card_number=(form.card_number.data or "").strip() or None,
        charge=Charge(workplace.library_id, workplace.username) if lends else None,
        now=now(),
    )
