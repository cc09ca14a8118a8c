"""One line a request: what was asked of which route, and how it went. Nobody's data, no address, no query."""

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

    @app.before_request
    def start() -> None:
        g.request_id = secrets.token_hex(16)
        g.started = time.perf_counter()
        if is_timed(request):
            g.started -= waited_for_a_thread()

    @app.after_request
    def finish(response: Response) -> Response:
        # Each use of Flask's proxies costs about a microsecond.
        asked, kept = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
        response.headers["X-Request-ID"] = kept.request_id
        if asked.endpoint != "static":
            seconds = time.perf_counter() - kept.started
            observe(asked, status=response.status_code, seconds=seconds)
            # The rule, not the path: a path may hold a card number.
            _log.info(
                "request",
                id=kept.request_id,
                method=asked.method,
                route=asked.url_rule.rule if asked.url_rule else None,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        return response
