"""A page that is sent at once, and a part of it that follows in the same answer when libraries have said their word.

Whatever decides about the answer comes before its first byte: who may come in, the access log, status, cookies. What
follows needs no script: a rule of the style sheet hides the note in its place as soon as it is there (content.css).
"""

from collections.abc import Callable, Iterator

import structlog
from flask import Response, copy_current_request_context, current_app, g, render_template, stream_with_context
from flask_login import current_user
from markupsafe import Markup

from app.register.store.transaction import reading
from app.web.faults.errors import where_raised

WHAT_FOLLOWS = Markup("<!-- what follows -->")
"""Stands in the page where the part belongs, right behind the note."""

_log = structlog.get_logger()


def stream_page(page: str, *, find: Callable[[], str]) -> Response:
    """Answer with `page`, whose part WHAT_FOLLOWS is what `find` returns while the answer is under way.

    `find` runs after the request is over: within its context, and it writes nothing.
    Where it fails, a sentence stands in its place. It does not run where only the headers are asked for.
    """
    before, _place, after = page.partition(WHAT_FOLLOWS)
    signed_in, request_id, is_tested = current_user._get_current_object(), g.get("request_id"), current_app.testing
    fault = render_template("fault_followed.html")

    @copy_current_request_context
    def find_again() -> str:
        # Who comes is known; they are not looked up once more.
        g._login_user = signed_in
        with reading():
            return find()

    def send() -> Iterator[str]:
        yield before
        try:
            yield find_again()
        except Exception as error:
            if is_tested:
                raise
            _log.error("fault", id=request_id, kind=type(error).__name__, where=where_raised(error))
            yield fault
        yield after

    response = Response(send(), mimetype="text/html")
    # A proxy that gathers the answer would keep the page back (nginx).
    response.headers["X-Accel-Buffering"] = "no"
    return response


def stream_file(make: Callable[[], Iterator[bytes]], *, name: str, mimetype: str) -> Response:
    """Answer with a file that is made while it is sent, outside of any transaction of the request.

    Where it fails, the connection is broken off, so that nobody takes a part for the whole.
    """

    def send() -> Iterator[bytes]:
        with reading():
            yield from make()

    response = Response(stream_with_context(send()), mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
