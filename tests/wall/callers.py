"""Everybody who can come to a door, and somebody whose data none of them may get."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import Select, Table, select
from werkzeug.datastructures import Authorization
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.demo.accounts import ADMINISTRATORS, DESKS, MACHINES, DemoDesk
from app.register.card.families import give_permission
from app.register.messages.calendar_addresses import make_address
from app.register.messages.push import Subscription, subscribe
from app.register.moving.imports import begin_import
from app.register.patron.patrons import register_patron
from app.register.sign_in.pins import set_pin
from app.register.staff.staff import employ
from app.register.store.transaction import db, writing
from app.register.tables.columns import Base
from app.register.tables.devices import Device, Passkey
from app.register.tables.library import LibraryNotice, Staff
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission, Session
from app.register.tables.reminders import PushSubscription
from app.rules.library.staff import StaffRole
from app.rules.moving.columns import read_patron_file
from app.rules.people.contact import Contact
from app.web.access import AT_THE_DESK, Audience, audience_of
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
LOGIN = {Audience.PATRON: "/login", Audience.STAFF: "/desk/login", Audience.ADMINISTRATOR: "/desk/login"}
ELSEWHERE = DemoDesk(
    "Mull", "admin-mull", "Leder i Mullsjö", "a long password for tests", ADMINISTRATORS[0].totp_secret
)
"""An administrator of the other library."""


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
            desk = dict.fromkeys(AT_THE_DESK, "/desk")
            page = ({Audience.PATRON: "/my/settings"} | desk).get(self.audience, "/login")
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
        key = {"user_handle": "dmljdGlt", "webauthn_id": "dmljdGltJ3Mga2V5", "public_key": "a2V5", "sign_count": 0}
        key |= {"backed_up": False, "transports": "internal", "label": "Phone", "created_at": START}
        db.session.add(Passkey(patron_id=patron.id, **key))
        db.session.commit()
        patron_id = patron.id
    browser = app.test_client()
    browser.set_cookie("lang", "en")
    assert log_in(browser, *VICTIM, keep=True).status_code == 302
    with app.app_context():

        def newest(table: type[Base], owner: str = "patron_id") -> str:
            ids = db.session.scalars(select(table.__table__.c.id).where(table.__table__.c[owner] == patron_id))
            return str(max(ids))

        browser_there = Subscription("https://push.example.org/victim", b"p" * 65, b"a" * 16)
        with writing():
            there = int(newest(Device))
            subscribe(patron_id=patron_id, device_id=there, subscription=browser_there, now=START)
            make_address(patron_id=patron_id, now=START)
        with writing():
            import_id = begin_import(
                library_id="2023500",
                actor=ULLENSAKER.username,
                file=read_patron_file(f"navn;epost\n{MARKS['name']};{MARKS['email']}\n".encode()),
                file_hash="",
                language="nb",
                now=START,
            )
        objects = {
            "import_id": str(import_id),
            "card_number": VICTIM[0],
            "patron_id": str(patron_id),
            "device_id": newest(Device),
            "session_id": newest(Session),
            "permission_id": newest(FamilyPermission),
            "message_id": newest(Message),
            "passkey_id": newest(Passkey),
            "subscription_id": newest(PushSubscription),
            "notice_id": newest(LibraryNotice),
            # Of the victim's library.
            "staff_id": str(db.session.scalar(select(Staff.id).where(Staff.username == ULLENSAKER.username))),
            "machine": "2023500-kiosk1",
            # Not of anybody in particular, or of nobody.
            "library_id": "2023500",
            "filename": "favicon.svg",
            # Whoever has the real one may read: it is a key of its own.
            "secret": "no-such-secret",
            "maker": "google",
            "token": "no-such-token",
            "word": "no-such-word",
            "code": "NO-SUCH-CODE",
            "purpose": "login",
            "step": "details",
        }
        db.session.remove()
    return Victim(patron_id, Caller("the victim", Audience.PATRON, browser), objects)


def make_callers(app: APIFlask) -> dict[str, Caller]:
    """Return everybody else, signed in: a stranger, another patron, the other library's desk, administrator and system,
    and the library's own kiosk.
    """
    with app.app_context(), writing():
        sign_in = {"username": ELSEWHERE.username, "name": ELSEWHERE.name, "password": ELSEWHERE.password}
        employ(library_id="Mull", totp_secret=ELSEWHERE.totp_secret, role=StaffRole.ADMINISTRATOR, **sign_in)

    def browser() -> FlaskClient:
        client = app.test_client()
        client.set_cookie("lang", "en")
        return client

    patron, desk, administrator = browser(), browser(), browser()
    assert log_in(patron, *AT_MULLSJO_ONLY).status_code == 302
    assert desk_log_in(desk, MULLSJO).status_code == 302
    assert desk_log_in(administrator, ELSEWHERE).status_code == 302
    return {
        "stranger": Caller("a stranger", Audience.ANYONE, browser()),
        "patron": Caller("another patron", Audience.PATRON, patron),
        "staff": Caller("the desk of another library", Audience.STAFF, desk),
        "administrator": Caller("an administrator of another library", Audience.ADMINISTRATOR, administrator),
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


def read_rows_of_library(app: APIFlask, library_id: str) -> dict[str, list[str]]:
    """Read every row that names a library, but for counts of what its desks do."""
    found = {}
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in Base.metadata.sorted_tables:
            column = table.c.get("id" if table.name == "libraries" else "library_id")
            if column is not None and table.name != "act_counts":
                rows = connection.execute(select(table).where(column == library_id))
                found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found


def marks_in(response: TestResponse) -> set[str]:
    """Return which of the victim's marks stand in an answer, its headers included."""
    answer = f"{response.headers}\n{response.get_data().decode(errors='replace')}"
    return {name for name, mark in MARKS.items() if mark in answer}


def read_register(app: APIFlask) -> dict[str, list[str]]:
    """Read every row but the counters of tries and refusals, and when machines came, which are there to change."""
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(_but_visits(table)))
            for table in Base.metadata.sorted_tables
            if table.name not in ("attempt_counts", "machine_refusals")
        }


def _but_visits(table: Table) -> Select[Any]:
    return select(*(column for column in table.c if column.name != "last_seen_at"))


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
