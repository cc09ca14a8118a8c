"""No card number is issued twice, however many processes issue them at once."""

import subprocess
import sys
from pathlib import Path

import pytest

PROCESSES, EACH, BELOW = 20, 20, 1000
_ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """SQLite lets one write at a time."""
    return str(request.param)


def test_twenty_processes_issue_no_number_twice(database_url, clock):
    words = [database_url, clock().isoformat(), *map(str, (PROCESSES, EACH, BELOW))]
    command = [sys.executable, "-m", "tests.register.numbering", *words]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    issued = done.stdout.split()
    assert len(issued) == PROCESSES * EACH
    assert len(set(issued)) == len(issued)
