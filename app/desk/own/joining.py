"""Setting up one's sign-in by the link in an e-mail: a password, and an app for one-time codes.

A GET uses no link up: mail scanners open every one. The link itself is a secret in an address, so the page is not
stored, names no referrer, and is logged by its rule.
"""

from typing import Any, Final

import pyotp
from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField

from app.desk.routes import desk
from app.register.limits.budgets import TooManyAttempts
from app.register.staff.links import (
    CodeNotRight,
    OpenedLink,
    StaffLinkNotValid,
    find_staff_link,
    set_up,
    take_link_tries,
)
from app.register.staff.staff import get_workplace
from app.register.store.transaction import writing
from app.rules.pins.password import LONGEST, SHORTEST, PasswordFault, PasswordNotGood
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import wait_page
from app.web.faults.overload import evaluates
from app.web.http.cookies import keep_desk_browser
from app.web.pages.squares import draw_link
from app.web.sign_in.identity import start_staff_session

_PAGE: Final = "desk/own/join.html"
_ISSUER: Final = "Lånekort"
_GROUP: Final = 4


class JoinForm(FlaskForm):
    """A password that somebody chooses, and a code of the app that has just got its key."""

    new_password = PasswordField(_l("Password"))
    code = StringField(_l("One-time code"))


@desk.route("/join/<token>", methods=["GET", "POST"])
@open_to(Audience.ANYONE)
@evaluates("new_password")
def join(token: str) -> ResponseReturnValue:
    """Show what a link leads to; the sign-in is set up, and the link used up, when the form is sent."""
    form, opened = JoinForm(), find_staff_link(token=token, now=now())
    if opened is None:
        return render_template("desk/own/link_gone.html"), 404
    if not form.validate_on_submit():
        page = render_template(_PAGE, **_words(opened, form, token))
        return page, 422 if form.is_submitted() else 200
    password, code = form.new_password.data or "", form.code.data or ""
    try:
        take_link_tries(token=token, address=request.remote_addr or "", now=now())
        with writing():
            staff_id = set_up(token=token, password=password, code=code, now=now())
            start_staff_session(staff_id=staff_id)
    except StaffLinkNotValid:
        return render_template("desk/own/link_gone.html"), 404
    except PasswordNotGood as error:
        form.new_password.errors = [fault_words(error.fault)]
    except CodeNotRight:
        form.code.errors = [_("The code does not fit. Take the one that the app shows now, for the key on this page.")]
    except TooManyAttempts as error:
        return wait_page(_PAGE, error, **_words(opened, form, token))
    else:
        flash(_("You are logged in. From now on you log in with user name, password and a code of the app."), "success")
        library_id = get_workplace(staff_id=staff_id).library_id
        return keep_desk_browser(make_response(redirect(url_for("desk.own_sign_in"))), library_id=library_id)
    return render_template(_PAGE, **_words(opened, form, token)), 422


def _words(opened: OpenedLink, form: JoinForm, token: str) -> dict[str, Any]:
    secret = opened.totp_secret
    address = pyotp.TOTP(secret).provisioning_uri(name=opened.username, issuer_name=_ISSUER)
    groups = " ".join(secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP))
    return {
        "opened": opened,
        "form": form,
        "token": token,
        "square": draw_link(address),
        "key": groups,
        "shortest": SHORTEST,
    }


def fault_words(fault: PasswordFault) -> str:
    """Return why a password may not be chosen, and what to do, in the reader's language."""
    return {
        PasswordFault.TOO_SHORT: _("A password has at least %(number)s characters.", number=SHORTEST),
        PasswordFault.TOO_LONG: _("A password has at most %(number)s characters.", number=LONGEST),
        PasswordFault.GUESSABLE: _(
            "This is easy to guess: it is mostly your name, the library, common words, a row of keys or a repetition. "
            "Take four words that have nothing to do with each other."
        ),
    }[fault]
