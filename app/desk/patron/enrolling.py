"""A card for somebody who has none: first the number by which one person has one card, then the rest.

The national id is typed once. To the page that asks for the rest it goes sealed, and it is never shown again.
"""

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup, escape
from werkzeug.datastructures import MultiDict

from app.desk.patron.forms import EnrolForm, NationalIdForm
from app.desk.patron.national_number import read_national_id
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import note_papers, start_visit, this_terminal, this_workplace
from app.register.change.corrections import Correction, correct_patron
from app.register.change.enrolment import AlreadyRegistered, ConsentMissing, enrol_patron
from app.register.change.membership import opt_out
from app.register.desk.lookup import Criteria, Hit, TooManyAlike, find_hit, look_up, look_up_national_id
from app.register.desk.sealed_id import SealedIdNotValid, open_sealed_id, seal_national_id
from app.register.desk.visits import WasOpened, draw_session, open_visit, open_visit_of_hit, was_opened
from app.register.log.access_log import Terminal
from app.register.patron.numbers import NumberNotReserved, NumberWasIssued
from app.register.staff.staff import Workplace
from app.register.store.transaction import writing
from app.rules.card.number import NotACardNumber
from app.rules.people.contact import ContactNotValid, check_contact
from app.rules.people.national_id import NationalId, NotANationalId, SyntheticNationalId
from app.rules.people.person import Person, PersonNotValid, check_person
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.pages.patron_fields import reword_faults, show_faults

_OF_ONE_PAGE = {"csrf_token", "sealed_id", "visit", "another"}
_CARD_NUMBER_REFUSED = (NotACardNumber, NumberNotReserved, NumberWasIssued)


@desk.route("/enrol", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def enrol() -> ResponseReturnValue:
    """Ask for the national id. A known patron's page is opened; for anybody else the rest is asked for."""
    workplace, form = this_workplace(), NationalIdForm()
    if "without" in request.form:
        return _show_details(workplace, _begin(sealed_id=""))
    if not form.is_submitted() or form.national_id.data is None:
        return _show_number(workplace, form)
    try:
        number = read_national_id(form.national_id.data)
    except (NotANationalId, SyntheticNationalId) as error:
        form.national_id.errors = [refusal_of(error)]
        return _show_number(workplace, form, status=422)
    terminal = this_terminal(workplace)
    holder = look_up_national_id(national_id=number, viewer=terminal.viewer, library_id=workplace.library_id, now=now())
    if holder is not None:
        return _open_known(holder.patron_id, terminal)
    sealed_id = seal_national_id(number, actor=workplace.username, now=now())
    return _show_details(workplace, _begin(sealed_id=sealed_id))


def _show_number(
    workplace: Workplace, form: NationalIdForm, *, status: int = 200, refusal: str = ""
) -> ResponseReturnValue:
    form.national_id.data = ""
    page = {"workplace": workplace, "form": form, "typed": _typed(), "refusal": refusal}
    return render_template("desk/enrol.html", **page), status


def _typed() -> dict[str, str]:
    """Return what was typed of the patron on whichever page this request comes from; never the national id."""
    names = {field.name for field in EnrolForm(formdata=None)} - _OF_ONE_PAGE
    return {name: request.form[name] for name in sorted(names) if request.form.get(name)}


def _open_known(patron_id: int, terminal: Terminal) -> ResponseReturnValue:
    """Open a visit with a patron whom this desk has just found, instead of making a second card."""
    start_visit(open_visit_of_hit(patron_id=patron_id, terminal=terminal, now=now()))
    flash(_("This person has a card already. Nothing new was made."), "info")
    return redirect(url_for("desk.patron"))


def _begin(*, sealed_id: str) -> EnrolForm:
    """Return the form for the rest, with what was typed on the pages before."""
    return EnrolForm(formdata=MultiDict(_typed() | {"sealed_id": sealed_id, "visit": draw_session()}))


def _show_details(
    workplace: Workplace, form: EnrolForm, *, alike: Sequence[Hit] = (), status: int = 200
) -> ResponseReturnValue:
    return render_template("desk/enrol_details.html", workplace=workplace, form=form, alike=alike), status


@desk.route("/enrol/details", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def enrol_details() -> ResponseReturnValue:
    """Make the card, and open a visit with its holder. The same form sent twice makes one card."""
    workplace = this_workplace()
    form = EnrolForm()
    if not form.is_submitted():
        return _show_details(workplace, EnrolForm(formdata=None, visit=draw_session()))
    terminal, sealed_id = this_terminal(workplace), form.sealed_id.data
    if not _is_sound(form):
        return _show_details(workplace, form, status=422)
    if was_opened(session=form.visit.data, terminal=terminal):
        return _open_new(form)
    try:
        number = open_sealed_id(sealed_id, actor=workplace.username, now=now()) if sealed_id else None
        alike = () if form.another.data else _find_alike(form, workplace, terminal)
        if alike and was_opened(session=form.visit.data, terminal=terminal):
            return _open_new(form)
        if alike:
            return _show_details(workplace, form, alike=alike, status=409)
        with writing():
            _make(form, number, workplace, terminal)
    except SealedIdNotValid:
        refusal = _("Too much time has gone by. Type the number again. The rest is kept.")
        return _show_number(workplace, NationalIdForm(formdata=None), status=409, refusal=refusal)
    except AlreadyRegistered as known:
        if was_opened(session=form.visit.data, terminal=terminal):
            return _open_new(form)
        find_hit(patron_id=known.patron_id, viewer=terminal.viewer, library_id=workplace.library_id, now=now())
        return _open_known(known.patron_id, terminal)
    except ConsentMissing as error:
        form.consent.errors = [refusal_of(error)]
    except _CARD_NUMBER_REFUSED as error:
        form.card_number.errors = [refusal_of(error)]
    except WasOpened:
        # The same form, sent at the same moment, made the card.
        return _open_new(form)
    else:
        return _open_new(form)
    return _show_details(workplace, form, status=422)


def _is_sound(form: EnrolForm) -> bool:
    """Check all that the form alone can tell, and put every fault beside its field."""
    is_sound = bool(form.validate())
    reword_faults(form)
    if form.birth_date.data is None and not form.birth_date.errors:
        show_faults(form, {"birth_date": "missing"})
    person = Person(form.name.data or "", form.birth_date.data or today(), form.gender.data, form.language.data)
    hidden = form.address_hidden.data
    for check in (
        lambda: check_person(person, day=today()),
        lambda: check_contact(form.contact(), address_hidden=hidden),
    ):
        try:
            check()
        except (PersonNotValid, ContactNotValid) as error:
            show_faults(form, {name: fault for name, fault in error.faults.items() if not form[name].errors})
    if not form.rules.data:
        form.rules.errors = [_("Ask the patron, and tick it. Without that there is no card.")]
    return is_sound and not any(field.errors for field in form)


def _find_alike(form: EnrolForm, workplace: Workplace, terminal: Terminal) -> Sequence[Hit]:
    """Return who may be the same person: the same birth date, and a name that begins in the same way."""
    criteria = Criteria(name=form.name.data or "", birth_date=form.birth_date.data)
    try:
        return look_up(criteria=criteria, viewer=terminal.viewer, library_id=workplace.library_id, now=now()).hits
    except TooManyAlike:
        return ()


def _make(form: EnrolForm, number: NationalId | None, workplace: Workplace, terminal: Terminal) -> None:
    assert form.birth_date.data is not None
    made = enrol_patron(
        library_id=workplace.library_id,
        name=form.name.data or "",
        birth_date=form.birth_date.data,
        gender=form.gender.data,
        contact=form.contact(),
        address_hidden=form.address_hidden.data,
        language=form.language.data,
        national_id=number,
        guardian_consent=form.consent.data,
        card_number=(form.card_number.data or "").strip() or None,
        papers_seen=form.papers.data,
        now=now(),
    )
    if form.papers.data:
        note_papers(made.patron_id, workplace, fields="name, birth date, contact data")
    further = {field.name: field.data for field in form.further() if field.name != "language"}
    if further:
        correct_patron(patron_id=made.patron_id, changes=Correction(**further), now=now())
    if form.kind.data == "local":
        opt_out(patron_id=made.patron_id, library_id=workplace.library_id, now=now())
    open_visit(patron_id=made.patron_id, terminal=terminal, session=form.visit.data, now=now())


def _open_new(form: EnrolForm) -> ResponseReturnValue:
    start_visit(form.visit.data)
    contact = check_contact(form.contact())
    if not (contact.email or contact.phone or contact.address):
        made = _("%(name)s has a card. Print a letter by which the PIN is chosen: see %(label)s below.")
        flash(made % {"name": form.name.data, "label": _("New PIN")}, "success")
    elif contact.preferred_contact == "letter":
        way = Markup('<a class="ds-link" href="{}">{}</a>').format(url_for("desk.post"), _("Post"))
        made = _("%(name)s has a card. The letter by which the PIN is chosen is printed under %(label)s.")
        flash(escape(made) % {"name": form.name.data, "label": way}, "success")
    else:
        flash(_("%(name)s has a card, and is sent the way to choose a PIN.", name=form.name.data), "success")
    return redirect(url_for("desk.patron"))
