"""Backups: what lacks in the archive is found, and no backup outlives the journal of erasures."""

import re
from datetime import timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from app.register.journal.journaling import JOURNAL_ENTRIES

DEPLOY = Path(__file__).parents[2] / "deploy"
A_WEEK = timedelta(days=7)


def load(program: str) -> Any:
    loader = SourceFileLoader("program", str(DEPLOY / program))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("segments", "missing"),
    [
        ({}, []),
        ({1: {5, 6, 7}}, []),
        ({1: {254, 255, 256, 258}}, ["000000010000000100000001"]),
        # The next timeline begins in the segment in which the one before was left, or after it.
        ({1: {5, 6}, 2: {6, 7}}, []),
        ({1: {5, 6}, 2: {7, 8}}, []),
        ({1: {5, 6}, 2: {9}}, ["000000020000000000000007", "000000020000000000000008"]),
        # Back to an earlier moment, and forward again on the first timeline.
        ({1: {5, 6, 7, 8}, 2: {6}, 3: {9}}, []),
    ],
)
def test_a_segment_that_lacks_is_named(segments: dict[int, set[int]], missing: list[str]) -> None:
    assert load("pgbackrest/lanekort-backup").list_missing(segments) == missing


def test_backups_are_thrown_away_long_before_the_journals_entries() -> None:
    settings = (DEPLOY / "pgbackrest" / "pgbackrest.conf").read_text()
    kept = re.search(r"^repo1-retention-full-type=time\nrepo1-retention-full=(\d+)$", settings, re.MULTILINE)
    assert kept is not None
    # The oldest full backup stays until the next one is past its time.
    assert timedelta(days=int(kept[1])) + A_WEEK < JOURNAL_ENTRIES
    seconds = load("sqlite/lanekort-backup-sqlite").KEPT_SECONDS
    assert timedelta(seconds=seconds) < JOURNAL_ENTRIES
