"""`python -m bench.access_log`: how long the access log takes to be sealed and verified, on PostgreSQL."""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.register.log.proofs import body_of, prove
from app.register.log.sealing import seal_all
from app.register.log.verification import verify
from app.register.store.transaction import db
from bench.machine import describe_machine
from bench.people import fill_register, make_portal
from tests.postgres import create_database, running_postgres

_PEOPLE = 5_000
_COLUMNS = ("at", "patron_id", "library_id", "role", "actor", "purpose", "fields", "proof")


def main() -> None:
    """Read how many lines there are to be, fill a register with them, and print how long each step took."""
    parser = argparse.ArgumentParser(prog="python -m bench.access_log", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the log")
    lines: int = parser.parse_args().lines
    print(describe_machine(), flush=True)
    with running_postgres() as server:
        url = create_database(server, "log")
        fill_register(url, people=_PEOPLE)
        with make_portal(url).app_context():
            with _timed("written", lines):
                write_lines(lines)
            with _timed("sealed", lines):
                seal_all()
            with _timed("verified", lines):
                *_, done = verify(kept={}, is_complete=False)
            print(f"{done.links} links, {done.lines} lines, {len(done.findings)} findings")
            size = db.session.execute(text("SELECT pg_total_relation_size('access_log_chain')")).scalar_one()
            print(f"the chain takes {size / done.links:.0f} bytes a line")
            db.session.remove()
            db.engine.dispose()


def write_lines(lines: int) -> None:
    """Write lines with real proofs, a quarter of a second apart, in the place of all that are there."""
    began = datetime.now(UTC) - timedelta(seconds=lines / 4)
    patrons = db.session.execute(text("SELECT id FROM patrons")).scalars().all()
    # What fills a register writes lines without a proof.
    db.session.execute(text("DELETE FROM access_log"))
    db.session.commit()
    raw: Any = db.engine.raw_connection()
    with raw.cursor() as cursor, cursor.copy(f"COPY access_log ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for number in range(lines):
            line = {
                "at": began + timedelta(seconds=number / 4),
                "patron_id": patrons[number * 7919 % len(patrons)],
                "library_id": "bench",
                "role": "kiosk",
                "actor": "bench-kiosk",
                "purpose": "scan",
                "fields": "name, age band, home library",
            }
            copy.write_row((*line.values(), prove(body_of(**line))))
    raw.commit()
    raw.close()


@contextmanager
def _timed(what: str, lines: int) -> Iterator[None]:
    began, ours = time.perf_counter(), time.process_time()
    yield
    took, worked = time.perf_counter() - began, time.process_time() - ours
    print(f"{what}: {took:.1f} s, {lines / took:.0f} lines/s; {worked:.1f} s of it in Python", flush=True)


if __name__ == "__main__":
    main()
