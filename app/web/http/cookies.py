"""The names of the portal's cookies. All of them go to every path, and none to any other host."""

from flask import Response, current_app, request

from app.register.staff.desk_browsers import draw_desk_browser, is_desk_browser

_DEVICE = "lanekort_device"
_DESK_BROWSER = "lanekort_desk_browser"
_DEVICE_SECONDS = 400 * 86400


def cookie_name(name: str) -> str:
    """Return the name under which a cookie is set and read.

    Over HTTPS it has the prefix `__Host-`: a browser takes such a cookie from this very host and over HTTPS alone, so
    that neither another site of the same domain nor somebody in the network can plant one (RFC 6265bis § 4.1.3.2).
    """
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def device_token() -> str | None:
    """Return the token by which a card knows this browser again, if it holds one."""
    return request.cookies.get(cookie_name(_DEVICE))


def keep_device(response: Response, token: str | None) -> None:
    """Let the patron's own device be known again. A borrowed one is given nothing to keep."""
    if token is not None:
        _keep(response, _DEVICE, token)


def desk_browser() -> str | None:
    """Return the token by which a library's desk knows this browser again, if it holds one."""
    return request.cookies.get(cookie_name(_DESK_BROWSER))


def keep_desk_browser(response: Response, *, library_id: str) -> Response:
    """Let a browser in which somebody of the library has just signed in be known at its desk."""
    token = desk_browser() or ""
    is_known = is_desk_browser(token, library_id=library_id)
    _keep(response, _DESK_BROWSER, token if is_known else draw_desk_browser(library_id=library_id))
    return response


def _keep(response: Response, name: str, token: str) -> None:
    response.set_cookie(
        cookie_name(name),
        token,
        max_age=_DEVICE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
