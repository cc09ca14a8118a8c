"""What nginx passes on and how, what it answers by itself, and that its static files are the portal's."""

import ssl
import warnings
from http import HTTPStatus
from urllib.parse import quote

from bench.people import kiosk_authorization
from drills.deploy.answers import promise_page, promise_problem
from drills.deploy.portal import TOKEN, Portal, Upstream
from drills.deploy.proxy import HOME, NAME, Answer, Proxy
from drills.figures import Figures
from tests.ports import own_port

_STATIC = HOME / "app" / "static"
_PAGES = ("/", "/login", "/api", "/status", "/nowhere", "/card", "/time", "/readyz")
_FORGED = {
    "X-Forwarded-For": "203.0.113.77",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "forged.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/forged",
    "X-Real-IP": "203.0.113.77",
    "Forwarded": "for=203.0.113.77;proto=http;host=forged.example",
    "X_Forwarded_For": "203.0.113.77",
}
_REQUEST_BYTES = 64 * 1024


def try_static_files(figures: Figures, proxy: Proxy, portal: Portal) -> None:
    """Ask both for every static file in each of the ways in which browsers do; then nginx alone."""
    page = proxy.ask("GET", "/").body.decode()
    version = page.partition("/static/v-")[2].partition("/")[0]
    names = [quote(path.relative_to(_STATIC).as_posix()) for path in sorted(_STATIC.rglob("*")) if path.is_file()]
    different, asked = [], 0
    for coding in ("gzip, deflate, br", "identity"):
        # All of this release; a few as another release's page and a stranger ask for them, and one that is not there.
        few = [*names[:3], "no-such-file.css"]
        paths = [f"v-{version}/{name}" for name in names] + [f"v-0123456789/{name}" for name in few] + few
        for path in paths:
            headers = {"Accept-Encoding": coding}
            own = portal.ask("GET", f"/static/{path}", headers=headers)
            for _time in ("made", "kept"):
                asked += 1
                if proxy.ask("GET", f"/static/{path}", headers=headers) != own:
                    different.append(path)
    figures.promise(
        "static files", f"{asked} answers, {different[:3] or 'as the portal'}", holds=not different, promised="equal"
    )
    proxy.lead_to(own_port())
    alone = [proxy.ask("GET", f"/static/v-{version}/{name}").status for name in names]
    proxy.lead_to(portal.port)
    served = alone.count(HTTPStatus.OK)
    figures.promise(
        "static files without a portal", f"{served} of {len(names)}", holds=served == len(names), promised="all"
    )


def try_pages(figures: Figures, proxy: Proxy, portal: Portal) -> None:
    """Compare pages, and try TLS, passwords in clear, limits, figures, and a portal that is away."""
    different = [path for path in _PAGES if _frame(proxy.ask("GET", path)) != _frame(portal.ask("GET", path))]
    figures.promise("headers of pages", different or "as the portal's", holds=not different, promised="as the portal's")
    squeezed = proxy.ask("GET", "/login", headers={"Accept-Encoding": "gzip"}).header("content-encoding")
    figures.promise("personal pages", squeezed or "not compressed", holds=not squeezed, promised="not compressed")
    spoken = {_speak(proxy, version) for version in ssl.TLSVersion if version.name.startswith("TLSv1")}
    good = spoken - {""} == {"TLSv1.2 h2", "TLSv1.3 h2"}
    figures.promise("TLS", ", ".join(sorted(spoken - {""})), holds=good, promised="1.2 and 1.3 with HTTP/2")
    moved = proxy.ask("GET", "/login?next=/my", clear=True)
    figures.promise(
        "HTTP",
        moved.header("location"),
        holds=moved.header("location") == f"https://{NAME}/login?next=/my",
        promised="HTTPS",
    )
    refused = proxy.ask("POST", "/api/v1/scan", headers={"Authorization": kiosk_authorization()}, clear=True)
    promise_problem(figures, "password in clear", refused, 403, "https-required", clear=True)
    token = {"Authorization": f"Bearer {TOKEN}"}
    figured = [proxy.ask("GET", path, headers=token).status for path in ("/metrics", "//metrics/x", "/x/../metrics")]
    figures.promise("/metrics from outside", figured, holds=set(figured) == {404}, promised="404")
    large = b"x" * (_REQUEST_BYTES + 1)
    promise_page(figures, "a form that is too large", proxy.ask("POST", "/login", body=large), 413)
    promise_problem(
        figures,
        "a body that is too large",
        proxy.ask("POST", "/api/v1/scan", body=large),
        413,
        "request-entity-too-large",
    )
    proxy.lead_to(own_port())
    for path in ("/card", "/login"):
        down = proxy.ask("GET", path)
        promise_page(figures, f"{path} without a portal", down, 503)
    scan = proxy.ask("POST", "/api/v1/scan", body=b"{}")
    promise_problem(figures, "a scan without a portal", scan, 503, "portal-not-reached")
    proxy.lead_to(portal.port)


def try_passing_on(figures: Figures, proxy: Proxy, upstream: Upstream) -> None:
    """Look at what arrives behind the proxy, and at what it does where one of two portals fails."""
    proxy.lead_to(upstream.port)
    upstream.heard.clear()
    proxy.ask("GET", "/my/data", headers=_FORGED, source="127.0.0.9")
    heard = upstream.heard[0].decode("latin-1").lower()
    forged = [word for word in ("203.0.113.77", "forged", "proto: http\r") if word in heard]
    said = [line for line in heard.split("\r\n") if line.startswith(("x-forwarded", "host:"))]
    right = said == [f"host: {NAME}", "x-forwarded-for: 127.0.0.9", "x-forwarded-proto: https"]
    figures.promise("a forged address", forged or said, holds=right and not forged, promised="the true one alone")

    proxy.lead_to(own_port(), upstream.port)
    upstream.heard.clear()
    statuses = {proxy.ask(method, "/login", body=b"x=1").status for method in ("GET", "POST") for _n in range(10)}
    figures.promise(
        "one of two portals is down", statuses, holds=statuses == {200} and len(upstream.heard) == 20, promised="200"
    )

    second = Upstream()
    with second.running():
        proxy.lead_to(upstream.port, second.port)
        for method, times in (("GET", 2), ("POST", 1)):
            for each in (upstream, second):
                each.manner, each.heard = "break off", []
            proxy.ask(method, "/login", body=b"x=1")
            sent = len(upstream.heard) + len(second.heard)
            figures.promise(
                f"{method} that a portal breaks off", f"sent {sent} times", holds=sent == times, promised=f"{times}"
            )
    upstream.manner = "answer"


def _frame(answer: Answer) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Return status and headers without those that differ from one answer to the next."""
    return answer.status, tuple(p for p in answer.headers if p[0] not in {"content-length", "set-cookie", "etag"})


def _speak(proxy: Proxy, version: ssl.TLSVersion) -> str:
    context = ssl.create_default_context(cafile=str(proxy.folder / "tls" / "fullchain.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    try:
        with proxy.connect(trust=context) as connection:
            return f"{connection.version()} {connection.selected_alpn_protocol()}"
    except ssl.SSLError:
        return ""
