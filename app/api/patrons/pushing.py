"""Notifications to patrons' phones, for libraries' systems."""

from datetime import UTC
from typing import Any

from apiflask import Schema
from apiflask.fields import DateTime, Integer, String
from apiflask.validators import OneOf
from flask import g, jsonify, make_response
from flask.typing import ResponseReturnValue

from app.api.document import WITH_BODY
from app.api.fields import about
from app.api.once import OnceIn, once
from app.api.routes import operation, v1
from app.register.library.patron_locks import lock_member
from app.register.library.strangers import counting_strangers
from app.register.limits.budgets import take_tries
from app.rules.card.number import parse_card_number
from app.rules.people.reminders import OF_LIBRARIES
from app.rules.pins.pin import Budget
from app.web.access import Audience, open_to
from app.web.clock import now
from app.work.pushing import remind_by_push

PUSHES = Budget("library pushes", limit=10_000, seconds=3600)
PUSHES_TO_PATRON = Budget("library pushes to patron", limit=10, seconds=24 * 3600)


class PushIn(Schema):
    """Of what the patron is to be reminded. No word of yours is sent, and no title."""

    kind = String(required=True, validate=OneOf(OF_LIBRARIES), metadata=about("as in `reminders`", example="due"))


class PushOut(Schema):
    """What becomes of it."""

    devices = Integer(required=True, metadata=about("on how many phones and computers it is shown"))
    after = DateTime(required=True, metadata=about("UTC; later than now where the patron has quiet hours"))


@v1.post("/patrons/<card:card_number>/push")
@open_to(Audience.SYSTEM)
@v1.input(PushIn)
@v1.input(OnceIn, location="headers")
@v1.output(PushOut, status_code=202, description="It is on its way, after the patron's quiet hours")
@operation("pushToPatron", *WITH_BODY, 403, 404, 409, 410)
def push(card_number: str, json_data: dict[str, Any], headers_data: dict[str, str]) -> ResponseReturnValue:
    """Show a notification.

    On the phone of a patron who has joined your library and wants this kind by `push` (`reminders`): that something is
    due, ready or overdue, in the patron's language and without a word about what. It is encrypted for the phone and
    deleted when it is sent. 409: the patron wants it by another way or has switched it on nowhere, so send an e-mail. A
    library may send ten a day to a patron, and 10,000 an hour.
    """
    library_id = g.machine.library_id
    number = parse_card_number(card_number)
    take_tries(tries=[(PUSHES_TO_PATRON, f"{library_id} {number}")], now=now())
    with counting_strangers(library_id=library_id, now=now()):
        return _push_once(card_number=number, json_data=json_data, headers_data=headers_data)


# The kept answer names no patron: nothing says afterwards whom a library reminded.
@once(spends=PUSHES)
def _push_once(card_number: str, json_data: dict[str, Any]) -> ResponseReturnValue:
    patron = lock_member(card_number=card_number, library_id=g.machine.library_id)
    devices, after = remind_by_push(patron_id=patron.id, kind=json_data["kind"], instant=now())
    return make_response(jsonify(devices=devices, after=after.astimezone(UTC).isoformat()), 202)
