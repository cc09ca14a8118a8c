"""The nightly rewriting with pg_repack: no scan waits for it, and nothing of whom was erased is left in any file."""

import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url, update

from app.register.leaving.erasure import erase_patron
from app.register.store.transaction import db, writing
from app.register.tables.patrons import Patron
from bench.sizes.register import Register, connect, open_register
from bench.sizes.rewriting import rewrite
from drills.figures import Figures
from tests.postgres import find_programs, running_postgres

_LONGEST_WAIT = 1.0
_MARK = "Kvæxåzölignar"
_ERASED = 100
_TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgname = 'repack_trigger'"
_COPIES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'repack'::regnamespace AND relname ~ '^(log|table)_[0-9]'"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_repack'"
_PATIENCE = 60


def drill(figures: Figures, *, short: bool) -> None:
    """Erase a hundred patrons, kill a pg_repack, and rewrite everything while codes are scanned."""
    people = 5_000 if short else 200_000
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="lanekort-drill-")))
        server = running.enter_context(running_postgres("wal_recycle=off", "min_wal_size=32MB"))
        register = running.enter_context(open_register(server, people=people, folder=folder))
        figures.note("patrons", f"{people:,}")
        _erase_some(register)
        before = _count_marks(register)
        figures.promise("an erased name in files before", before, holds=before > 0, promised="found")
        register.ask("CREATE EXTENSION pg_repack")
        _kill_one(register)
        traces = _number(register, _TRIGGERS)
        figures.promise("triggers of a killed pg_repack", traces, holds=traces == 1, promised="1")
        done = rewrite(register, repack=True)
        figures.note("rewriting all tables", f"{done.seconds:.0f} s, {len(done.waits)} scans meanwhile")
        longest = max(done.waits)
        figures.promise(
            "a scan's longest wait", f"{1000 * longest:.0f} ms", holds=longest < _LONGEST_WAIT, promised="below 1 s"
        )
        traces = sum(_number(register, query) for query in (_TRIGGERS, _COPIES))
        figures.promise("what pg_repack left behind", traces, holds=traces == 0, promised="0")
        after = _count_marks(register)
        figures.promise("an erased name in files after", after, holds=after == 0, promised="0")


def _erase_some(register: Register) -> None:
    with register.portal.app_context():
        for patron_id in range(1, _ERASED + 1):
            with writing():
                db.session.execute(update(Patron).where(Patron.id == patron_id).values(name=f"{_MARK} {patron_id}"))
        for patron_id in range(1, _ERASED + 1):
            with writing():
                erase_patron(patron_id=patron_id, reason="asked", now=datetime.now(UTC))
        db.session.remove()


def _count_marks(register: Register) -> int:
    """Return how often the name is in PostgreSQL's files, after it has thrown away what it needs no more of its log."""
    for _ in range(2):
        register.ask("SELECT pg_switch_wal()")
        register.ask("CHECKPOINT")
    folder = Path(str(register.ask("SHOW data_directory")[0][0]))
    return sum(path.read_bytes().count(_MARK.encode()) for path in folder.rglob("*") if path.is_file())


def _kill_one(register: Register) -> None:
    """Kill a pg_repack while it waits, with its trigger in place, for a transaction that stays open."""
    url = make_url(register.url)
    until = time.monotonic() + _PATIENCE
    with connect(register.url) as holder, holder.transaction():
        holder.execute("SELECT pg_current_xact_id()")
        command = [str(find_programs() / "pg_repack"), "--table=public.access_log", f"--dbname={url.database}"]
        command += [f"--host={url.host}", f"--port={url.port}", f"--username={url.username}"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not _number(register, _TRIGGERS):
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError("pg_repack ended before it was killed")
        process.kill()
        process.wait()
    # Its sessions end when the server notices.
    while _number(register, _SESSIONS):
        if time.monotonic() > until:
            raise RuntimeError("the sessions of the killed pg_repack go on")


def _number(register: Register, query: str) -> int:
    return int(str(register.ask(query)[0][0]))
