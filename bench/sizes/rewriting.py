"""The nightly work and a change of keys: how long each takes, and how long a scan waits meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep

from app.register.keys.rotation import BATCH, count_older, list_renewables, renew
from app.register.leaving.overwriting import rewrite_tables
from app.register.store.transaction import db
from app.work.clean_up import clean_up
from bench.sizes.acts import scans
from bench.sizes.register import Register

_SCANS_A_SECOND = 10
_MOST_SCANS = 20_000
_RENEWED = 20 * BATCH
"""Rows of each kind that are renewed: the cost of a row is the same for the rest."""


@dataclass
class Waiting:
    """What scans waited while something went on, in seconds."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)


def clean(register: Register) -> tuple[float, int]:
    """Do the nightly work without rewriting. Returns its seconds, and how many rows were deleted or changed."""
    with register.portal.app_context():
        began = monotonic()
        done = clean_up(rewrite=False)
        db.session.remove()
    return monotonic() - began, sum(done.values())


def rewrite(register: Register, *, repack: bool) -> Waiting:
    """Write every table anew, with pg_repack or without it, while codes are scanned."""
    register.ask("CREATE EXTENSION IF NOT EXISTS pg_repack" if repack else "DROP EXTENSION IF EXISTS pg_repack")
    waiting = Waiting()
    with _scanning(register, waiting, seed=100 + repack), register.portal.app_context():
        began = monotonic()
        left = rewrite_tables()
        waiting.seconds = monotonic() - began
    if left:
        raise RuntimeError(f"not rewritten: {left}")
    return waiting


def rotate(register: Register) -> dict[str, tuple[int, float, float]]:
    """Renew some of each kind of secret. Returns how many there are, the seconds to count them, and a row's seconds."""
    done = {}
    with register.rotating.app_context():
        for renewable in list_renewables():
            began = monotonic()
            older = count_older(renewable)
            counting = monotonic() - began
            if older < BATCH // 10:
                continue
            began, renewed = monotonic(), 0
            for batch in renew(renewable):
                renewed += batch
                if renewed >= _RENEWED:
                    break
            done[f"{renewable.table.name}.{renewable.columns[0]}"] = (
                older,
                counting,
                (monotonic() - began) / max(1, renewed),
            )
        db.session.remove()
    return done


@contextmanager
def _scanning(register: Register, waiting: Waiting, *, seed: int) -> Iterator[None]:
    """Scan some codes a second, each when it is due: what comes while one waits, waits with it."""
    done, faults = threading.Event(), []

    def go_on(act: Iterator[float]) -> None:
        began, number = monotonic(), 0
        try:
            while not done.is_set():
                number += 1
                sleep(max(0.0, began + number / _SCANS_A_SECOND - monotonic()))
                waiting.waits.append(next(act))
        except Exception as error:
            faults.append(error)

    act = scans(register, _MOST_SCANS, seed=seed)
    next(act)
    thread = threading.Thread(target=go_on, args=(act,))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    if faults:
        raise faults[0]
