"""Fjernlån: ask one's library to borrow a title from another one. The library's rules answer at once."""

import secrets
from collections.abc import Mapping

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from wtforms import SelectChoice

from app.family.forms import CancelForm, InterlibraryForm
from app.family.loans import anchor_of
from app.family.routes import family
from app.ils.circulation.system import CirculationSystem
from app.ils.policy import LibraryRules
from app.ils.port import Refused, Unavailable
from app.register.patron.patrons import get_patron, list_affiliations
from app.register.store.transaction import reading
from app.rules.card.status import CardRefused
from app.web.access import Audience, open_to
from app.web.gate import flash_refusals, library_systems
from app.web.pages.languages import message_language
from app.web.pages.library_words import naming, refusal_words

Choices = Mapping[str, tuple[str, CirculationSystem, LibraryRules]]


@family.route("/my/interlibrary", methods=["GET", "POST"])
@open_to(Audience.PATRON)
def interlibrary() -> ResponseReturnValue:
    """Ask for a title from another library."""
    choices, silent = _lending_libraries()
    form = InterlibraryForm()
    form.library_id.choices = [SelectChoice(library_id, name) for library_id, (name, *_rest) in choices.items()]
    form.category.choices = _categories(choices)
    if not form.validate_on_submit():
        form.key.data = secrets.token_hex(16)
        page = render_template("family/interlibrary.html", form=form, choices=choices, silent=silent)
        return page, 422 if form.is_submitted() else 200
    name, system, _rules = choices[form.library_id.data]
    try:
        made = system.ask_interlibrary(
            card_number=_own_card_number(),
            title=form.title.data or "",
            author=form.author.data or "",
            publication_year=form.publication_year.data or 0,
            category=form.category.data,
            idempotency_key=form.key.data or "",
        )
    except Refused as refused:
        form.title.errors = [refusal_words(refused.code)]
    except Unavailable:
        form.library_id.errors = [_("%(library)s does not answer now.", library=name)]
    else:
        asked = _("%(library)s has your request for %(title)s, and tells you when it comes.")
        flash(naming(asked, form.title.data or "", library=name), "success")
        anchor = anchor_of("request", form.library_id.data, made.request_id)
        return redirect(url_for("family.loans", _anchor=anchor))
    return render_template("family/interlibrary.html", form=form, choices=choices, silent=silent), 422


@family.post("/my/interlibrary/cancel")
@open_to(Audience.PATRON)
def cancel_interlibrary() -> ResponseReturnValue:
    """Take back a request that the library has not ordered yet."""
    form = CancelForm()
    joined = list_affiliations(patron_ids=[current_user.patron_id])[current_user.patron_id]
    system = library_systems().lending(form.library_id.data or "")
    if not form.validate() or system is None or form.library_id.data not in joined:
        abort(404)
    with flash_refusals(silent=_("The library does not answer now. Try again in a moment."), category="warning"):
        system.cancel_interlibrary(card_number=_own_card_number(), request_id=form.request_id.data or "")
        flash(naming(_("The request for %(title)s is taken back."), form.title.data or "–"), "success")
    return redirect(url_for("family.loans", _anchor="person-own"))


def _own_card_number() -> str:
    """Return the card number of the patron who is signed in. Raises CardRefused where the card is not in use."""
    with reading():
        patron = get_patron(patron_id=current_user.patron_id)
    if patron.block is not None:
        raise CardRefused(patron.block)
    return patron.card_number


def _lending_libraries() -> tuple[Choices, list[str]]:
    """Return the patron's libraries that fetch from other libraries, and the names of those that do not answer."""
    choices: dict[str, tuple[str, CirculationSystem, LibraryRules]] = {}
    silent = []
    with reading():
        joined = list_affiliations(patron_ids=[current_user.patron_id])[current_user.patron_id]
    for library_id, name in joined.items():
        system = library_systems().lending(library_id)
        try:
            if system is not None and (rules := system.rules()).interlibrary is not None:
                choices[library_id] = (name, system, rules)
        except Unavailable:
            silent.append(name)
    return choices, silent


def _categories(choices: Choices) -> list[SelectChoice]:
    found = {
        category.id: category.names.get(message_language(), category.id)
        for _name, _system, rules in choices.values()
        for category in rules.categories
    }
    return [SelectChoice(category, name) for category, name in found.items()]
