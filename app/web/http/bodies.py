"""What a client sends behind its headers: where that is malformed or cut short, the answer is 400."""

import io
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest

from app.rules.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_DRAIN_BYTES = 16 * 1024 * 1024

_log = structlog.get_logger()


class _Body(io.RawIOBase):
    """The body as the server reads it (PEP 3333). What the server cannot read is the client's fault."""

    def __init__(self, server: Any, expected: int | None) -> None:  # noqa: ANN401 - whatever the server has
        self._server = server
        self._expected = expected
        self._is_broken = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer, and return with how many bytes. Raises BadRequest."""
        room = memoryview(buffer)
        if self._is_broken:
            # What the server gave now would look like the body's end.
            raise BadRequest
        try:
            data: bytes = self._server.read(len(room))
        except Exception as error:
            # Whatever the server's own kinds are. Its words may quote what was sent.
            self._is_broken = True
            _log.info("malformed body", kind=type(error).__name__)
            raise BadRequest from None
        room[: len(data)] = data
        if self._expected is not None:
            self._expected -= len(data)
            if self._expected > 0 and len(data) < len(room):
                self._is_broken = True
                raise BadRequest
        return len(data)


class BoundedJson(DefaultJSONProvider):
    """Flask's own, except that what nests too deep is refused; fields stay in the order in which they were written."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - as Flask has it
        """Return the value. Raises ValueError, which Flask answers with 400."""
        return parse_json(s, **kwargs)


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
    # A client that is still sending sees a broken connection instead of the answer, so the rest is read and dropped.
    if request.environ.get("wsgi.input_terminated"):
        left = _DRAIN_BYTES
        try:
            while left > 0 and (chunk := request.environ["wsgi.input"].read(min(left, 65536))):
                left -= len(chunk)
        except BadRequest:
            # The server closes the connection, for nobody knows where the next request begins.
            return response
    return response
