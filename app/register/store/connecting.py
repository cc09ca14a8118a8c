"""How connections to PostgreSQL are made, whether the server, a proxy or a pooler is at their other end."""

from contextvars import ContextVar
from typing import Any, Final

from psycopg import Connection, capabilities
from psycopg.errors import Diagnostic

CONNECT: Final[dict[str, Any]] = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq's options. Who gets no connection in two seconds is told so; a machine that has lost its power is missed after
about ten, where the system's own time is two hours. All but the last (milliseconds) are in seconds."""

_PROBE: Final = b"lanekort_probe"
_RENAMED: Final = b"SELECT name FROM pg_prepared_statements WHERE name LIKE 'PGBOUNCER!_%' ESCAPE '!'"
_WAITS_FOR_A_STANDBY: Final = "SyncRepWaitForLSN"

_is_in_doubt: ContextVar[bool] = ContextVar("is_in_doubt", default=False)


class NotReplicated(Exception):
    """A commit is valid, and lost if the primary is lost now: it must not be acknowledged.

    PostgreSQL does so where the wait for the standby is cancelled (pg_cancel_backend).
    https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
    """


def tune_postgresql(connection: Connection, _record: object = None) -> None:
    """Prepare no statements where they would not be found again, and notice commits that a standby may not have."""
    if not _keeps_what_is_prepared(connection):
        connection.prepare_threshold = None
    connection.add_notice_handler(_note_doubt)


def is_pooled(connection: Connection) -> bool:
    """Tell whether a pooler is in between, so that each transaction may meet other settings of the session.

    It tells its clients another process number than the server's.
    """
    said = connection.pgconn.exec_(b"SELECT pg_backend_pid()").get_value(0, 0)
    return said != b"%d" % connection.info.backend_pid


def _keeps_what_is_prepared(connection: Connection) -> bool:
    """Tell whether a statement that is prepared now can be used in another transaction.

    PgBouncer in transaction mode gives each transaction any of the server's processes. With `max_prepared_statements`
    it prepares a statement there anew, under names of its own; otherwise the process does not know it, or knows
    another one of that name.
    """
    if not is_pooled(connection):
        return True
    libpq = connection.pgconn
    if not capabilities.has_send_close_prepared():
        return False
    libpq.exec_(b"BEGIN")
    libpq.prepare(_PROBE, _RENAMED)
    is_renamed = libpq.exec_prepared(_PROBE, None).ntuples > 0
    libpq.close_prepared(_PROBE)
    libpq.exec_(b"COMMIT")
    return is_renamed


def forget_doubts() -> None:
    """Begin anew, before a request."""
    _is_in_doubt.set(False)


def check_replicated() -> None:
    """Raise NotReplicated where a commit of this request was acknowledged that no synchronous standby has confirmed."""
    if _is_in_doubt.get():
        raise NotReplicated


def _note_doubt(said: Diagnostic) -> None:
    # The warning has no code of its own, and its text is in the server's language.
    if said.source_function == _WAITS_FOR_A_STANDBY:
        _is_in_doubt.set(True)
