"""What only this process knows: its slow hashes, its connections to the database, which libraries do not answer it.

It is noted every few seconds by a thread, since another process may answer Prometheus, and no request shall pay for it.
"""

import threading
import time
from typing import Final

from flask import Flask
from prometheus_client import Gauge
from sqlalchemy import QueuePool

from app.ils.systems import Systems
from app.register.keys.evaluations import GATE
from app.register.store.transaction import db
from app.rules.circuit import State

EVERY_SECONDS: Final = 5.0

_evaluations = Gauge(
    "lanekort_evaluations",
    "Slow hashes (Argon2id) of PINs and passwords, running and waiting",
    ("state",),
    multiprocess_mode="livesum",
)
_connections = Gauge(
    "lanekort_database_connections", "Connections to the database that are in use", multiprocess_mode="livesum"
)
_most_connections = Gauge(
    "lanekort_database_connections_most", "How many connections may be in use", multiprocess_mode="livesum"
)
_circuit_open = Gauge(
    "lanekort_library_circuit_open",
    "1 where a library's system did not answer, and is not asked for a while",
    ("library",),
    multiprocess_mode="livemax",
)


def note_process(app: Flask) -> None:
    """Note the state of this process once."""
    waiting = max(0, GATE.inside - GATE.at_once)
    _evaluations.labels("waiting").set(waiting)
    _evaluations.labels("running").set(GATE.inside - waiting)
    with app.app_context():
        pool = db.engine.pool
    if isinstance(pool, QueuePool):
        _connections.set(pool.checkedout())
        _most_connections.set(pool.size() + pool._max_overflow)
    systems: Systems = app.extensions["ils"]
    for library_id, state in systems.circuits().items():
        _circuit_open.labels(library_id).set(state is not State.CLOSED)


def watch_process(app: Flask) -> None:
    """Note the state of this process every few seconds, in a thread of its own, until the process ends."""

    def watch() -> None:
        while True:
            note_process(app)
            time.sleep(EVERY_SECONDS)

    threading.Thread(target=watch, name="metrics", daemon=True).start()
