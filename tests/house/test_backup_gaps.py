"""`lanekort-backup gaps` finds each segment of WAL that lacks, and takes no other timeline for a gap."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "deploy" / "pgbackrest" / "lanekort-backup"


def list_missing(segments: dict[int, set[int]]) -> list[str]:
    loader = SourceFileLoader("lanekort_backup", str(PROGRAM))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module.list_missing(segments)


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
    assert list_missing(segments) == missing
