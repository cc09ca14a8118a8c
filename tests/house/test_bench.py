"""Each measurement runs to its end, with numbers too small to say anything; nothing here asks how fast."""

import subprocess
import sys
from pathlib import Path

import pytest

_HOME = Path(__file__).parents[2]
_SMALL = ("--people", "40", "--rounds", "1", "--seconds", "1", "--requests", "4")


def run_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=_HOME, capture_output=True, text=True, timeout=170
    )


@pytest.mark.parametrize("what", ["scan", "login", "pages"])
def test_a_bench_measures_both_engines_beside_a_bare_answer(what: str) -> None:
    done = run_bench(what, *_SMALL)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("bare") and line.endswith("1.00 (1.00, 1.00)") for line in lines)
    assert any("SQLite" in line for line in lines)
    assert any("PostgreSQL" in line for line in lines)


def test_a_bench_fails_where_an_answer_is_not_the_right_one() -> None:
    # Two people, and four codes asked for: a second round has nobody left to scan.
    done = run_bench("scan", "--people", "2", "--rounds", "1", "--seconds", "1", "--requests", "4")
    assert done.returncode != 0
    assert "too few people" in done.stderr
