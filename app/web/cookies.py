"""The names of the portal's cookies. All of them go to every path, and none to any other host."""

from flask import Response, current_app, request

_DEVICE = "lanekort_device"
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
        response.set_cookie(
            cookie_name(_DEVICE),
            token,
            max_age=_DEVICE_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
