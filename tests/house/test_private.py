"""Tests come in by the doors that the program has: no private name of a module or class is read, called or replaced."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).parents[2]
OWN = ("self", "cls")
# What a library calls so, and means for everybody.
PUBLIC = {"_fields", "_mapping", "_replace", "_asdict"}
PROGRAM = ("app", "circulation", "bench", "drills", "demo.py", "server.py")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def private_names(source: str) -> Iterator[str]:
    """Name the private parts of modules and objects that a source reads, calls, or replaces by their name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in OWN):
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            yield from (text.rpartition(".")[2] for text in texts)


@cache
def names_of_the_program() -> frozenset[str]:
    """Return every private name that is made in the program."""
    sources = [path for part in PROGRAM for path in ([HOUSE / part] if "." in part else (HOUSE / part).rglob("*.py"))]
    return frozenset().union(*(made_in(path.read_text(encoding="utf-8")) for path in sources))


def made_in(source: str) -> set[str]:
    made = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            made.add(node.id if isinstance(node, ast.Name) else node.attr)
    return {name for name in made if is_private(name)}


def taken(source: str) -> list[str]:
    """Name what a test takes of our programs' private parts; what it makes itself is its own."""
    others = names_of_the_program() - made_in(source) - PUBLIC
    return [name for name in private_names(source) if name in others]


def test_no_test_takes_a_private_name_of_the_program():
    found = {
        f"{path.relative_to(HOUSE)}: {name}"
        for path in HOUSE.glob("tests/**/*.py")
        if path != Path(__file__)
        for name in taken(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_private_name_would_be_found():
    source = (
        "from app.web.gate import _read\napp.state._client.close()\nrow._mapping\nself._guard\n"
        'monkeypatch.setattr("app.ils.json_call._ask", None)\nmonkeypatch.setattr(smtp, "_connect", None)\n'
    )
    assert sorted(taken(source)) == ["_ask", "_client", "_connect", "_read"]
