"""How a machine comes in: a user name and password with every request, before anything is read."""

from flask import g, request

from app.register.access_log import Looker
from app.register.machines import MachineRefused, SignedInMachine, sign_in_machine
from app.register.scans import Terminal
from app.web.access import Audience, audience_of_request
from app.web.clock import now


def let_machine_in() -> None:
    """Sign the machine in where the route is for machines. Raises MachineRefused or TooManyAttempts."""
    if audience_of_request() is not Audience.MACHINE:
        return
    shown = request.authorization
    if shown is None or shown.type != "basic" or not shown.username:
        raise MachineRefused
    g.machine = sign_in_machine(
        username=shown.username,
        password=shown.password or "",
        address=request.remote_addr or "",
        now=now(),
    )


def this_terminal() -> Terminal:
    """Return the terminal that the signed-in machine is."""
    machine: SignedInMachine = g.machine
    return Terminal(
        scope=f"{machine.kind}:{machine.username}",
        looker=Looker(role=machine.kind, actor=machine.username, library_id=machine.library_id),
        library_id=machine.library_id,
    )
