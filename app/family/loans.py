"""Lån: one's own loans and those of everybody who permits it, at every library, asked for now and kept nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Response, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from flask_login import current_user

from app.family.forms import LoanForm
from app.family.routes import family
from app.ils.overview import ask_libraries
from app.ils.port import Account, Block, Hold, LibrarySystem, Loan, Request, due_order
from app.register.card.families import Seen, act_in_family, view_family
from app.register.patron.patrons import list_affiliations
from app.register.store.transaction import reading
from app.web.access import Audience, open_to
from app.web.clock import now, today
from app.web.gate import flash_refusals, library_systems
from app.web.http.streaming import WHAT_FOLLOWS, stream_page


@dataclass(frozen=True, slots=True)
class AtLibrary:
    """What one person has at one library."""

    library_id: str
    library: str
    account: Account


@dataclass(frozen=True, slots=True)
class PersonsLoans:
    """One person on the page; `permission_id` is None for oneself."""

    permission_id: int | None
    name: str
    libraries: Sequence[AtLibrary]

    @property
    def loans(self) -> list[tuple[AtLibrary, Loan]]:
        """Return the loans at all libraries, the first due date first."""
        return sorted(
            ((at, loan) for at in self.libraries for loan in at.account.loans), key=lambda at: due_order(at[1])
        )

    @property
    def holds(self) -> list[tuple[AtLibrary, Hold]]:
        """Return the reservations, those first that are ready."""
        return sorted(
            ((at, hold) for at in self.libraries for hold in at.account.holds), key=lambda at: not at[1].ready
        )

    @property
    def requests(self) -> list[tuple[AtLibrary, Request]]:
        """Return what the libraries are asked to fetch from others."""
        return [(at, request) for at in self.libraries for request in at.account.requests]

    @property
    def blocks(self) -> list[tuple[AtLibrary, Block]]:
        """Return where the card may not borrow, and why."""
        return [(at, block) for at in self.libraries for block in at.account.blocks]

    @property
    def owed(self) -> list[tuple[str, int, int]]:
        """Return what is owed, currency by currency: booked already, and grown so far on what is overdue."""
        accounts = [at.account for at in self.libraries]
        sums = [
            (
                currency,
                sum(account.debt_total or 0 for account in accounts if account.currency == currency),
                sum(account.running_fees for account in accounts if account.currency == currency),
            )
            for currency in dict.fromkeys(account.currency for account in accounts)
        ]
        return [(currency, booked, running) for currency, booked, running in sums if booked or running]

    @property
    def unknown_debts(self) -> list[str]:
        """Return the libraries where it is unknown what is owed."""
        return [at.library for at in self.libraries if at.account.debt_total is None]


@family.get("/my/loans")
@open_to(Audience.PATRON)
def loans() -> Response:
    """Show the loans of oneself and of those who permit it. Access to another's loans is logged first."""
    seen = view_family(guardian_id=current_user.patron_id, now=now())
    joined = list_affiliations(patron_ids=[person.patron_id for person in seen])
    names = {library_id: name for libraries in joined.values() for library_id, name in libraries.items()}
    wanted = {
        library_id: [person.card_number for person in seen if library_id in joined[person.patron_id]]
        for library_id in names
    }
    page = render_template("family/loans.html", libraries=names, today=today(), what_follows=WHAT_FOLLOWS)
    return stream_page(page, find=partial(_show_found, seen, names, wanted))


def _show_found(seen: Sequence[Seen], names: Mapping[str, str], wanted: Mapping[str, Sequence[str]]) -> str:
    """Ask the libraries, and return the part of the page that tells what they answered."""
    overview = ask_libraries(systems=library_systems(), wanted=wanted)
    people = []
    for person in seen:
        at = [AtLibrary(each, names[each], account) for each, account in overview.of(person.card_number)]
        people.append(PersonsLoans(permission_id=person.permission_id, name=person.name, libraries=at))
    return render_template(
        "family/found_loans.html",
        people=people,
        loans=[loan for person in people for _at, loan in person.loans],
        unavailable=[names[library_id] for library_id in overview.unavailable],
        unconnected=[names[library_id] for library_id in overview.unconnected],
        today=today(),
    )


@family.post("/my/loans/renew")
@open_to(Audience.PATRON)
def renew() -> ResponseReturnValue:
    """Renew one loan, one's own or that of somebody who permits it."""
    form, person, system = _read_act()
    with flash_refusals(silent=_("The library does not answer now. Try again in a moment."), category="warning"):
        renewed = system.renew(card_number=person.card_number, loan_id=form.loan_id.data or "")
        day = format_date(renewed.due_on, "long") if renewed.due_on else ""
        flash(_("Renewed. It is due on %(day)s.", day=day) if day else _("Renewed."), "success")
    return redirect(url_for("family.loans"))


@family.post("/my/loans/renew-all")
@open_to(Audience.PATRON)
def renew_all() -> ResponseReturnValue:
    """Renew whatever may be renewed of one person at one library."""
    _form, person, system = _read_act()
    with flash_refusals(silent=_("The library does not answer now. Try again in a moment."), category="warning"):
        renewals = system.renew_all(card_number=person.card_number)
        done = sum(renewal.renewed for renewal in renewals)
        flash(ngettext("%(num)s loan renewed.", "%(num)s loans renewed.", done), "success" if done else "info")
        if done < len(renewals):
            flash(_("The others could not be renewed; each says why."), "info")
    return redirect(url_for("family.loans"))


def _read_act() -> tuple[LoanForm, Seen, LibrarySystem]:
    """Return whose loan is meant, and at which system. Raises NoSuchPermission where that is not permitted."""
    form = LoanForm()
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
    return form, person, system
