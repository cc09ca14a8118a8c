"""The patron before the desk: what the desk may see, and the way to every act. The acts are in acts.py."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import ActivateForm, NationalIdForm, PapersForm, PatronFields, ReplaceForm
from app.desk.routes import desk
from app.desk.terminal import current_visit, note_papers, this_workplace
from app.ils.policy import LibraryRules
from app.ils.port import Unavailable
from app.register.change.corrections import (
    Correction,
    Proof,
    correct_patron,
    get_correctable,
    note_address_is_not_hidden,
)
from app.register.desk.patron_view import IN_FULL, MINIMUM, PatronView, view_patron
from app.register.desk.visits import NoOpenVisit, OpenVisit
from app.register.limits.unusual import Kind, count_act
from app.register.patron.patrons import NoSuchPatron, NotJoined
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.people.contact import ContactNotValid
from app.rules.people.fields import Editor, log_words
from app.rules.people.person import PersonNotValid
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.gate import library_systems
from app.web.pages.languages import LANGUAGES
from app.web.pages.patron_fields import reword_faults, show_faults


@desk.get("/patron")
@open_to(Audience.STAFF)
def patron() -> ResponseReturnValue:
    """Show the patron before the desk, and what can be done."""
    workplace = this_workplace()
    visit = current_visit(workplace, fields=IN_FULL, minimum=MINIMUM, extend=False)
    seen = _see(visit, workplace.library_id)
    return render_template(
        "desk/patron.html",
        workplace=workplace,
        visit=visit,
        seen=seen,
        lends=library_systems().lending(workplace.library_id) is not None,
        rules=_rules(workplace) if visit.activated_here else None,
        language_names=LANGUAGES,
        activate_form=ActivateForm(formdata=None),
        number_form=NationalIdForm(formdata=None),
        papers_form=PapersForm(formdata=None),
        replace_form=ReplaceForm(formdata=None, replaces=seen.card_number),
    )


def _see(visit: OpenVisit, library_id: str) -> PatronView:
    return view_patron(patron_id=visit.patron_id, library_id=library_id, in_full=visit.in_full, now=now())


def _rules(workplace: Workplace) -> LibraryRules | None:
    """Return the library's rules, for what a new card costs; None where the library does not say now."""
    lending = library_systems().lending(workplace.library_id)
    try:
        return lending.rules() if lending is not None else None
    except Unavailable:
        return None


@desk.route("/patron/contact", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def contact() -> ResponseReturnValue:
    """Correct who the patron is, and how they are reached. They get a message about it, at the old address too."""
    workplace = this_workplace()
    form = PatronFields()
    visit = current_visit(workplace, fields=log_words(editor=Editor.DESK), minimum="name", extend=form.is_submitted())
    if form.is_submitted():
        count_act(Kind.DESK_CORRECTION, library_id=workplace.library_id, now=now())
    seen = _see(visit, workplace.library_id)
    if seen.in_full is None:
        raise NotJoined
    hidden = seen.in_full.address_hidden
    if not form.is_submitted():
        form = PatronFields(formdata=None, data=get_correctable(patron_id=visit.patron_id, editor=Editor.DESK))
        return render_template("desk/contact.html", workplace=workplace, visit=visit, form=form, hidden=hidden)
    try:
        if not form.validate():
            reword_faults(form)
            raise PersonNotValid({})
        if form.birth_date.data is None:
            raise PersonNotValid({"birth_date": "missing"})
        with writing():
            correct_patron(
                patron_id=visit.patron_id,
                changes=Correction(contact=form.contact(), **form.others()),
                proof=Proof.EVERYTHING if form.papers.data else Proof.NOTHING,
                library_id=workplace.library_id,
                now=now(),
            )
            if form.papers.data:
                note_papers(visit.patron_id, workplace, fields="name, birth date, contact data")
    except (ContactNotValid, PersonNotValid) as error:
        show_faults(form, error.faults)
        return render_template("desk/contact.html", workplace=workplace, visit=visit, form=form, hidden=hidden), 422
    except NoSuchPatron:
        raise NoOpenVisit from None
    saved = _("What was changed is saved, and the contact data is confirmed. The patron gets a message.")
    if not form.papers.data:
        saved = _(
            "What was changed is saved. Of new contact data the patron gets a message; links and codes go to the "
            "former addresses until the patron confirms the new ones."
        )
    flash(saved, "success")
    return redirect(url_for("desk.patron"))


@desk.post("/patron/address-not-hidden")
@open_to(Audience.STAFF)
def address_is_not_hidden() -> ResponseReturnValue:
    """Take away the mark of a hidden address, for somebody whose papers were seen."""
    workplace = this_workplace()
    visit = current_visit(workplace, fields=log_words(editor=Editor.DESK), minimum="name", extend=True)
    if not visit.in_full:
        raise NotJoined
    with writing():
        note_address_is_not_hidden(patron_id=visit.patron_id, now=now())
        note_papers(visit.patron_id, workplace, fields="address")
    flash(_("An address is accepted again."), "success")
    return redirect(url_for("desk.contact"))
