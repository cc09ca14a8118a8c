"""`/metrics`, for Prometheus: what all processes of this portal counted, and what waits in the register."""

import hmac
import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final
from weakref import WeakKeyDictionary

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from app.register.figures.backlog import Backlog, read_backlog
from app.register.store.database_faults import DATABASE_ERRORS
from app.register.store.transaction import db
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.health import find_fault

ANEW_AFTER: Final = 10.0
"""Seconds for which what the database said is good."""
SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
@open_to(Audience.OPERATOR)
def show() -> Response:
    """Show the figures to whoever has the operator's token."""
    token = current_app.config["METRICS_TOKEN"]
    if not token:
        abort(404)
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), token.encode()):
        return Response("A token is needed.\n", 401, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")
    registry = CollectorRegistry()
    # gunicorn.conf.py gives several processes a folder; one alone has all there is.
    registry.register(MultiProcessCollector(None) if SHARED_FOLDER in os.environ else REGISTRY)  # type: ignore[no-untyped-call]
    registry.register(_Register())
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


_kept: WeakKeyDictionary[Engine, tuple[float, list[Metric]]] = WeakKeyDictionary()
_asking = threading.Lock()


class _Register(Collector):
    """What the database says, at most ten seconds old in this process."""

    def collect(self) -> Iterable[Metric]:
        """Return the families; where the database does not work, only that."""
        with _asking:
            asked_at, families = _kept.get(db.engine, (float("-inf"), []))
            if time.monotonic() - asked_at >= ANEW_AFTER:
                families = list(_ask())
                _kept[db.engine] = time.monotonic(), families
        return families


def _ask() -> Iterator[Metric]:
    fault = find_fault()
    yield GaugeMetricFamily("lanekort_ready", "1 where /readyz says that requests can be served", not fault)
    try:
        backlog = read_backlog(now=now())
    except DATABASE_ERRORS:
        return
    yield from _describe(backlog)


def _describe(backlog: Backlog) -> Iterator[Metric]:
    length = GaugeMetricFamily("lanekort_queue_length", "How much waits in a queue", labels=["queue"])
    oldest = GaugeMetricFamily("lanekort_queue_oldest_seconds", "Since when the first of it waits", labels=["queue"])
    for name, queue in backlog.queues.items():
        length.add_metric([name], queue.length)
        oldest.add_metric([name], queue.oldest_seconds)
    notices = GaugeMetricFamily("lanekort_library_notices", "Notices that a library has not confirmed", labels=_TOLD)
    waited = GaugeMetricFamily("lanekort_library_notices_oldest_seconds", "Since when the first waits", labels=_TOLD)
    failed = GaugeMetricFamily("lanekort_library_failures", "Deliveries that failed in a row", labels=["library"])
    synced = GaugeMetricFamily(
        "lanekort_library_last_sync_timestamp_seconds", "When a library last confirmed a notice", labels=["library"]
    )
    for each in backlog.libraries:
        told = [each.library_id, "portal" if each.is_told else "library"]
        notices.add_metric(told, each.waiting.length)
        waited.add_metric(told, each.waiting.oldest_seconds)
        failed.add_metric([each.library_id], each.failures)
        if each.synced_at is not None:
            synced.add_metric([each.library_id], each.synced_at.timestamp())
    last_run = backlog.retention_ran_at.timestamp() if backlog.retention_ran_at else 0
    ran = GaugeMetricFamily(
        "lanekort_retention_last_run_timestamp_seconds", "When retention last ran to its end; 0: never", last_run
    )
    yield from (length, oldest, notices, waited, failed, synced, ran)


_TOLD: Final = ["library", "by"]
