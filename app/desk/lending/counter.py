"""The counter: lend, renew, take payment, for the patron who was just scanned.

Current loans are seen during the visit, and no longer; what somebody borrowed before is not to be seen anywhere.
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup

from app.desk.lending.forms import CounterLoanForm, PayForm, TitleForm, WaiveForm
from app.desk.patron.forms import ReplaceForm
from app.desk.refusals import UNREADABLE, RefusedHere, show_refusal
from app.desk.routes import desk
from app.desk.system_refusals import refusal_of_title, system_refusals_flashed
from app.desk.terminal import current_visit, start_visit, this_workplace
from app.ils.circulation.system import CirculationSystem
from app.ils.port import Account, Refused, Renewal, Unavailable
from app.register.desk.patron_view import MINIMUM
from app.register.desk.visits import OpenVisit
from app.register.patron.patrons import NotJoined
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.rules.money import NotAnAmount, parse_amount
from app.web.access import Audience, open_to
from app.web.clock import today
from app.web.gate import library_systems
from app.web.pages.library_words import amount_in_field, fee_words, money, naming

LOANS = "card number, loans, holds, fees"


def lending_of(workplace: Workplace) -> CirculationSystem:
    """Return the system by which this library lends; a page not found where it lends by another one."""
    # A library with a system of its own lends there, and has no counter here.
    return library_systems().lending(workplace.library_id) or abort(404)


def at_counter(
    form: Callable[[], FlaskForm], *, lends: bool = True
) -> Callable[[Callable[..., ResponseReturnValue]], Callable[[], ResponseReturnValue]]:
    """Let a view do something for the patron before the desk, and show the counter with the sentence that it returns.

    The view gets the form that was sent, the library's system, the open visit and the workplace; what it returns in
    place of a sentence is the page itself. What `lends` needs a card that is in use here; the rest, a card that may
    settle what it owes.
    """

    def wrap(act: Callable[..., ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
        @wraps(act)
        def view() -> ResponseReturnValue:
            workplace = this_workplace()
            lending, sent = lending_of(workplace), form()
            patron = current_visit(workplace, fields=LOANS, extend=True, minimum=MINIMUM)
            try:
                patron.check_in_use(workplace.library_id) if lends else patron.check_not_at_rest()
                if not sent.validate():
                    raise RefusedHere(str(UNREADABLE))
                with system_refusals_flashed():
                    done = act(sent, lending, patron, workplace)
                    if not isinstance(done, str):
                        return done
                    flash(done, "success")
            except (CardRefused, NotJoined) as error:
                return show_refusal(error)
            except RefusedHere as error:
                return show_refusal(error, page="desk.scan")
            return redirect(url_for("desk.scan"))

        return view

    return wrap


@dataclass(frozen=True, slots=True)
class Served:
    """The patron of this desk's visit, and what they have here; None of it where the library's system is silent."""

    patron: OpenVisit
    account: Account | None
    new_card: int


def see_served(workplace: Workplace, lending: CirculationSystem, *, account: Account | None = None) -> Served:
    """Return what the patron of the visit has borrowed and owes now; `account` where that was just asked for.

    Raises NoOpenVisit, and CardRefused or NotJoined where the library may not even settle the card's fees.
    """
    patron = current_visit(workplace, fields=LOANS, extend=False, minimum=MINIMUM)
    patron.check_not_at_rest()
    new_card = 0
    with suppress(Unavailable):
        account = account or lending.accounts(card_numbers=[patron.card_number])[0]
        new_card = lending.rules().replacement_card
    return Served(patron, account, new_card)


def show_served(
    served: Served, workplace: Workplace, *, pay_form: PayForm | None = None, renewals: Sequence[tuple[bool, str]] = ()
) -> str:
    """Return the counter's page. `pay_form` is a payment that was not received; `renewals` say of each loan whether it
    was renewed, in a sentence."""
    return render_template(
        "desk/desk.html",
        workplace=workplace,
        served=served,
        lends=True,
        today=today(),
        renewals=renewals,
        **(served_forms(served) | ({"pay_form": pay_form} if pay_form else {})),
    )


def served_forms(served: Served) -> dict[str, FlaskForm]:
    """Return the forms of the page that shows the patron of the visit. What is owed is filled in."""
    owed = amount_in_field(served.account.debt_total or 0) if served.account else ""
    return {
        "pay_form": PayForm(formdata=None, key=secrets.token_hex(16), amount=owed),
        "waive_form": WaiveForm(formdata=None),
        "title_form": TitleForm(formdata=None),
        "replace_form": ReplaceForm(formdata=None, replaces=served.patron.card_number),
    }


def _account_of(lending: CirculationSystem, patron: OpenVisit) -> Account:
    (account,) = lending.accounts(card_numbers=[patron.card_number])
    return account


@desk.post("/counter/renew")
@open_to(Audience.STAFF)
@at_counter(CounterLoanForm)
def renew(form: CounterLoanForm, lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
    """Renew one loan."""
    loan_id = form.loan_id.data or ""
    try:
        loan = lending.renew(card_number=patron.card_number, loan_id=loan_id)
    except Refused as refused:
        loans = _account_of(lending, patron).loans
        title = next((loan.title for loan in loans if loan.loan_id == loan_id), "")
        raise RefusedHere(refusal_of_title(refused.code, title)) from None
    return _renewal_words(Renewal(loan, True, None))


def _renewal_words(renewal: Renewal) -> str:
    title = renewal.loan.title
    if not renewal.renewed:
        return refusal_of_title(renewal.not_renewable_because or "not_renewable", title)
    return naming(_("%(title)s is renewed until %(day)s."), title, day=format_date(renewal.loan.due_on, "long"))


@desk.post("/counter/renew-all")
@open_to(Audience.STAFF)
@at_counter(FlaskForm)
def renew_all(
    _form: FlaskForm, lending: CirculationSystem, patron: OpenVisit, workplace: Workplace
) -> ResponseReturnValue:
    """Renew whatever may be renewed, and show of each title what came of it."""
    renewals = [(each.renewed, _renewal_words(each)) for each in lending.renew_all(card_number=patron.card_number)]
    # A list of titles is too long for a cookie, so it stands on this page.
    return show_served(see_served(workplace, lending), workplace, renewals=renewals), 200


@desk.post("/counter/pay")
@open_to(Audience.STAFF)
@at_counter(PayForm, lends=False)
def pay(form: PayForm, lending: CirculationSystem, patron: OpenVisit, workplace: Workplace) -> ResponseReturnValue:
    """Take payment. The form's key makes a repeated click one payment. What is no amount, or too much, is asked for
    again, with what is owed."""
    currency = lending.rules().currency
    try:
        payment = lending.pay(
            card_number=patron.card_number,
            amount=parse_amount(form.amount.data or "", currency=currency),
            currency=currency,
            idempotency_key=form.key.data or "",
            staff=workplace.username,
        )
    except NotAnAmount:
        fault = _("This is not an amount, so nothing was received.")
    except Refused as refused:
        if refused.code != "overpaid":
            raise
        fault = _("This is more than is owed, so nothing was received.")
    else:
        paid, left = money(payment.amount, currency), money(payment.debt_total, currency)
        said = _("Received %(amount)s. Owes %(left)s now.", amount=paid, left=left)
        # The page puts the amount on the visit's receipt.
        return Markup('<span data-paid="{}">{}</span>').format(paid, said)
    owed = _account_of(lending, patron).debt_total or 0
    if owed == 0:
        raise RefusedHere(_("Nothing is owed any more, so nothing was received."))
    fault += " " + _("Owed in all: %(amount)s", amount=money(owed, currency)) + "."
    form.amount.errors = [fault]
    return show_served(see_served(workplace, lending), workplace, pay_form=form), 422


@desk.post("/counter/waive")
@open_to(Audience.STAFF)
@at_counter(WaiveForm, lends=False)
def waive(form: WaiveForm, lending: CirculationSystem, patron: OpenVisit, workplace: Workplace) -> str:
    """Waive a fee, with a reason."""
    fee_id, reason = form.fee_id.data or "", form.reason.data
    account = _account_of(lending, patron)
    fee = next((fee for fee in account.fees if fee.fee_id == fee_id), None)
    what = f"{fee_words(fee.kind)}, {money(fee.outstanding, account.currency)}" if fee else ""
    try:
        done = lending.waive(card_number=patron.card_number, fee_id=fee_id, reason=reason, staff=workplace.username)
    except Refused as refused:
        raise RefusedHere(refusal_of_title(refused.code, what)) from None
    left = money(done.debt_total, account.currency)
    return _("Waived: %(fee)s. Owes %(left)s now.", fee=what or fee_words(done.fee.kind), left=left)


@desk.post("/counter/done")
@open_to(Audience.STAFF)
def done() -> ResponseReturnValue:
    """End the visit at this desk, until the next card is scanned."""
    start_visit(None)
    return redirect(url_for("desk.scan"))
