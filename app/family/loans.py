"""Lån: one's own loans and those of everybody who permits it, at every library, asked for now and kept nowhere."""

from functools import partial
from hashlib import blake2s

from flask import Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from flask_login import current_user

from app.family.forms import ActForm, LoanForm
from app.family.routes import family
from app.ils.port import LibrarySystem
from app.register.card.families import Seen, act_in_family
from app.register.patron.patrons import list_affiliations
from app.register.store.transaction import reading
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.gate import flash_refusals, library_systems
from app.web.http.streaming import WHAT_FOLLOWS, stream_page
from app.web.pages.family_loans import FamilyQuestion, ask_family, look_at_family
from app.web.pages.library_words import naming


@family.get("/my/loans")
@open_to(Audience.PATRON)
def loans() -> Response:
    """Show the loans of oneself and of those who permit it."""
    return show_loans()


def show_loans() -> Response:
    """Return the page of loans. Access to another's loans is logged first."""
    question = look_at_family(patron_id=current_user.patron_id)
    page = render_template("family/loans.html", libraries=question.libraries, today=today(), what_follows=WHAT_FOLLOWS)
    return stream_page(page, find=partial(_show_found, question))


def _show_found(question: FamilyQuestion) -> str:
    """Ask the libraries, and return the part of the page that tells what they answered."""
    found = ask_family(question)
    return render_template(
        "family/found_loans.html",
        people=found.people,
        loans=[loan for person in found.people for _at, loan in person.loans],
        unavailable=found.unavailable,
        unconnected=found.unconnected,
        today=today(),
        anchor_of=anchor_of,
    )


def anchor_of(kind: str, library_id: str, own_id: str) -> str:
    """Return what a loan, reservation or request is called within the page: the same at each asking, and nothing that
    names what it is. `own_id` is the library's id of it."""
    return f"{kind}-{blake2s(f'{library_id} {own_id}'.encode(), digest_size=6).hexdigest()}"


@family.post("/my/loans/renew")
@open_to(Audience.PATRON)
def renew() -> ResponseReturnValue:
    """Renew one loan, one's own or that of somebody who permits it."""
    form = LoanForm()
    person, system = read_act(form)
    with flash_refusals(silent=_("The library does not answer now. Try again in a moment."), category="warning"):
        renewed = system.renew(card_number=person.card_number, loan_id=form.loan_id.data or "")
        day = format_date(renewed.due_on, "long") if renewed.due_on else ""
        sentence = _("%(title)s is renewed until %(day)s.") if day else _("%(title)s is renewed.")
        flash(naming(sentence, renewed.title, day=day), "success")
    return redirect(
        url_for("family.loans", _anchor=anchor_of("loan", form.library_id.data or "", form.loan_id.data or ""))
    )


@family.post("/my/loans/renew-all")
@open_to(Audience.PATRON)
def renew_all() -> ResponseReturnValue:
    """Renew whatever may be renewed of one person at one library."""
    form = LoanForm()
    person, system = read_act(form)
    with flash_refusals(silent=_("The library does not answer now. Try again in a moment."), category="warning"):
        renewals = system.renew_all(card_number=person.card_number)
        done = sum(renewal.renewed for renewal in renewals)
        counted = ngettext("%(num)s loan renewed.", "%(num)s loans renewed.", done)
        if not done:
            counted = _("No loan could be renewed. Each says why.")
        flash(f"{person.name}: {counted}" if person.permission_id else counted, "success" if done else "info")
        if 0 < done < len(renewals):
            flash(_("The others could not be renewed; each says why."), "info")
    return redirect(url_for("family.loans", _anchor=f"person-{form.permission_id.data or 'own'}"))


def read_act(form: ActForm) -> tuple[Seen, LibrarySystem]:
    """Return for whom something is done, and at which system. Raises NoSuchPermission where that is not permitted."""
    permission = form.permission_id.data or ""
    if not form.validate() or not ((permission.isascii() and permission.isdigit()) or not permission):
        abort(400)
    person = act_in_family(
        guardian_id=current_user.patron_id, permission_id=int(permission) if permission else None, now=now()
    )
    library_id = form.library_id.data or ""
    system = library_systems().get(library_id)
    with reading():
        joined = list_affiliations(patron_ids=[person.patron_id])[person.patron_id]
    if system is None or library_id not in joined:
        abort(404)
    return person, system
