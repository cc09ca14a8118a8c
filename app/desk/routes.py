"""Staff signing in and out."""

from functools import partial

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.desk.lending.forms import StaffLoginForm
from app.register.limits.budgets import TooManyAttempts
from app.register.staff.staff import StaffSignInRefused, get_workplace, sign_in_staff
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.http.cookies import desk_browser, keep_desk_browser
from app.web.metrics.counting import count_sign_in
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
        start_staff_session(staff_id=staff_id)
    except StaffSignInRefused:
        refusal = _("That did not fit together. A one-time code can be used once; wait for the next.")
        return render_template("desk/login.html", form=form, refusal=refusal), 401
    except TooManyAttempts as error:
        return wait_page("desk/login.html", error, form=form)
    library_id = get_workplace(staff_id=staff_id).library_id
    return keep_desk_browser(make_response(redirect(url_for("desk.scan"))), library_id=library_id)


@desk.post("/logout")
@open_to(Audience.ANYONE)
def logout() -> ResponseReturnValue:
    """Sign out at this desk."""
    end_own_session()
    return redirect(url_for("desk.login"))
