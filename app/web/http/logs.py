"""One line a request: what was asked of which route, and how it went. Nobody's data, no address, no query."""

import sys
import time
import uuid

import structlog
from flask import Flask, Response, g, request

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
            structlog.contextvars.merge_contextvars,
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
        g.request_id = uuid.uuid4().hex
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        if request.endpoint != "static":
            # The rule, not the path: a path may hold a card number.
            _log.info(
                "request",
                id=g.request_id,
                method=request.method,
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                ms=round((time.perf_counter() - g.started) * 1000, 1),
            )
        return response
