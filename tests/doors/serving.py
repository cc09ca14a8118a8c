"""What staff do at the desk for somebody who came without a code, in words."""

from collections.abc import Sequence
from typing import Any

from bs4 import Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Row, func, select
from werkzeug.test import TestResponse

from app.register.change.freezing import freeze_card
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import Message
from app.register.tables.patrons import Affiliation, Patron
from tests.conftest import Clock
from tests.doors.visits import csrf_token, main_text, read_page

# Synthetic, and nobody's in the demonstration.
NOBODYS_NUMBER = "01831050027"

# Each by two things that staff are told.
INGRID = {"name": "Ingrid", "phone": "99900001"}
JONAS = {"name": "jonas solvang", "postcode": "2050"}
ASA = {"name": "Åsa", "email": "asa@example.org"}
PER = {"name": "Per", "email": "per@example.org"}


def look_up(desk: FlaskClient, **criteria: str) -> TestResponse:
    return desk.post("/desk/find", data={"csrf_token": csrf_token(desk, "/desk/find"), **criteria})


def serve(desk: FlaskClient, **criteria: str) -> str:
    """Look somebody up, begin to serve the first hit, and return what the page says of them."""
    fields = fields_of(find_form(look_up(desk, **criteria), "/desk/find/open"))
    assert desk.post("/desk/find/open", data=fields).location == "/desk/patron"
    return main_text(desk.get("/desk/patron"))


def find_form(page: TestResponse, action: str) -> Tag:
    form = read_page(page).find("form", action=action)
    assert isinstance(form, Tag), f"{page.request.path} has no form that leads to {action}: {main_text(page)}"
    return form


def fields_of(form: Tag) -> dict[str, str]:
    """Return a form's fields as a browser sends them, before anybody fills it in."""
    fields = {}
    for field in form.find_all(["input", "select"]):
        if field.name == "select":
            chosen = field.find("option", selected=True) or field.find("option")
            fields[str(field["name"])] = str(chosen["value"])
        elif field.get("type") != "checkbox" or field.has_attr("checked"):
            fields[str(field["name"])] = str(field.get("value", ""))
    return fields


def act(desk: FlaskClient, what: str, **fields: str) -> str:
    """Do something for the patron who is served, and return the page that comes after it."""
    answer = desk.post(f"/desk/patron/{what}", data={"csrf_token": csrf_token(desk, "/desk"), **fields})
    assert answer.status_code == 302, answer.status_code
    return main_text(desk.get(answer.location))


def has_act(desk: FlaskClient, what: str) -> bool:
    return read_page(desk.get("/desk/patron")).find("form", action=f"/desk/patron/{what}") is not None


def begin_enrolling(desk: FlaskClient, number: str | None = NOBODYS_NUMBER, **typed: str) -> TestResponse:
    """Go as far as to the form for the rest: with a national id, or without."""
    way = {"without": "1"} if number is None else {"national_id": number}
    return desk.post("/desk/enrol", data={"csrf_token": csrf_token(desk, "/desk/enrol"), **typed, **way})


def fill_in(page: TestResponse, **fields: str) -> dict[str, str]:
    """Fill in the form for the rest, for an adult with an e-mail address who accepts the rules."""
    filled = {"name": "Ola Nordli", "birth_date": "1991-04-02", "email": "ola@example.org", "rules": "y"}
    return fields_of(find_form(page, "/desk/enrol/details")) | filled | fields


def count_patrons() -> int:
    """Count the register's patrons, within the app's context."""
    count = db.session.scalar(select(func.count()).select_from(Patron)) or 0
    db.session.rollback()
    return count


def joined(app: Flask, card_number: str) -> set[str]:
    """Return the libraries where a card is activated."""
    with app.app_context(), db.engine.connect() as connection:
        found = select(Affiliation.library_id).join(Patron, Patron.id == Affiliation.patron_id)
        return set(connection.execute(found.where(Patron.card_number == card_number)).scalars())


def patron_row(app: Flask, card_number: str) -> Row[Any]:
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(select(Patron).where(Patron.card_number == card_number)).one()


def messages(app: Flask) -> Sequence[Row[Any]]:
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(select(Message.patron_id, Message.kind, Message.channel, Message.due_at)).all()


def looks(app: Flask) -> list[tuple[int, str, str]]:
    """Return every line of the access log: at whom, what for, at what."""
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(select(AccessLogEntry).order_by(AccessLogEntry.id))
        return [(row.patron_id, row.purpose, row.fields) for row in rows]


def freeze(app: Flask, clock: Clock, patron_id: int) -> None:
    with app.app_context():
        freeze_card(patron_id=patron_id, now=clock())
        db.session.commit()
