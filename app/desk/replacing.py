"""A new card in place of a lost or worn one, at the counter and on the patron's page alike."""

import secrets

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.forms import ReplaceForm
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, served_patron, start_serving, this_workplace
from app.ils.port import Refused, Unavailable
from app.register.cards import WasReplaced, replace_card
from app.register.membership import NotJoined
from app.register.numbers import check_reserved
from app.register.serving import NobodyServed, Served
from app.register.staff import Workplace
from app.register.transaction import end_transaction
from app.rules.card_number import group_card_number
from app.rules.errors import RuleBroken
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.library_words import refusal_words

_FIELDS = "card number, card state"


def make_replace_form(card_number: str) -> ReplaceForm:
    """Return the form that replaces a card once, however often it is sent."""
    return ReplaceForm(formdata=None, key=secrets.token_hex(16), replaces=card_number)


@desk.post("/counter/replacement-card")
@open_to(Audience.STAFF)
def give_new_card() -> ResponseReturnValue:
    """Give the patron a new card. Loans and permissions follow to its number."""
    workplace = this_workplace()
    form = ReplaceForm()
    try:
        patron = served_patron(workplace, fields=_FIELDS, acting=True)
        if not form.validate():
            raise WasReplaced
        number = _replace(patron, workplace, form)
    except NobodyServed:
        return ask_for_card()
    except Refused as refused:
        return _stay(refusal_words(refused.code))
    except Unavailable:
        return _stay(_("The library's system does not answer now. Look at the list before you try again."))
    except RuleBroken as error:
        return _stay(refusal_of(error))
    # The library is told in a moment; until it has moved the loans, the counter would show none.
    start_serving(None)
    flash(_("The new card number is %(number)s.", number=group_card_number(number)), "success")
    return redirect(url_for("desk.scan"))


def _stay(sentence: str) -> ResponseReturnValue:
    end_transaction()
    flash(sentence, "danger")
    return redirect(url_for("desk.patron"))


def _replace(patron: Served, workplace: Workplace, form: ReplaceForm) -> str:
    """Charge for the card where the library lends by our system, and give it its number. Raises RuleBroken."""
    if not patron.activated_here:
        raise NotJoined
    if form.replaces.data != patron.card_number:
        raise WasReplaced
    typed = (form.card_number.data or "").strip() or None
    if typed is not None:
        # Nobody pays for a number that cannot be given.
        check_reserved(library_id=workplace.library_id, card_number=typed)
        end_transaction()
    lending = library_systems().lending(workplace.library_id)
    if lending is not None:
        lending.issue_replacement_card(
            card_number=patron.card_number, idempotency_key=form.key.data or "", staff=workplace.username
        )
    return replace_card(
        patron_id=patron.patron_id,
        replaces=form.replaces.data,
        library_id=workplace.library_id,
        card_number=typed,
        now=now(),
    )
