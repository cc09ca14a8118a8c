"""A status page for the gateway's operator, and metrics for Prometheus: on this machine only, and without patrons."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY, make_wsgi_app
from werkzeug.serving import WSGIRequestHandler, make_server

from app.sip2.figures import Figures
from app.sip2.station import Station

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LOOPBACK = "127.0.0.1"
_HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ANN401 - werkzeug's own names
        """Log nothing: it is requested every few seconds."""


@contextmanager
def serve_status(stations: Sequence[Station], figures: Figures, *, port: int) -> Iterator[int]:
    """Serve `/` and `/metrics` on the loopback address, in a thread. Yields the port."""
    server = make_server(_LOOPBACK, port, _make_app(stations, figures), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _make_app(stations: Sequence[Station], figures: Figures) -> "WSGIApplication":
    # What the process counts beside the gateway's own: scans, budgets.
    figures.registry.register(REGISTRY)
    metrics = make_wsgi_app(figures.registry)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                given: Iterable[bytes] = metrics(environ, start_response)
                return given
            case "/":
                start_response("200 OK", _HEADERS)
                return [describe(stations, figures).encode()]
        start_response("404 Not Found", _HEADERS)
        return [b"Here are / and /metrics.\n"]

    return answer


def describe(stations: Sequence[Station], figures: Figures) -> str:
    """Return the state of each library's kiosks and system, as text."""
    return "\n".join(_describe(station, figures) for station in stations)


def _describe(station: Station, figures: Figures) -> str:
    settings = station.settings
    connected = figures.registry.get_sample_value("lanekort_sip2_connections", {"library": settings.library_id})
    lines = [
        f"Library {settings.library_id}, port {settings.port}, {'TLS' if settings.kiosk_tls else 'no TLS'}",
        f"  system {settings.ils_host}:{settings.ils_port}: "
        + (f"does not answer ({station.pause.fault})" if station.pause.fault else "no fault known"),
        f"  connected: {connected or 0:.0f}",
    ]
    for kiosk, connections in sorted(station.online.copy().items()):
        lines.append(f"  signed on: {kiosk}" + (f", {connections} lines" if connections > 1 else ""))
    return "\n".join(lines) + "\n"
