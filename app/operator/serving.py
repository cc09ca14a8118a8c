"""Serving the operator's page to this machine alone, with a link that opens it once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.operator import library_pages, pages, work_pages
from app.operator.door import KEPT, Kept, operator
from app.operator.entry import Entry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HERE: Final = "127.0.0.1"
_PAGES: Final = (library_pages, pages, work_pages)
"""A route of a module that nobody imports does not exist."""
_SERVED: Final = ("/operator", "/static/")
_HTTP: Final = 80
"""The port that no browser names."""
_LOOKING: Final = ("GET", "HEAD")
_OURS: Final = "same-origin"


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Write nothing: an address holds the link's token."""


def open_operators_page(app: Flask, *, port: int) -> "tuple[WSGIApplication, Entry]":
    """Return the page as a WSGI application for 127.0.0.1 and localhost at a port, and the way in.

    The app is given the page, which it must not have served without. Another host name is answered 404, so that no
    site can lead its own name to this machine and read along; so is what belongs to the portal, and what a page of
    another port of this machine sends, to which the browser adds the cookie.
    """
    kept = app.extensions[KEPT] = Kept()
    app.config["SESSION_COOKIE_SECURE"] = False  # this machine talks to itself, without TLS
    app.register_blueprint(operator)
    hosts = {f"{HERE}:{port}", f"localhost:{port}"}
    if port == _HTTP:
        hosts |= {HERE, "localhost"}

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_here = environ.get("HTTP_HOST") in hosts and environ["PATH_INFO"].startswith(_SERVED)
        is_ours = environ["REQUEST_METHOD"] in _LOOKING or environ.get("HTTP_SEC_FETCH_SITE", _OURS) == _OURS
        if not is_here or not is_ours:
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"Nothing is here."]
        return app.wsgi_app(environ, start_response)

    return serve, kept.entry


class NotListening(Exception):
    """The port is in use, or not to be had."""


def listen(app: Flask, *, port: int) -> tuple[BaseWSGIServer, str]:
    """Return a server of the page, which serves when told to, and the link that opens it once.

    Raises NotListening.
    """
    page, entry = open_operators_page(app, port=port)
    try:
        server = make_server(HERE, port, page, threaded=True, request_handler=_Silent)
    except (OSError, SystemExit):
        raise NotListening from None
    return server, f"http://{HERE}:{port}/operator/enter/{entry.draw_link()}"
