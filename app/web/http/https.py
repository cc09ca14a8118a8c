"""A password that came in clear is refused, where the portal is served over HTTPS."""

import structlog
from flask import Response, request

from app.web.access import MACHINES, audience_of_request
from app.web.faults.errors import problem

_log = structlog.get_logger()


def refuse_password_in_clear() -> Response | None:
    """Refuse HTTP Basic that did not come by TLS, on any route, and any request to a route that needs a password.

    Nothing is looked at, so the answer tells nothing of the password; a redirect would have it sent in clear once more
    (RFC 7617 § 4).
    """
    if request.is_secure:
        return None
    shows_password = request.headers.get("Authorization", "").lstrip().lower().startswith("basic")
    if not shows_password and audience_of_request() not in MACHINES:
        return None
    if shows_password:
        # Not whose it is: nobody has proved to be them.
        _log.warning("password in clear", route=request.url_rule.rule if request.url_rule else None)
    said = "Use HTTPS. A password that was sent without it may have been read on the way: have it replaced."
    return problem(status=403, code="https-required", detail=said)
