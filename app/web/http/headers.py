"""What every answer carries, so that a browser keeps a patron's page to itself."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import secure
from flask import Flask, Response, request

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_OF_THE_CARD = {"card.manifest", "card.service_worker", "card.shell", "card.offline"}
_FOR_EVERYBODY = {"static", *_OF_THE_CARD, "v1.libraries", "v1.library"}


def _policy(*, camera: bool) -> secure.ContentSecurityPolicy:
    # No inline script and no inline style, so there are no nonces. `data:` is for the style sheet's icons.
    # What reads codes in a browser that cannot do it by itself is WebAssembly, which is let in there alone.
    policy = secure.ContentSecurityPolicy().default_src("'none'")
    policy.script_src("'self'", *(["'wasm-unsafe-eval'"] if camera else [])).style_src("'self'").font_src("'self'")
    policy.img_src("'self'", "data:").connect_src("'self'").worker_src("'self'").manifest_src("'self'")
    return policy.form_action("'self'").base_uri("'none'").frame_ancestors("'none'")


def _fixed(*, https: bool, camera: bool) -> list[tuple[str, str]]:
    camera_for = "self" if camera else "()"
    return list(
        secure.Secure(
            csp=_policy(camera=camera),
            hsts=secure.StrictTransportSecurity().max_age(63072000).include_subdomains() if https else None,
            permissions=secure.PermissionsPolicy().camera(camera_for).geolocation("()").microphone("()"),
            referrer=secure.ReferrerPolicy().no_referrer(),
            coop=secure.CrossOriginOpenerPolicy().same_origin(),
            corp=secure.CrossOriginResourcePolicy().same_origin(),
            xcto=secure.XContentTypeOptions().nosniff(),
            xfo=secure.XFrameOptions().deny(),
        ).header_items()
    )


def send_headers(app: Flask, *, https: bool, camera_at: str) -> None:
    """Send the security headers with every answer, and let nothing but public files be stored.

    `camera_at` is the address of the one page that may use the camera.
    """
    # Worked out once and put on behind Flask: they are the same for every answer, and the scan is the hot path.
    without, with_camera = _fixed(https=https, camera=False), _fixed(https=https, camera=True)

    answer = app.wsgi_app

    def answer_with_headers(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        fixed = with_camera if environ["PATH_INFO"] == camera_at else without

        def start(
            status: str, headers: list[tuple[str, str]], fault: "OptExcInfo | None" = None
        ) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *fixed], fault)

        return answer(environ, start)

    app.wsgi_app = answer_with_headers  # type: ignore[method-assign]

    @app.after_request
    def say_what_may_be_stored(response: Response) -> Response:
        # A file or page that is the same for everybody says itself how long it may be kept.
        if request.endpoint not in _FOR_EVERYBODY or "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response
