"""Everybody who can come to a door, and somebody whose data none of them may get."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import Authorization
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.demo.accounts import DESKS, MACHINES
from app.register.card.families import give_permission
from app.register.patron.patrons import register_patron
from app.register.sign_in.pins import set_pin
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.devices import Device
from app.register.tables.library import LibraryNotice
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission, Session
from app.rules.people.contact import Contact
from app.web.access import Audience, audience_of
from tests.conftest import START
from tests.doors.visits import AT_MULLSJO_ONLY, csrf_token, desk_log_in, log_in

VICTIM = ("N077700077", "6038")
MARKS = {
    "name": "Ylva Merkenavn",
    "birth date": "1983-08-19",
    "birth date in words": "19.08.1983",
    "address": "Skjulteveien 77",
    "phone": "+4799977123",
    "email": "ylva.merke@example.org",
}
ULLENSAKER, MULLSJO = DESKS
LOGIN = {Audience.PATRON: "/login", Audience.STAFF: "/desk/login"}


def basic(username: str) -> Authorization:
    password = next(machine.password for machine in MACHINES if machine.username == username)
    return Authorization("basic", {"username": username, "password": password})


@dataclass
class Caller:
    """Somebody at a browser, or a machine with its password."""

    name: str
    audience: Audience
    client: FlaskClient
    auth: Authorization | None = None
    _token: str = field(default="", repr=False)

    def call(self, method: str, path: str, fields: dict[str, object] | None = None) -> TestResponse:
        """Send a request as this caller sends it: a form with its token, or JSON."""
        if method == "GET":
            return self.client.get(path, auth=self.auth)
        if path.startswith("/api/"):
            return self.client.open(path, method=method, json=fields or {}, auth=self.auth)
        return self.client.open(path, method=method, data={"csrf_token": self.token()} | (fields or {}), auth=self.auth)

    def token(self) -> str:
        """Return a token against forgery that goes with this caller's cookie."""
        if not self._token:
            page = {Audience.PATRON: "/my/settings", Audience.STAFF: "/desk"}.get(self.audience, "/login")
            self._token = csrf_token(self.client, page)
        return self._token


@dataclass(frozen=True)
class Victim:
    """A patron of Ullensaker, signed in on a phone, and all objects of theirs that an address can name."""

    patron_id: int
    phone: Caller
    objects: dict[str, str]


def make_victim(app: APIFlask) -> Victim:
    with app.app_context():
        patron = register_patron(
            card_number=VICTIM[0],
            name=MARKS["name"],
            birth_date=date.fromisoformat(MARKS["birth date"]),
            gender="female",
            home_library_id="2023500",
            contact=Contact(
                address=MARKS["address"],
                postcode="2050",
                place="Jessheim",
                phone=MARKS["phone"],
                email=MARKS["email"],
                preferred_contact="email",
            ),
            national_id=None,
            now=START,
        )
        set_pin(patron_id=patron.id, pin=VICTIM[1], now=START)
        give_permission(patron_id=patron.id, guardian_card_number="N000100001", now=START)
        # One that waits in the post of the victim's library, and was tried in vain.
        db.session.add(
            Message(patron_id=patron.id, kind="contact-changed", channel="letter", asked_at=START, attempts=9)
        )
        db.session.commit()
        patron_id = patron.id
    browser = app.test_client()
    browser.set_cookie("lang", "en")
    assert log_in(browser, *VICTIM, keep=True).status_code == 302
    with app.app_context():

        def newest(table: type[Base], owner: str = "patron_id") -> str:
            ids = db.session.scalars(select(table.__table__.c.id).where(table.__table__.c[owner] == patron_id))
            return str(max(ids))

        objects = {
            "card_number": VICTIM[0],
            "patron_id": str(patron_id),
            "device_id": newest(Device),
            "session_id": newest(Session),
            "permission_id": newest(FamilyPermission),
            "message_id": newest(Message),
            "notice_id": newest(LibraryNotice),
            # Not of anybody in particular, or of nobody.
            "library_id": "2023500",
            "filename": "favicon.svg",
            "token": "no-such-token",
            "word": "no-such-word",
            "code": "NO-SUCH-CODE",
            "purpose": "login",
            "step": "details",
        }
        db.session.remove()
    return Victim(patron_id, Caller("the victim", Audience.PATRON, browser), objects)


def make_callers(app: APIFlask) -> dict[str, Caller]:
    """Return everybody else, signed in: a stranger, another patron, and the other library's desk, system and kiosk."""

    def browser() -> FlaskClient:
        client = app.test_client()
        client.set_cookie("lang", "en")
        return client

    patron, desk = browser(), browser()
    assert log_in(patron, *AT_MULLSJO_ONLY).status_code == 302
    assert desk_log_in(desk, MULLSJO).status_code == 302
    return {
        "stranger": Caller("a stranger", Audience.ANYONE, browser()),
        "patron": Caller("another patron", Audience.PATRON, patron),
        "staff": Caller("the desk of another library", Audience.STAFF, desk),
        "system": Caller("the system of another library", Audience.SYSTEM, browser(), basic("Mull")),
        "kiosk": Caller("the library's own kiosk", Audience.MACHINE, browser(), basic("2023500-kiosk1")),
    }


@dataclass(frozen=True)
class Route:
    """A method and an address, with what stands in it for parameters."""

    method: str
    path: str
    audience: Audience
    parameters: tuple[str, ...]

    def address(self, objects: dict[str, str]) -> str:
        return re.sub(r"<(\w+)>", lambda name: objects[name[1]], self.path)


def routes_of(app: APIFlask) -> Iterator[Route]:
    """Yield every route with each of its methods, from the URL map."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        assert isinstance(rule, Rule)
        audience = audience_of(app, rule.endpoint)
        assert audience is not None
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = re.sub(r"<\w+:", "<", rule.rule)
            yield Route(method, path, audience, tuple(sorted(rule.arguments)))


def marks_in(response: TestResponse) -> set[str]:
    """Return which of the victim's marks stand in an answer, its headers included."""
    answer = f"{response.headers}\n{response.get_data().decode(errors='replace')}"
    return {name for name, mark in MARKS.items() if mark in answer}


def read_register(app: APIFlask) -> dict[str, list[str]]:
    """Read every row of every table but the counters of tries, which are there to change."""
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in Base.metadata.sorted_tables
            if table.name != "attempt_counts"
        }


def read_rows_of(app: APIFlask, patron_id: int) -> dict[str, list[str]]:
    """Read every row that carries a patron's id, but for who looked at them."""
    found = {}
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in Base.metadata.sorted_tables:
            owner = table.c.get("id" if table.name == "patrons" else "patron_id")
            if owner is not None and table.name != "access_log":
                rows = connection.execute(select(table).where(owner == patron_id))
                found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found
