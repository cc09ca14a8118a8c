"""Who may use which route. Closed by default: with a route that names no audience the program does not start.

The audience of every route is readable where the route is, and tests/house/ holds the whole list.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from flask import Flask, Response, abort, current_app, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.register.staff.acts import is_administrator

View = TypeVar("View", bound=Callable[..., Any])


class Audience(StrEnum):
    """Who a route is for."""

    ANYONE = "anyone"
    PATRON = "patron"
    STAFF = "staff"
    ADMINISTRATOR = "administrator"
    MACHINE = "machine"
    SYSTEM = "system"
    OPERATOR = "operator"


AT_THE_DESK = (Audience.STAFF, Audience.ADMINISTRATOR)
"""Those who sign in at the desk. An administrator is a member of staff whose role says so at each request."""
MACHINES = (Audience.MACHINE, Audience.SYSTEM)
"""Those who show a password with every request; `SYSTEM` is a library's own system, and no kiosk."""
WANTED: Final = "wanted"
"""Under this the browser's cookie keeps which of the patron's pages was asked for before signing in."""
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


def takes_files(largest: int) -> Callable[[View], View]:
    """Let those for whom a view is send so many bytes, where everywhere else a request is small."""

    def name(view: View) -> View:
        view.largest = largest  # type: ignore[attr-defined]
        return view

    return name


def allow_files() -> ResponseReturnValue | None:
    """Allow a large body of files where the view takes them, once it is sure who sends it."""
    largest = getattr(current_app.view_functions.get(request.endpoint or ""), "largest", None)
    if largest is None:
        return None
    refusal = check_audience()
    if refusal is None and request.mimetype == "multipart/form-data":
        request.max_content_length = largest
    return refusal


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
    `/metrics` the operator's token. Raises NotFound for what is for administrators alone and asked for by other staff.
    """
    audience = audience_of_request()
    if audience is None or audience in _CHECKED_BY_THE_VIEW or request.endpoint == "static":
        return None
    signed_in = current_user.audience if current_user.is_authenticated else None
    needed = Audience.STAFF if audience is Audience.ADMINISTRATOR else audience
    if audience is not Audience.ANYONE and needed is not signed_in:
        return redirect_to_sign_in(audience)
    if audience is Audience.ADMINISTRATOR and not is_administrator(staff_id=current_user.staff_id):
        # Who works at the desk alone has no such page.
        abort(404)
    return None


def redirect_to_sign_in(audience: Audience) -> Response:
    """Redirect to the page for logging in, or give the answer that the requested route has instead."""
    past = getattr(current_app.view_functions.get(request.endpoint or ""), "past", None)
    if past is not None and (answer := past()) is not None:
        return cast(Response, answer)
    login = "desk.login" if audience in AT_THE_DESK else "portal.login"
    if audience is Audience.PATRON and request.method == "GET":
        session[WANTED] = request.endpoint
    return make_response(redirect(url_for(login)))


def audience_of_request() -> Audience | None:
    """Return whom the requested route is for; None where there is no such route."""
    endpoint = request.endpoint
    return audience_of(current_app, endpoint) if endpoint else None
