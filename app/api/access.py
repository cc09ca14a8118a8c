"""How a machine comes in: a user name and password with every request, before anything is read; then JSON alone."""

from flask import abort, g, request

from app.register.access_log import Looker
from app.register.machines import MachineRefused, SignedInMachine, sign_in_machine
from app.register.scans import Terminal
from app.web.access import Audience, audience_of_request
from app.web.clock import now


def let_machine_in() -> None:
    """Sign the machine in where the route is for machines. Raises MachineRefused or TooManyAttempts."""
    if audience_of_request() is not Audience.MACHINE:
        return
    try:
        shown = request.authorization
    except ValueError:
        # Werkzeug lets base64's own complaint through where the header is not ASCII.
        raise MachineRefused from None
    if shown is None or shown.type != "basic" or not shown.username or "\x00" in shown.username:
        raise MachineRefused
    g.machine = sign_in_machine(
        username=shown.username,
        password=shown.password or "",
        address=request.remote_addr or "",
        now=now(),
    )


def read_json() -> None:
    """Refuse a body that is not called JSON (415), is none (400), or holds what no database takes as text (422)."""
    if not request.get_data():
        return
    if not request.is_json:
        abort(415)
    try:
        readable = _is_text(request.get_json())
    except RecursionError:
        abort(400)
    if not readable:
        abort(422)


def _is_text(value: object) -> bool:
    """Tell whether no text in a JSON value holds a NUL or half a character."""
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


def this_terminal() -> Terminal:
    """Return the terminal that the signed-in machine is."""
    machine: SignedInMachine = g.machine
    return Terminal(
        scope=f"{machine.kind}:{machine.username}",
        looker=Looker(role=machine.kind, actor=machine.username, library_id=machine.library_id),
        library_id=machine.library_id,
    )
