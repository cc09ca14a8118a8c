"""What runs in production may be passed on under our licence (MIT): nothing there is under the GPL alone."""

import json
import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==[^;\\]*(;.*)?", re.M)
# A library under the Lesser GPL may be used by what is under another licence.
STRONG = re.compile(r"(?<![a-z])a?gpl|(?<!lesser )general public", re.I)


def is_strong(licence: str) -> bool:
    """Tell whether an expression (SPDX) leaves no choice but the GPL or the AGPL."""
    ways = re.split(r"\bOR\b", licence.strip("()"))
    return all(STRONG.search(way) for way in ways)


def licence_of(name: str) -> str:
    told = metadata(name)
    classified = [line.rpartition("::")[2].strip() for line in told.get_all("Classifier") or [] if "License ::" in line]
    return str(told.get("License-Expression") or " OR ".join(classified) or told.get("License") or "")


@pytest.mark.parametrize(
    ("licence", "strong"),
    [
        ("MIT", False),
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("LGPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", False),
        ("MIT AND GPL-2.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", False),
        ("GNU Affero General Public License v3", True),
    ],
)
def test_a_licence_is_understood(licence: str, strong: bool) -> None:
    assert is_strong(licence) is strong


def test_nothing_that_runs_in_production_is_under_the_gpl_alone() -> None:
    found = {}
    for name, only_where in LOCKED.findall((HOUSE / "requirements.txt").read_text()):
        try:
            found[name] = licence_of(name)
        except PackageNotFoundError:
            assert only_where, f"{name} is not installed"
    assert len(found) > 50
    assert [name for name, licence in found.items() if not licence] == []
    assert {name: licence for name, licence in found.items() if is_strong(licence)} == {}


@pytest.mark.parametrize("folder", [".", "tests/clients"])
def test_nothing_that_is_fetched_from_npm_is_under_the_gpl_alone(folder: str) -> None:
    packages = json.loads((HOUSE / folder / "package-lock.json").read_text())["packages"]
    found = {name: str(told.get("license", "")) for name, told in packages.items() if name}
    assert len(found) > 5
    assert {name: licence for name, licence in found.items() if not licence or is_strong(licence)} == {}
