"""The gateway's metrics for Prometheus, without any data of patrons."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.rules.sip2 import FIXED_LENGTHS

_NAMESPACE = "lanekort_sip2"
_BY_LIBRARY = ("library",)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Figures:
    """One gateway's metrics, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        gauge = partial(Gauge, labelnames=_BY_LIBRARY, namespace=_NAMESPACE, registry=self.registry)
        timer = partial(
            Histogram, labelnames=_BY_LIBRARY, namespace=_NAMESPACE, registry=self.registry, buckets=_SECONDS
        )
        count = partial(Counter, namespace=_NAMESPACE, registry=self.registry)
        self.connections = gauge("connections", "Kiosks that are connected")
        self.system_up = gauge("system_up", "1 if the library's system answered last")
        self.added = timer("added_seconds", "Time that a message spent in the gateway")
        self.system = timer("system_seconds", "Time that the library's system took to answer")
        self.messages = count("messages", "Messages from kiosks", ("library", "code"))
        self.cards = count("cards", "Codes of phones: accepted, remembered, or why refused", ("library", "outcome"))
        self.troubles = count("troubles", "Messages refused for something other than their card", ("library", "why"))
        self.closed = count("closed", "Connections that ended, by why", ("library", "why"))


def name_of_code(code: bytes) -> str:
    """Return a message's code as a label. Unknown codes share one, so that the number of labels is bounded."""
    return code.decode("ascii") if code in FIXED_LENGTHS else "other"
