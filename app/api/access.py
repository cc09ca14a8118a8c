"""Authentication of machines: a user name and password with every request, checked before anything is read. Each
library has a budget of requests a minute."""

from datetime import datetime
from typing import Any, TypedDict

from apiflask import Schema
from apiflask.schema_adapters.marshmallow import parser
from flask import Request, abort, g, request
from marshmallow import missing
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from app.register.limits.budgets import take_tries
from app.register.log.access_log import Terminal, Viewer
from app.register.staff.machines import MachineRefused, sign_in_machine, terminal_of
from app.rules.errors import RuleBroken
from app.rules.json_text import DEEPEST
from app.rules.pins.pin import Budget
from app.web.access import MACHINES, Audience, audience_of_request
from app.web.clock import now

REQUESTS = Budget("library requests", limit=600, seconds=60)
_UNCOUNTED = "v1.scan"
_FOR_SUPPLIERS = "v1.authenticate"
_READING = ("GET", "HEAD", "OPTIONS", "DELETE")


class NotForSuppliers(RuleBroken):
    """A supplier of e-books may authenticate patrons, and no more."""


class SystemsOnly(RuleBroken):
    """A kiosk may scan and check PINs, and no more."""


def authenticate_machine() -> None:
    """Sign the machine in where the route is for machines. Raises MachineRefused, SystemsOnly, NotForSuppliers or
    TooManyAttempts."""
    audience = audience_of_request()
    if audience not in MACHINES:
        return
    try:
        shown = request.authorization
    except ValueError:
        # Werkzeug lets base64's own complaint through where the header is not ASCII.
        raise MachineRefused from None
    if shown is None or shown.type != "basic" or not shown.username or "\x00" in shown.username:
        raise MachineRefused
    machine = g.machine = sign_in_machine(
        username=shown.username, password=shown.password or "", address=request.remote_addr or "", now=now()
    )
    if machine.kind == "supplier" and request.endpoint != _FOR_SUPPLIERS:
        raise NotForSuppliers
    if audience is Audience.SYSTEM and machine.kind != "system":
        raise SystemsOnly
    if request.endpoint != _UNCOUNTED:
        spend(REQUESTS)


def spend(budget: Budget) -> None:
    """Spend one try of a budget of the machine's library. Raises TooManyAttempts."""
    take_tries(tries=[(budget, g.machine.library_id)], now=now())


def read_json() -> None:
    """Refuse a body that is not declared as JSON (415), is no JSON (400), or has text that no database takes (422)."""
    # A body of such a request means nothing (RFC 9110 § 9.3).
    if request.method in _READING:
        return
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        abort(413, description="The body is larger than 64 KiB.")
    if not body:
        if request.method == "PATCH":
            # An empty body is no patch; an empty POST gets the list of its missing fields.
            abort(422, description="The body is empty: send at least {}.")
        return
    if not request.is_json:
        abort(415, description="The body is not called JSON: send it with Content-Type: application/json.")
    try:
        # Python would read UTF-16 too, whose every other byte is NUL.
        is_utf_8 = b"\x00" not in body
        readable = is_utf_8 and _is_text(request.get_json())
    except BadRequest:
        is_utf_8 = readable = False
    if not is_utf_8:
        abort(400, description=f"The body is no JSON in UTF-8, or nests deeper than {DEEPEST} levels.")
    if not readable:
        abort(422, description="The body holds a character that no text has: NUL, or half of one.")


@parser.location_loader("json")
def load_json(request: Request, _schema: Schema) -> Any:  # noqa: ANN401 - JSON
    """Return the body as `read_json` has read it; webargs would parse it again, and refuse a byte order mark."""
    return request.get_json() if request.get_data() else missing


def _is_text(value: object) -> bool:
    """Return whether no text in a JSON value holds a NUL or a lone surrogate."""
    match value:
        case str():
            whole = value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
            return whole and "\x00" not in value
        case list():
            return all(map(_is_text, value))
        case dict():
            return all(map(_is_text, value)) and all(map(_is_text, value.values()))
        case _:
            return True


class Asking(TypedDict):
    """Who asks for a patron's data, for which library, and when."""

    viewer: Viewer
    library_id: str
    now: datetime


def asking() -> Asking:
    """Return who asks, in the arguments of the register's functions."""
    return Asking(viewer=this_terminal().viewer, library_id=g.machine.library_id, now=now())


def this_terminal() -> Terminal:
    """Return the terminal that the signed-in machine is."""
    return terminal_of(g.machine)
