"""Card numbers that the library has reserved, to give out by itself."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.patron.forms import ReserveForm
from app.desk.refusals import UNREADABLE, refusal_of
from app.desk.routes import desk
from app.desk.terminal import this_workplace
from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.patron.numbers import SERIES, NoNumbersLeft, list_series, reserve_series
from app.register.store.transaction import writing
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now


@desk.route("/numbers", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def number_series() -> ResponseReturnValue:
    """Show what is reserved, and reserve the next row."""
    workplace = this_workplace()
    form = ReserveForm()
    if form.is_submitted():
        flash(*_reserve(form, workplace.library_id))
        return redirect(url_for("desk.number_series"))
    series = list_series(library_id=workplace.library_id)
    form.rows.data = str(len(series))
    return render_template("desk/number_series.html", workplace=workplace, series=series, form=form)


def _reserve(form: ReserveForm, library_id: str) -> tuple[str, str]:
    """Reserve a row once, however often the page's form is sent. Returns what to say, and how it is meant."""
    if not form.validate():
        return str(UNREADABLE), "danger"
    try:
        take_tries(tries=[(SERIES, library_id)], now=now())
        with writing() as transaction:
            row = reserve_series(library_id=library_id, count=int(form.count.data), now=now())
            if str(len(list_series(library_id=library_id)) - 1) != form.rows.data:
                transaction.undo()
    except (TooManyAttempts, NoNumbersLeft) as error:
        return refusal_of(error), "danger"
    if transaction.is_undone:
        return _("Another row was reserved a moment ago. Look at the list before you reserve one more."), "info"
    first, last = group_card_number(row.first), group_card_number(row.last)
    return _("Reserved: %(first)s to %(last)s.", first=first, last=last), "success"
