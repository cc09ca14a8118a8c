"""What the start page shows in the demonstration, and the inbox with every message that was sent."""

from dataclasses import asdict
from datetime import date
from typing import Any

import pyotp
from flask import Blueprint, current_app, render_template
from flask_babel import gettext as _

from app.demo.accounts import ADMINISTRATORS, DESKS, LIBRARIES, MACHINES, PATRONS, WHO
from app.demo.eid import CHILD
from app.messages.channels import Inbox
from app.web.access import Audience, open_to
from app.web.clock import now, today

demo = Blueprint("demo", __name__, template_folder="templates")


class Demonstration:
    """The accounts a visitor may try, as the start page shows them."""

    patrons = tuple((patron.card_number, patron.pin, WHO[patron.card_number]) for patron in PATRONS)

    child = CHILD
    """A child for whom a guardian may get a card."""

    @property
    def child_born(self) -> date:
        """Return that child's birth date."""
        return CHILD.birth_date(today())

    @property
    def desks(self) -> list[dict[str, str]]:
        """Return the sign-ins at desks, each with its one-time code of now for those without an authenticator app."""
        return [
            asdict(desk)
            | {"library": LIBRARIES[desk.library_id]["name"], "code_now": pyotp.TOTP(desk.totp_secret).at(now())}
            | {"is_administrator": desk in ADMINISTRATORS}
            for desk in DESKS + ADMINISTRATORS
        ]

    @property
    def machines(self) -> list[tuple[str, str, str]]:
        """Return the systems and kiosks: what it is, user name, password."""
        kinds = {"system": _("Library system"), "kiosk": _("Kiosk"), "supplier": _("E-book supplier")}
        return [
            (f"{kinds[machine.kind]}, {LIBRARIES[machine.library_id]['name']}", machine.username, machine.password)
            for machine in MACHINES
        ]


@demo.get("/demo/inbox")
@open_to(Audience.ANYONE)
def inbox() -> str:
    """Show every message that was sent."""
    post: Inbox = current_app.extensions["post"]
    return render_template("demo/inbox.html", letters=post.read())


@demo.app_context_processor
def show_demonstration() -> dict[str, Any]:
    """Give every template the demonstration's accounts."""
    return {"demo": Demonstration()}
