"""The gateway's metrics for Prometheus, without any data of patrons."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.rules.sip2 import FIXED_LENGTHS

_PREFIX = "lanekort_sip2_"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Figures:
    """One gateway's metrics, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connections = self._gauge("connections", "Kiosks that are connected")
        self.system_up = self._gauge("system_up", "1 if the library's system answered last")
        self.added = self._histogram("added_seconds", "Time that a message spent in the gateway")
        self.system = self._histogram("system_seconds", "Time that the library's system took to answer")
        self.messages = self._counter("messages", "Messages from kiosks", "code")
        self.cards = self._counter("cards", "Codes of phones: accepted, remembered, or why refused", "outcome")
        self.troubles = self._counter("troubles", "Messages refused for something other than their card", "why")
        self.closed = self._counter("closed", "Connections that ended, by why", "why")

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(_PREFIX + name, what, ("library",), registry=self.registry)

    def _histogram(self, name: str, what: str) -> Histogram:
        return Histogram(_PREFIX + name, what, ("library",), registry=self.registry, buckets=_SECONDS)

    def _counter(self, name: str, what: str, by: str) -> Counter:
        return Counter(_PREFIX + name, what, ("library", by), registry=self.registry)


def name_of_code(code: bytes) -> str:
    """Return a message's code as a label. Unknown codes share one, so that the number of labels is bounded."""
    return code.decode("ascii") if code in FIXED_LENGTHS else "other"
