"""The card's programs by themselves, under the Node that ./manage installs (`node --test`)."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("programs")

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).parent / "node"


def test_the_parts_of_the_cards_programs_keep_their_promises():
    files = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))

    done = subprocess.run([NODE, "--test", *files], cwd=ROOT, capture_output=True, text=True, check=False)

    assert files
    assert done.returncode == 0, done.stdout + done.stderr
