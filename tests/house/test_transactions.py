"""One way to a transaction: nothing but the store begins, commits or rolls back, and prose prescribes no order."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).parents[2] / "app"
STORES = ("register/store/", "register/journal/stores.py")
ENDS = {"commit", "rollback", "begin_nested"}
PRESCRIBES = re.compile(
    r"comes (first|before (anything|all)) (in a request|is|that) ?|before the (request's )?own transaction"
    r"|before anything (else )?is (written|locked|begun)|nothing may be held open|may not use `?autonomous",
    re.IGNORECASE,
)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(APP.rglob("*.py")):
        name = path.relative_to(APP).as_posix()
        if not name.startswith(STORES):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def begins_or_ends(call: ast.Call) -> bool:
    """Tell whether a call begins or ends a transaction; `begin` of a connection or engine, not of anything."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner = ast.unparse(call.func.value)
    return call.func.attr in ENDS or (
        call.func.attr == "begin" and re.search(r"session|engine|connection", owner) is not None
    )


def test_nothing_but_the_store_begins_commits_or_rolls_back():
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and begins_or_ends(node)
    ]
    assert found == []


def test_no_docstring_prescribes_an_order_of_transactions():
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = [
        f"{name}: {match.group(0)}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, documented) and (match := PRESCRIBES.search(ast.get_docstring(node) or ""))
    ]
    assert found == []
