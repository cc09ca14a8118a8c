"""How gunicorn serves the portal; read by `gunicorn wsgi:app` in this folder. Its options go on the command line."""

import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.systemd import sd_notify

# So that gunicorn may be started in any folder, and keeps to its own version while an installation's links are led to
# another one.
chdir = str(Path(__file__).resolve().parent)
sys.path.insert(0, chdir)
from server import MOST_HEAD, Worker

# One process for each processor, and threads for what waits: for libraries, for the database, for the disk. On the
# command line they are --workers and --threads.
processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
workers = int(os.environ.get("WEB_CONCURRENCY") or max(2, processors or 2))
threads = int(os.environ.get("WEB_THREADS") or 12)
worker_class = Worker
worker_connections = 400
backlog = 512
# A worker whose main thread is silent for so long is replaced; no request takes a tenth of it.
timeout = 30
graceful_timeout = 30
# Longer than a proxy keeps a silent connection (nginx: 60 s), so that it never sends a request into one that closes.
keepalive = 75
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = min(8190, MOST_HEAD)
# It would let any program of the same user stop the portal.
control_socket_disable = True

# Links to a new PIN or a sign-in at the desk, links that undo a change, receipts and calendars are secrets in an
# address, a card number tells whom a library asked about, and gunicorn writes addresses: into its access log, for every
# request where its log is set to debug, and where a request fails outside of the portal.
_SECRET = re.compile(r"(/(?:new-pin|receipt|undo|calendar|desk/join)/)[^\s?\"']+")
_WHOSE = re.compile(r"(/(?:patrons|deaths)/)[^\s?\"'/]+|(?<![\w.])[Nn]\d{9}(?!\w)")


class _WithoutSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record, without the secret part of an address, card numbers, and what an error says."""
        if record.exc_info and record.exc_info[0]:
            trace = record.exc_info[2]
            while trace and trace.tb_next:
                trace = trace.tb_next
            where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "nowhere"
            record.msg, record.args = f"{record.getMessage()}: {record.exc_info[0].__name__} at {where}", ()
            record.exc_info = record.exc_text = None
        said = _SECRET.sub(r"\1<secret>", record.getMessage())
        record.msg, record.args = _WHOSE.sub(lambda found: (found[1] or "") + "<card number>", said), ()
        return True


_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_TELLS_SYSTEMD = "NOTIFY_SOCKET"
_systemd = os.environ.get(_TELLS_SYSTEMD)


def on_starting(server: Any) -> None:  # noqa: ANN401 - gunicorn's arbiter
    """Add the filter to both of gunicorn's logs; its workers are forked later, and inherit it.

    WEB_THREADS gives them the number of threads, since each thread may need a connection to the database. With
    METRICS_TOKEN they get a folder of their own to count in together.
    """
    # gunicorn would tell systemd that it is ready before any process has loaded the program.
    os.environ.pop(_TELLS_SYSTEMD, None)
    os.environ["WEB_THREADS"] = str(server.cfg.threads)
    for name in ("gunicorn.error", "gunicorn.access"):
        logging.getLogger(name).addFilter(_WithoutSecrets())
    if os.environ.get("METRICS_TOKEN"):
        # In memory where there is such a place: a write into a mapped file of a full disk would kill the process.
        places = (os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], "/dev/shm")  # noqa: S108
        place = next((each for each in places if each and os.access(each, os.W_OK)), None)
        os.environ[_SHARED] = tempfile.mkdtemp(prefix="lanekort-metrics-", dir=place)


def post_worker_init(worker: Any) -> None:  # noqa: ANN401 - gunicorn's
    """Tell systemd that the service is ready, once a process of it answers requests."""
    if _systemd:
        os.environ[_TELLS_SYSTEMD] = _systemd
        sd_notify("READY=1", worker.log, unset_environment=True)


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn's
    """Forget what a worker that is gone was doing; what it has counted still counts."""
    if _SHARED in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:  # noqa: ANN401 - gunicorn's
    """Remove the folder."""
    shutil.rmtree(os.environ.get(_SHARED, ""), ignore_errors=True)
