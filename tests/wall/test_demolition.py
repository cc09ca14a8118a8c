"""Without circulation/ the portal starts, and its own tests pass."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("programs")

HOUSE = Path(__file__).parents[2]
OURS = ("app", "docs", "migrations", "scripts", "wsgi.py", "pyproject.toml")
# The town is the libraries' side.
TESTS = (*(path.name for path in HOUSE.glob("tests/*.py") if path.name != "town.py"), "rules", "doors")


@pytest.fixture
def without_circulation(tmp_path: Path) -> Path:
    """Return a copy of the house in which the second building is gone."""
    # What the gate has for libraries that lend by the second building is the portal's own.
    leave_out = shutil.ignore_patterns("__pycache__")
    for name in OURS:
        copy = shutil.copytree if (HOUSE / name).is_dir() else shutil.copyfile
        copy(HOUSE / name, tmp_path / name, **({"ignore": leave_out} if copy is shutil.copytree else {}))
    leave_out = shutil.ignore_patterns("__pycache__", "circulation*")
    for name in TESTS:
        source, target = HOUSE / "tests" / name, tmp_path / "tests" / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=leave_out)
        else:
            shutil.copyfile(source, target)
    return tmp_path


@pytest.mark.timeout(3600)
def test_the_portal_starts_and_passes_its_tests_without_circulation(without_circulation: Path):
    absent = subprocess.run(
        [sys.executable, "-c", "import circulation"], cwd=without_circulation, capture_output=True, check=False
    )
    assert absent.returncode != 0, "the second building is still there"
    chosen = ["tests/rules", *(f"tests/doors/test_{name}.py" for name in ("card", "desk", "devices"))]
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", *chosen]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=without_circulation, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
