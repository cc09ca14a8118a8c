"""Tests come in by the doors that the program has: no private name of a module or class is read or called."""

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PROGRAM = ("app", "circulation", "bench", "demo", "server")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_names(source: str) -> Iterator[str]:
    """Name what a test takes of our programs' private parts."""
    tree = ast.parse(source)
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                if (module or alias.name).partition(".")[0] in PROGRAM:
                    imported.add(alias.asname or alias.name)
                    if is_private(alias.name):
                        yield alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and is_private(node.attr):
            if node.value.id not in imported:
                continue
            yield f"{node.value.id}.{node.attr}"


def test_no_test_takes_a_private_name_of_the_program():
    found = {
        f"{path.relative_to(HOUSE)}: {name}"
        for path in HOUSE.glob("tests/**/*.py")
        for name in private_names(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_private_name_would_be_found():
    source = "from app.register.card import scans\nfrom app.card.install import _FILES\nscans._take_step()\n"
    assert list(private_names(source)) == ["_FILES", "scans._take_step"]
