"""The drawing of the register in docs/architecture.md is what the imports are, no arrow more and none less."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
REGISTER = ROOT / "app" / "register"
_ARROW = re.compile(r"^\s*(\w+) --> (\w+)$", re.MULTILINE)


def rooms() -> set[str]:
    return {folder.name for folder in REGISTER.iterdir() if (folder / "__init__.py").exists()}


def imported_rooms(room: str) -> set[str]:
    found = set()
    for module in (REGISTER / room).glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app.register."):
                found.add(str(node.module).split(".")[2])
    return found - {room}


def what_follows(arrows: dict[str, set[str]], room: str) -> set[str]:
    """Every room that one can come to from here, in one step or several."""
    found = set(arrows[room])
    for other in arrows[room]:
        found |= what_follows(arrows, other)
    return found


def drawn() -> set[tuple[str, str]]:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return set(_ARROW.findall(text.split("```mermaid")[2].split("```")[0]))


def test_every_arrow_that_is_needed_is_drawn_and_no_other():
    arrows = {room: imported_rooms(room) for room in rooms()}
    # What is reached by way of another room needs no arrow of its own.
    needed = {
        (room, other)
        for room, others in arrows.items()
        for other in others
        if not any(other in what_follows(arrows, between) for between in others - {other})
    }

    assert drawn() == needed


def test_no_room_has_more_than_nine_modules_and_no_folder_more_than_twelve():
    for folder in [ROOT / "app", ROOT / "circulation"]:
        for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
            modules = [path for path in place.glob("*.py") if path.name != "__init__.py"]
            if "versions" in place.parts:
                continue
            most = 9 if place.parent == REGISTER else 12
            assert len(modules) <= most, place
