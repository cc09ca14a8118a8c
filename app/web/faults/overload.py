"""A request that needs a slow hash is refused while too many wait for one: no statement, no try, no evaluation."""

import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import current_app, g, request

from app.register.keys.evaluations import GATE

View = TypeVar("View", bound=Callable[..., Any])

_INFO_BYTES = 56
_LAST_DATA_RECEIVED = slice(52, 56)


def evaluates(*fields: str) -> Callable[[View], View]:
    """Say of a view that a POST needs a slow hash: always, or where the form has one of these fields."""

    def mark(view: View) -> View:
        view.evaluates = fields  # type: ignore[attr-defined]
        return view

    return mark


def refuse_if_too_busy() -> None:
    """Raise TooBusy where the request needs a slow hash that would come too late. Comes before all else."""
    fields = getattr(current_app.view_functions.get(request.endpoint or ""), "evaluates", None)
    if fields is None or request.method != "POST" or (fields and not any(field in request.form for field in fields)):
        return
    GATE.check_room(waited=waited_for_a_thread(request.environ))
    g.room_was_checked = True


def waited_for_a_thread(environ: Mapping[str, Any]) -> float:
    """Return for how many seconds what the client sent has been here; 0.0 where the system does not tell.

    Linux knows when the last data came in on a connection (tcpi_last_data_recv in TCP_INFO, milliseconds): while a
    request lies in the kernel, no other clock runs.
    """
    try:
        info = environ["gunicorn.socket"].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    except (AttributeError, KeyError, OSError):
        return 0.0
    return int.from_bytes(info[_LAST_DATA_RECEIVED], sys.byteorder) / 1000 if len(info) == _INFO_BYTES else 0.0
