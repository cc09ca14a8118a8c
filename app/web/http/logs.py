"""One line a request: what was asked of which route, and how it went. Nobody's data, no address, no query."""

import logging
import secrets
import sys
import time

import structlog
from flask import Flask, Response, g, request

from app.web.faults.overload import waited_for_a_thread
from app.web.metrics.counting import is_timed, observe

_log = structlog.get_logger()


class _StandardOutput:
    """Writes to whatever the standard output is at that moment; structlog's own keeps the first one it met."""

    def __init__(self, *_names: object) -> None:
        pass

    def info(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    warning = error = info


_OURS = ("app.", "circulation")


class _OneLine(logging.Handler):
    """Writes one line for what a library warns of. Its own words may hold addresses, user names or data, so only who
    warns, the kind of an error and the place in the code are written; with Python's own handler all of it would be.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record."""
        if record.name.startswith(_OURS):
            _log.warning(record.getMessage())
            return
        kind = record.exc_info[0] if record.exc_info else None
        where = f"{record.filename}:{record.lineno}"
        _log.warning("a library warns", library=record.name, kind=kind and kind.__name__, where=where)


_handler = _OneLine(logging.WARNING)


def _has_no_row(record: logging.LogRecord) -> bool:
    # At DEBUG SQLAlchemy writes the rows that it reads, which `hide_parameters` does not hide.
    return record.levelno > logging.DEBUG


def log_requests(app: Flask) -> None:
    """Log each request with an id that the answer carries too, so that a caller can name it."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=_StandardOutput,
        cache_logger_on_first_use=True,
    )
    # Once in a process, however many apps it has.
    logging.getLogger().addHandler(_handler)
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_has_no_row)

    @app.before_request
    def start() -> None:
        g.request_id = draw_request_id()
        g.started = time.perf_counter()
        if is_timed(request.method, request.endpoint):
            g.started -= waited_for_a_thread(request.environ)

    @app.after_request
    def finish(response: Response) -> Response:
        # Each use of Flask's proxies costs about a microsecond.
        asked, kept = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
        response.headers["X-Request-ID"] = kept.request_id
        if asked.endpoint != "static":
            note_request(
                request_id=kept.request_id,
                method=asked.method,
                endpoint=asked.endpoint,
                # The rule, not the path: a path may hold a card number.
                route=asked.url_rule.rule if asked.url_rule else None,
                status=response.status_code,
                began=kept.started,
            )
        return response


def draw_request_id() -> str:
    """Return a new request's id."""
    return secrets.token_hex(16)


def note_request(
    *,
    request_id: str,
    method: str,
    endpoint: str | None,
    route: str | None,
    status: int,
    began: float,
) -> None:
    """Count a request that is answered, and write its line. It `began` then, by `time.perf_counter`."""
    seconds = time.perf_counter() - began
    observe(method, endpoint, status=status, seconds=seconds)
    _log.info("request", id=request_id, method=method, route=route, status=status, ms=round(seconds * 1000, 1))
