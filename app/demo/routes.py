"""What the start page shows in the demonstration, and on every page the word that it is one."""

from datetime import date
from typing import Any, NamedTuple

import pyotp
from flask import Blueprint, current_app, render_template
from flask_babel import gettext as _

from app.demo.accounts import DESKS, LIBRARIES, MACHINES, PATRONS
from app.demo.eid import CHILD, TestPerson
from app.messages.channels import Inbox
from app.web.access import Audience, open_to
from app.web.clock import now, today

demo = Blueprint("demo", __name__, template_folder="templates")


class ShownDesk(NamedTuple):
    """A desk's sign-in, with the one-time code of this instant for a visitor without an authenticator app."""

    library: str
    username: str
    password: str
    totp_secret: str
    code_now: str


class Demonstration:
    """The accounts a visitor may try, as the start page shows them."""

    patrons = tuple((patron.card_number, patron.pin, patron.who) for patron in PATRONS)

    @property
    def child(self) -> TestPerson:
        """Return a child for whom a guardian may get a card."""
        return CHILD

    @property
    def child_born(self) -> date:
        """Return that child's birth date."""
        return CHILD.birth_date(today())

    @property
    def desks(self) -> list[ShownDesk]:
        """Return the desks."""
        return [
            ShownDesk(
                library=LIBRARIES[desk.library_id][0],
                username=desk.username,
                password=desk.password,
                totp_secret=desk.totp_secret,
                code_now=pyotp.TOTP(desk.totp_secret).at(now()),
            )
            for desk in DESKS
        ]

    @property
    def machines(self) -> list[tuple[str, str, str]]:
        """Return the systems and kiosks: what it is, user name, password."""
        kinds = {"system": _("Library system"), "kiosk": _("Kiosk"), "supplier": _("E-book supplier")}
        return [
            (f"{kinds[machine.kind]}, {LIBRARIES[machine.library_id][0]}", machine.username, machine.password)
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
