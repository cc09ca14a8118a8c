"""The counter: lend, renew, take payment, for the patron who was just scanned.

Current loans are seen during the visit, and no longer; what somebody borrowed before is not to be seen anywhere.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import wraps

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from app.desk.lending.forms import BarcodeForm, CounterLoanForm, PayForm, WaiveForm
from app.desk.patron.forms import ReplaceForm
from app.desk.refusals import show_refusal
from app.desk.routes import desk
from app.desk.terminal import current_visit, start_visit, this_workplace
from app.ils.circulation.system import CirculationSystem
from app.ils.port import Account, Unavailable
from app.register.desk.patron_view import MINIMUM
from app.register.desk.visits import OpenVisit
from app.register.patron.patrons import NotJoined
from app.register.staff.staff import Workplace
from app.rules.card.status import CardRefused
from app.rules.money import NotAnAmount, parse_amount
from app.web.access import Audience, open_to
from app.web.clock import today
from app.web.gate import flash_refusals, library_systems
from app.web.pages.library_words import money

_LOANS = "card number, loans, holds, fees"


def lending_of(workplace: Workplace) -> CirculationSystem:
    """Return the system by which this library lends; a page not found where it lends by another one."""
    # A library with a system of its own lends there, and has no counter here.
    return library_systems().lending(workplace.library_id) or abort(404)


def at_counter(
    form: Callable[[], FlaskForm], *, lends: bool = True
) -> Callable[[Callable[..., str]], Callable[[], ResponseReturnValue]]:
    """Let a view do something for the patron before the desk, and show the counter with the sentence that it returns.

    The view gets the form that was sent, the library's system, the open visit and the workplace. What `lends` needs a
    card that is in use here; the rest, a card that may settle what it owes.
    """

    def wrap(act: Callable[..., str]) -> Callable[[], ResponseReturnValue]:
        @wraps(act)
        def view() -> ResponseReturnValue:
            workplace = this_workplace()
            lending, sent = lending_of(workplace), form()
            patron = current_visit(workplace, fields=_LOANS, extend=True, minimum=MINIMUM)
            silent = _("The library's system does not answer now. Look at the list before you try again.")
            try:
                patron.check_in_use(workplace.library_id) if lends else patron.check_not_at_rest()
                if not sent.validate():
                    raise NotAnAmount
                with flash_refusals(silent=silent):
                    flash(act(sent, lending, patron, workplace), "success")
            except (CardRefused, NotJoined) as error:
                return show_refusal(error)
            except NotAnAmount as error:
                return show_refusal(error, page="desk.counter")
            return redirect(url_for("desk.counter"))

        return view

    return wrap


@desk.get("/counter")
@open_to(Audience.STAFF)
def counter() -> ResponseReturnValue:
    """Show what the patron before the desk has borrowed and owes now."""
    workplace = this_workplace()
    lending = lending_of(workplace)
    patron = current_visit(workplace, fields=_LOANS, extend=False, minimum=MINIMUM)
    try:
        patron.check_not_at_rest()
    except (CardRefused, NotJoined) as error:
        return show_refusal(error)
    account: Account | None = None
    new_card = 0
    with suppress(Unavailable):
        account, new_card = lending.accounts(card_numbers=[patron.card_number])[0], lending.rules().replacement_card
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
        replace_form=ReplaceForm(formdata=None, replaces=patron.card_number),
    )


@desk.post("/counter/checkout")
@open_to(Audience.STAFF)
@at_counter(BarcodeForm)
def check_out(form: BarcodeForm, lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
    """Lend an item to the patron."""
    done = lending.check_out(card_number=patron.card_number, barcode=form.barcode.data or "")
    due = format_date(done.loan.due_on, "long")
    # No title: the sentence waits in a cookie until the page is shown.
    return (
        _("The patron has it already, until %(due)s.", due=due) if done.repeated else _("Lent until %(due)s.", due=due)
    )


@desk.post("/counter/renew")
@open_to(Audience.STAFF)
@at_counter(CounterLoanForm)
def renew(form: CounterLoanForm, lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
    """Renew one loan."""
    loan = lending.renew(card_number=patron.card_number, loan_id=form.loan_id.data or "")
    return _("Renewed. It is due on %(day)s.", day=format_date(loan.due_on, "long"))


@desk.post("/counter/renew-all")
@open_to(Audience.STAFF)
@at_counter(FlaskForm)
def renew_all(_form: FlaskForm, lending: CirculationSystem, patron: OpenVisit, _workplace: Workplace) -> str:
    """Renew whatever may be renewed."""
    done = sum(renewal.renewed for renewal in lending.renew_all(card_number=patron.card_number))
    return ngettext("%(num)s loan renewed.", "%(num)s loans renewed.", done)


@desk.post("/counter/pay")
@open_to(Audience.STAFF)
@at_counter(PayForm, lends=False)
def pay(form: PayForm, lending: CirculationSystem, patron: OpenVisit, workplace: Workplace) -> str:
    """Take payment. The form's key makes a repeated click one payment."""
    amount, key = parse_amount(form.amount.data or ""), form.key.data or ""
    currency = lending.rules().currency
    payment = lending.pay(
        card_number=patron.card_number, amount=amount, currency=currency, idempotency_key=key, staff=workplace.username
    )
    left = money(payment.debt_total, currency)
    return _("Received %(amount)s. %(left)s is left.", amount=money(payment.amount, currency), left=left)


@desk.post("/counter/waive")
@open_to(Audience.STAFF)
@at_counter(WaiveForm, lends=False)
def waive(form: WaiveForm, lending: CirculationSystem, patron: OpenVisit, workplace: Workplace) -> str:
    """Waive a fee, with a reason."""
    fee_id, reason = form.fee_id.data or "", form.reason.data
    lending.waive(card_number=patron.card_number, fee_id=fee_id, reason=reason, staff=workplace.username)
    return _("The fee is waived.")


@desk.post("/counter/done")
@open_to(Audience.STAFF)
def done() -> ResponseReturnValue:
    """End the visit at this desk, until the next card is scanned."""
    start_visit(None)
    return redirect(url_for("desk.scan"))
