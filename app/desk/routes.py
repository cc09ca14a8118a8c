"""Staff signing in, and the scan."""

from functools import partial

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.forms import ScanForm, StaffLoginForm
from app.desk.terminal import start_visit, this_terminal, this_workplace
from app.desk.words import ShownResult, describe
from app.register.card.scans import Accepted
from app.register.card.scans import scan as scan_code
from app.register.limits.budgets import TooManyAttempts
from app.register.staff.staff import StaffSignInRefused, Workplace, get_workplace, sign_in_staff
from app.rules.card.scan import Reason, Refused
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.gate import ask_blocks, library_systems
from app.web.http.cookies import desk_browser, keep_desk_browser
from app.web.metrics.counting import count_scan, count_sign_in
from app.web.sign_in.identity import DESK_PATH, end_own_session, start_staff_session

desk = Blueprint("desk", __name__, url_prefix=DESK_PATH, template_folder="templates")


@desk.route("/login", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates()
def login() -> ResponseReturnValue:
    """Sign a staff member in with password and one-time code."""
    form = StaffLoginForm()
    if not form.validate_on_submit():
        return render_template("desk/login.html", form=form), 422 if form.is_submitted() else 200
    try:
        attempt = partial(
            sign_in_staff,
            username=form.username.data or "",
            password=form.password.data or "",
            code=form.code.data or "",
            address=request.remote_addr or "",
            browser=desk_browser(),
            now=now(),
        )
        staff_id = count_sign_in("desk", attempt)
    except StaffSignInRefused:
        refusal = _("That did not fit together. A one-time code can be used once; wait for the next.")
        return render_template("desk/login.html", form=form, refusal=refusal), 401
    except TooManyAttempts as error:
        return wait_page("desk/login.html", error, form=form)
    library_id = get_workplace(staff_id=staff_id).library_id
    start_staff_session(staff_id=staff_id)
    return keep_desk_browser(make_response(redirect(url_for("desk.scan"))), library_id=library_id)


@desk.post("/logout")
@open_to(Audience.ANYONE)
def logout() -> ResponseReturnValue:
    """Sign out at this desk."""
    end_own_session()
    return redirect(url_for("desk.login"))


@desk.route("", methods=["GET", "POST"])
@open_to(Audience.STAFF)
def scan() -> ResponseReturnValue:
    """Show the scan field, and what the last scan gave. Nothing of an earlier patron is kept on the page."""
    form = ScanForm()
    result: ShownResult | None = None
    workplace = this_workplace()
    if form.validate_on_submit():
        outcome = scan_code(payload=form.payload.data or "", terminal=this_terminal(workplace), now=now())
        count_scan("desk", outcome)
        start_visit(outcome.session if isinstance(outcome, Accepted) else None)
        result = describe(outcome, blocks=_blocks_here(outcome, workplace))
    elif form.is_submitted():
        result = describe(Refused(Reason.NOT_OURS))
    form.payload.data = ""
    lends = library_systems().lending(workplace.library_id) is not None
    return render_template("desk/desk.html", form=form, result=result, workplace=workplace, lends=lends)


def _blocks_here(outcome: Accepted | Refused, workplace: Workplace) -> tuple[str, ...]:
    if isinstance(outcome, Refused) or not outcome.patron.activated_here:
        return ()
    return ask_blocks(library_id=workplace.library_id, card_number=outcome.patron.card_number) or ()
