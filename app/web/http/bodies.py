"""What a client sends behind its headers: where that is malformed or cut short, the answer is 400."""

from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_DRAIN_BYTES = 16 * 1024 * 1024

_log = structlog.get_logger()


class _Body:
    """The body as the server reads it off the line (PEP 3333). What the server cannot read is the client's fault."""

    def __init__(self, server: "Any", expected: int | None) -> None:  # noqa: ANN401 - whatever the server has
        self._server = server
        self._expected = expected
        self._is_broken = False

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes. Raises BadRequest."""
        data = self._ask("read", size)
        if len(data) < size or size < 0:
            self._check_the_end()
        return data

    def readline(self, size: int = -1) -> bytes:
        """Return a line. Raises BadRequest."""
        data = self._ask("readline", size)
        if not data:
            self._check_the_end()
        return data

    def readlines(self, _hint: int = -1) -> list[bytes]:
        """Return the lines that are left. Raises BadRequest."""
        return list(self)

    def __iter__(self) -> "Iterator[bytes]":
        """Give the lines that are left. Raises BadRequest."""
        return iter(self.readline, b"")

    def _ask(self, method: str, size: int) -> bytes:
        if self._is_broken:
            # What the server gave now would look like the body's end.
            raise BadRequest
        try:
            data: bytes = getattr(self._server, method)(size) if size >= 0 else getattr(self._server, method)()
        except Exception as error:
            # Whatever the server's own kinds are. Its words may quote what was sent.
            self._is_broken = True
            _log.info("malformed body", kind=type(error).__name__)
            raise BadRequest from None
        if self._expected is not None:
            self._expected -= len(data)
        return data

    def _check_the_end(self) -> None:
        if self._expected is not None and self._expected > 0:
            self._is_broken = True
            raise BadRequest


def refuse_malformed_bodies(app: Flask) -> None:
    """Answer a body that the server cannot read with 400, wherever it is read."""
    answer = app.wsgi_app

    def answer_with_body(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        length = environ.get("CONTENT_LENGTH", "")
        expected = int(length) if length.isdigit() and not environ.get("HTTP_TRANSFER_ENCODING") else None
        environ["wsgi.input"] = _Body(environ["wsgi.input"], expected)
        return answer(environ, start_response)

    app.wsgi_app = answer_with_body  # type: ignore[method-assign]
    app.after_request(_read_to_the_end)


def _read_to_the_end(response: Response) -> Response:
    # Whoever is still sending sees a broken line instead of the answer, so what no view read is thrown away.
    if request.environ.get("wsgi.input_terminated"):
        left = _DRAIN_BYTES
        try:
            while left > 0 and (chunk := request.environ["wsgi.input"].read(min(left, 65536))):
                left -= len(chunk)
        except BadRequest:
            # The server closes the connection, for nobody knows where the next request begins.
            return response
    return response
