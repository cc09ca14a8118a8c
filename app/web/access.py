"""Who may use which route. Closed by default: with a route that names no audience the program does not start.

The audience of every route is readable where the route is, and tests/house/ holds the whole list.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

View = TypeVar("View", bound=Callable[..., Any])


class Audience(StrEnum):
    """Who a route is for."""

    ANYONE = "anyone"
    PATRON = "patron"
    STAFF = "staff"
    MACHINE = "machine"
    SYSTEM = "system"
    OPERATOR = "operator"


MACHINES = (Audience.MACHINE, Audience.SYSTEM)
"""Those who show a password with every request; `SYSTEM` is a library's own system, and no kiosk."""
_CHECKED_BY_THE_VIEW = (*MACHINES, Audience.OPERATOR)


class RouteWithoutAudience(Exception):
    """A programming fault, found at the start: nobody said who may use this route."""


def open_to(audience: Audience, *, past: Callable[[], Response | None] | None = None) -> Callable[[View], View]:
    """Name a view's audience.

    `past` makes the answer for somebody who belonged to it a moment ago, in place of the page for logging in; None
    where it has none.
    """

    def name(view: View) -> View:
        view.audience = audience  # type: ignore[attr-defined]
        view.past = past  # type: ignore[attr-defined]
        return view

    return name


def audience_of(app: Flask, endpoint: str) -> Audience | None:
    """Return the audience that the endpoint's view names."""
    if endpoint == "static":
        return Audience.ANYONE
    return getattr(app.view_functions[endpoint], "audience", None)


def require_audiences(app: Flask) -> None:
    """Raise RouteWithoutAudience for a route that names none."""
    for rule in app.url_map.iter_rules():
        if audience_of(app, rule.endpoint) is None:
            raise RouteWithoutAudience(rule.endpoint)


def check_audience() -> ResponseReturnValue | None:
    """Refuse a request of the wrong audience before anything else happens. The API checks the passwords of machines,
    `/metrics` the operator's token."""
    audience = audience_of_request()
    if audience is None or audience in _CHECKED_BY_THE_VIEW or request.endpoint == "static":
        return None
    signed_in = current_user.audience if current_user.is_authenticated else None
    if audience is not Audience.ANYONE and audience is not signed_in:
        return redirect_to_sign_in(audience)
    return None


def redirect_to_sign_in(audience: Audience) -> Response:
    """Redirect to the page for logging in, or give the answer that the requested route has instead."""
    past = getattr(current_app.view_functions.get(request.endpoint or ""), "past", None)
    if past is not None and (answer := past()) is not None:
        return cast(Response, answer)
    login = "desk.login" if audience is Audience.STAFF else "portal.login"
    return make_response(redirect(url_for(login)))


def audience_of_request() -> Audience | None:
    """Return whom the requested route is for; None where there is no such route."""
    endpoint = request.endpoint
    return audience_of(current_app, endpoint) if endpoint else None
