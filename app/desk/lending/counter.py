"""The counter: lend, renew, take payment, for the patron who was just scanned.

Current loans are seen while serving, and no longer; what somebody borrowed before is nowhere to be seen.
"""

import secrets
from collections.abc import Callable

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from app.desk.lending.forms import BarcodeForm, CounterLoanForm, PayForm, WaiveForm
from app.desk.patron.replacing import make_replace_form
from app.desk.refusals import refusal_of
from app.desk.routes import desk
from app.desk.terminal import ask_for_card, current_visit, start_visit, this_workplace
from app.ils.circulation.system import CirculationSystem
from app.ils.port import Account, Refused, Unavailable
from app.register.desk.open_visits import NoOpenVisit, OpenVisit
from app.register.desk.patron_view import MINIMUM
from app.register.patron.patrons import NotJoined
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.rules.money import NotAnAmount, parse_amount
from app.web.access import Audience, open_to
from app.web.clock import today
from app.web.gate import library_systems
from app.web.pages.library_words import money, refusal_words

_LOANS = "card number, loans, holds, fees"

Act = Callable[[CirculationSystem, OpenVisit, Workplace], str]


@desk.get("/counter")
@open_to(Audience.STAFF)
def counter() -> ResponseReturnValue:
    """Show what the patron before the desk has borrowed and owes now."""
    workplace = this_workplace()
    lending = lending_of(workplace)
    try:
        patron = current_visit(workplace, fields=_LOANS, extend=False, minimum=MINIMUM)
        patron.check_not_at_rest()
    except NoOpenVisit:
        return ask_for_card()
    except (CardRefused, NotJoined) as error:
        flash(refusal_of(error), "danger")
        return redirect(url_for("desk.patron"))
    account: Account | None = None
    new_card = 0
    try:
        account = lending.accounts(card_numbers=[patron.card_number])[0]
        new_card = lending.rules().replacement_card
    except Unavailable:
        account = None
    return render_template(
        "desk/counter.html",
        workplace=workplace,
        patron=patron,
        account=account,
        new_card=new_card,
        today=today(),
        barcode_form=BarcodeForm(formdata=None),
        pay_form=PayForm(formdata=None, key=secrets.token_hex(16)),
        waive_form=WaiveForm(formdata=None),
        replace_form=make_replace_form(patron.card_number),
    )


@desk.post("/counter/checkout")
@open_to(Audience.STAFF)
def check_out() -> ResponseReturnValue:
    """Lend an item to the patron."""
    form = BarcodeForm()

    def lend(lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
        done = lending.check_out(card_number=patron.card_number, barcode=form.barcode.data or "")
        due = format_date(done.loan.due_on, "long")
        if done.repeated:
            return _("The patron has it already, until %(due)s.", due=due)
        # No title: the sentence waits in a cookie until the page is shown.
        return _("Lent until %(due)s.", due=due)

    return _act(form.validate(), lend)


@desk.post("/counter/renew")
@open_to(Audience.STAFF)
def renew() -> ResponseReturnValue:
    """Renew one loan."""
    form = CounterLoanForm()

    def prolong(lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
        loan = lending.renew(card_number=patron.card_number, loan_id=form.loan_id.data or "")
        return _("Renewed. It is due on %(day)s.", day=format_date(loan.due_on, "long"))

    return _act(form.validate(), prolong)


@desk.post("/counter/renew-all")
@open_to(Audience.STAFF)
def renew_all() -> ResponseReturnValue:
    """Renew whatever may be renewed."""

    def prolong(lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
        done = sum(renewal.renewed for renewal in lending.renew_all(card_number=patron.card_number))
        return ngettext("%(num)s loan renewed.", "%(num)s loans renewed.", done)

    return _act(True, prolong)


@desk.post("/counter/pay")
@open_to(Audience.STAFF)
def pay() -> ResponseReturnValue:
    """Take payment. The form's key makes a repeated click one payment."""
    form = PayForm()

    def receive(lending: CirculationSystem, patron: OpenVisit, workplace: Workplace) -> str:
        amount = parse_amount(form.amount.data or "")
        currency = lending.rules().currency
        payment = lending.pay(
            card_number=patron.card_number,
            amount=amount,
            currency=currency,
            idempotency_key=form.key.data or "",
            staff=workplace.username,
        )
        left = money(payment.debt_total, currency)
        return _("Received %(amount)s. %(left)s is left.", amount=money(payment.amount, currency), left=left)

    return _act(form.validate(), receive, lends=False)


@desk.post("/counter/waive")
@open_to(Audience.STAFF)
def waive() -> ResponseReturnValue:
    """Forgo a fee, with a reason."""
    form = WaiveForm()

    def forgo(lending: CirculationSystem, patron: OpenVisit, workplace: Workplace) -> str:
        lending.waive(
            card_number=patron.card_number,
            fee_id=form.fee_id.data or "",
            reason=form.reason.data,
            staff=workplace.username,
        )
        return _("The fee is waived.")

    return _act(form.validate(), forgo, lends=False)


@desk.post("/counter/done")
@open_to(Audience.STAFF)
def done() -> ResponseReturnValue:
    """Serve nobody, until the next card is scanned."""
    start_visit(None)
    return redirect(url_for("desk.scan"))


def lending_of(workplace: Workplace) -> CirculationSystem:
    """Return the system by which this library lends; a page not found where it lends by another one."""
    lending = library_systems().lending(workplace.library_id)
    # A library with a system of its own lends there, and has no counter here.
    return lending if lending is not None else abort(404)


def _act(valid: bool, act: Act, *, lends: bool = True) -> ResponseReturnValue:
    """Do something for the patron before the desk, and show the counter again with what came of it.

    What `lends` needs a card that is in use here; paying, one that is not at rest.
    """
    workplace = this_workplace()
    lending = lending_of(workplace)
    try:
        patron = current_visit(workplace, fields=_LOANS, extend=True, minimum=MINIMUM)
        patron.check_in_use(workplace.library_id) if lends else patron.check_not_at_rest()
        if not valid:
            raise NotAnAmount
        flash(act(lending, patron, workplace), "success")
        return redirect(url_for("desk.counter"))
    except NoOpenVisit:
        return ask_for_card()
    except Refused as refused:
        flash(refusal_words(refused.code), "danger")
    except (CardRefused, NotJoined) as error:
        flash(refusal_of(error), "danger")
        return redirect(url_for("desk.patron"))
    except NotAnAmount:
        flash(_("That could not be read. Nothing was changed."), "danger")
    except Unavailable:
        flash(_("The library's system does not answer now. Look at the list before you try again."), "danger")
    return redirect(url_for("desk.counter"))
