"""A short way for the scan, in front of Flask: one statement signs in and looks up, and no hook is asked.

It takes requests that are written as kiosks write them, and answers accepted scans alone. Everything else goes to the
ordinary route, which says what an answer is: docs/adr/0025.
"""

import io
import json
import re
import time
from base64 import b64decode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from flask import Flask, request
from werkzeug.exceptions import BadRequest

from app.api.scanning.answer import describe_accepted
from app.register.card.scans import scan_at_once
from app.register.store.connecting import check_replicated
from app.register.store.transaction import begin_reading, end_reading
from app.web.clock import now
from app.web.faults.journal_watch import is_known_right
from app.web.faults.overload import waited_for_a_thread
from app.web.http.logs import draw_request_id, note_request
from app.web.metrics.counting import count_scan

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH: Final = "/api/v1/scan"
_ENDPOINT: Final = "v1.scan"
_FAULT: Final = "lanekort.fault"
_BODY: Final = re.compile(rb'\s*\{\s*"payload"\s*:\s*"([ !#-\[\]-~]{1,200})"\s*\}\s*')
# Programs for .NET and Java name the coding, which is the only one there is (RFC 8259 § 8.1).
_TYPES: Final = ("application/json", "application/json;charset=utf-8")
_LENGTH: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_write_json = json.JSONEncoder(separators=(",", ":")).encode


class _Asked(NamedTuple):
    """Who scans, and what was scanned."""

    username: str
    password: str
    payload: str


class ScanAtOnce:
    """A WSGI application that answers accepted scans by itself, and lets Flask answer everything else."""

    def __init__(self, app: Flask, *, https_only: bool) -> None:
        self._app, self._ordinary, self._https_only = app, app.wsgi_app, https_only

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        if environ["PATH_INFO"] == PATH and (asked := self.read(environ)) is not None:
            began = time.perf_counter() - waited_for_a_thread(environ)
            body = self._answer(asked, environ)
            if body is not None:
                request_id = draw_request_id()
                note_request(
                    request_id=request_id, method="POST", endpoint=_ENDPOINT, route=PATH, status=200, began=began
                )
                headers = [
                    ("Content-Type", "application/json"),
                    ("Content-Length", str(len(body))),
                    ("X-Request-ID", request_id),
                    ("Cache-Control", "no-store"),
                ]
                start_response("200 OK", headers)
                return [body]
        return self._ordinary(environ, start_response)

    def read(self, environ: "WSGIEnvironment") -> _Asked | None:
        """Return what is asked, where that is written in the usual way. The body can be read again."""
        is_usual = (
            environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE", "").lower().replace(" ", "") in _TYPES
            and _LENGTH.fullmatch(environ.get("CONTENT_LENGTH", "")) is not None
            and not (environ.get("QUERY_STRING") or environ.get("SCRIPT_NAME"))
            and not ("HTTP_COOKIE" in environ or "HTTP_TRANSFER_ENCODING" in environ)
            and (environ["wsgi.url_scheme"] == "https" or not self._https_only)
        )
        if not is_usual:
            return None
        scheme, _, shown = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            username, _, password = b64decode(shown, validate=True).decode().partition(":")
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        except (ValueError, BadRequest):
            return None
        environ["wsgi.input"] = io.BytesIO(body)
        found = _BODY.fullmatch(body)
        if scheme != "Basic" or not username or "\x00" in username or found is None:
            return None
        return _Asked(username, password, found[1].decode())

    def _answer(self, asked: _Asked, environ: "WSGIEnvironment") -> bytes | None:
        """Return the answer to an accepted scan. None: nothing was written, and the ordinary route answers."""
        with self._app.app_context():
            if not is_known_right():
                return None
            begin_reading()
            try:
                done = scan_at_once(**asked._asdict(), now=now())
                if done is None:
                    return None
                check_replicated()
                accepted, terminal = done
                count_scan("api", accepted)
                return _write_json(describe_accepted(accepted, library_id=terminal.library_id)).encode() + b"\n"
            except Exception as fault:
                # What becomes of it says the ordinary route, which does nothing of this again.
                environ[_FAULT] = fault
                return None
            finally:
                end_reading()


def raise_fault() -> None:
    """Raise what went wrong on the short way, where the ordinary route has its answer. Comes before all of the API's
    own checks."""
    fault = request.environ.get(_FAULT)
    if fault is not None:
        raise fault
