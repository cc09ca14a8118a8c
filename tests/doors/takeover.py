"""A thief with one library's login, and twenty people who have never met that library."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.messages.channels import Inbox
from app.register.patron.patrons import register_patron
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.people.contact import Contact
from app.work.sending import send_one
from app.work.worker import handle_orders
from tests.conftest import Clock
from tests.doors.visits import log_in, submit
from tests.mail import MailServer

MANY = 20
PIN = "6152"
NEW_PIN = "8350"
THIEF_MAIL = "thief{n}@example.net"
THIEF_PHONE = "+479990{n:04d}"
EVERYTHING, LETTER_ALONE, NOTHING = "everything", "letter", "nothing"


@dataclass(frozen=True)
class Stranger:
    """Somebody with a card, and what the thief calls them."""

    n: int
    id: int
    card_number: str
    name: str


def make_strangers(app: Flask, clock: Clock, *, reached: str = EVERYTHING, many: int = MANY) -> list[Stranger]:
    """Give people cards at Ullensaker. `reached` is by what they were known before, and proved so."""
    made = []
    with app.app_context():
        for n in range(many):
            everything = reached == EVERYTHING
            contact = Contact(
                email=f"owner{n}@example.org" if everything else None,
                phone=f"+4799911{n:03d}" if everything else None,
                address=None if reached == NOTHING else f"Furuveien {n + 1}",
                postcode=None if reached == NOTHING else "2050",
                place=None if reached == NOTHING else "Jessheim",
                preferred_contact="email" if everything else "letter",
            )
            name = f"{chr(ord('A') + n)}nders Fremmed"
            patron = register_patron(
                name=name,
                birth_date=date(1980, 1, n + 1),
                gender="unknown",
                home_library_id="2023500",
                contact=contact,
                national_id=None,
                contact_is_proven=True,
                now=clock(),
            )
            set_pin(patron_id=patron.id, pin=PIN, now=clock())
            made.append(Stranger(n, patron.id, patron.card_number, name))
        db.session.commit()
    return made


def deliver(app: Flask) -> None:
    """Let the worker do all that is due."""
    with app.app_context():
        while handle_orders():
            db.session.commit()
        while send_one():
            pass
        db.session.remove()


def order_pins(client: FlaskClient, strangers: Iterable[Stranger]) -> None:
    """Order a new PIN for each, as anybody may who knows the number; never more than one address may in an hour."""
    for stranger in strangers:
        address = {"REMOTE_ADDR": f"192.0.2.{stranger.n + 1}"}
        client.environ_base.update(address)
        submit(client, "/new-pin", card_number=stranger.card_number)


def thiefs_mail(mail: MailServer, sms: Inbox) -> str:
    """Return all that has reached an address of the thief's, as one text."""
    letters = [message.get_content() for message in mail.received if "thief" in str(message["To"])]
    return "\n".join([*letters, *(letter.body for letter in sms.read() if letter.to.startswith("+479990"))])


def count_taken_over(app: Flask, strangers: Iterable[Stranger], read_loot: Callable[[], str]) -> int:
    """Use every link and code that reaches the thief, then count whose page opens with a PIN that the thief chose."""

    def codes() -> set[str]:
        return set(re.findall(r"(?<!\d)\d{6}(?!\d)", read_loot()))

    for token in re.findall(r"/new-pin/(\S+)", read_loot()):
        submit(app.test_client(), f"/new-pin/{token}", new_pin=NEW_PIN)
    taken = 0
    for stranger in strangers:
        thief = app.test_client()
        thief.environ_base["REMOTE_ADDR"] = f"198.51.100.{stranger.n + 1}"
        before = codes()
        log_in(thief, stranger.card_number, NEW_PIN)
        deliver(app)
        for code in codes() - before:
            submit(thief, "/login/code", code=code)
        taken += thief.get("/my").status_code == 200
    return taken


def forget_proofs(app: Flask) -> None:
    """Make the register as if everything that stands in it had been proven: what it was before addresses were."""
    with app.app_context():
        db.session.execute(update(Patron).values(proven_email=Patron.email, proven_phone=Patron.phone))
        db.session.commit()
