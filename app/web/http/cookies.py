"""The names of the portal's cookies. All of them go to every path, and none to any other host."""

from flask import Response, current_app, request

from app.register.staff.desk_browsers import draw_desk_browser, is_desk_browser

_DEVICE = "lanekort_device"
_DESK_BROWSER = "lanekort_desk_browser"
_KEPT_SECONDS = 400 * 86400


def cookie_name(name: str) -> str:
    """Return the name under which a cookie is set and read.

    Over HTTPS it has the prefix `__Host-`: a browser takes such a cookie from this very host and over HTTPS alone, so
    that neither another site of the same domain nor somebody in the network can plant one (RFC 6265bis § 4.1.3.2).
    """
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def device_token() -> str | None:
    """Return the token by which a card knows this browser again, if it holds one."""
    return request.cookies.get(cookie_name(_DEVICE))


def keep_device(response: Response, token: str | None) -> Response:
    """Let the patron's own device be known again. A borrowed one is given nothing to keep."""
    return response if token is None else keep_cookie(response, _DEVICE, token)


def desk_browser() -> str | None:
    """Return the token by which a library's desk knows this browser again, if it holds one."""
    return request.cookies.get(cookie_name(_DESK_BROWSER))


def keep_desk_browser(response: Response, *, library_id: str) -> Response:
    """Let a browser in which somebody of the library has just signed in be known at its desk."""
    token = desk_browser() or ""
    is_known = is_desk_browser(token, library_id=library_id)
    return keep_cookie(response, _DESK_BROWSER, token if is_known else draw_desk_browser(library_id=library_id))


def keep_cookie(response: Response, name: str, value: str) -> Response:
    """Let the browser keep a cookie that no script can read, for as long as browsers keep any: 400 days."""
    lasting = {"max_age": _KEPT_SECONDS, "secure": current_app.config["SESSION_COOKIE_SECURE"]}
    response.set_cookie(cookie_name(name), value, httponly=True, samesite="Lax", **lasting)
    return response
