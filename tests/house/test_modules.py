"""Rooms stay small, and the house speaks of the product alone."""

import re
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[2]
BUILDINGS = ("app", "circulation", "tests", "bench", "drills")
LARGEST = 400
SPACIOUS = 300
MOST_THAT_ARE_SPACIOUS = 10

NOT_OURS = {"node_modules", "vendor", "instance", "__pycache__", "translations", "package-lock.json"}
TEXTS = {".py", ".html", ".js", ".css", ".md", ".toml", ".in", ".txt", ".json", ".yml", ".cfg", ".ini", ".mako", ""}

# Each pattern is written so that it does not match itself.
UNSAID = re.compile(
    r"\b[T]ODO\b|\b[F]IXME\b|\b[X]XX\b|\b[H]ACK\b|\b[n]ot implemented\b|[l]orem ipsum"
    r"|/[w]ork/|\.\./[s]hared|/\.[l]ibrary\b|\b[i]ssue #?\d"
    r"|\b[s]ubagents?\b|\b[A]I agents?\b|\b[C]laude\b|[A]nthropic|[C]hatGPT|\b[L]LMs?\b|\b[p]rompt engineer"
    r"|unittest\.[m]ock|[M]agicMock|mark\.[s]kip|pytest\.[s]kip|mark\.[x]fail"
)


def ours(folder: Path) -> Iterator[Path]:
    """Walk through what is written here, and not what is fetched, made or run."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or (path.name.startswith(".") and path.name not in {".ci", ".env.example"}):
            continue
        if path.is_dir():
            yield from ours(path)
        elif path.suffix in TEXTS:
            yield path


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def modules() -> dict[str, int]:
    return {
        path.relative_to(HOUSE).as_posix(): lines_of(path)
        for building in BUILDINGS
        for path in ours(HOUSE / building)
        if path.suffix in {".py", ".js"}
    }


def test_no_module_is_longer_than_four_hundred_lines():
    found = modules()
    assert len(found) > 100
    assert {name: lines for name, lines in found.items() if lines > LARGEST} == {}


def test_few_modules_are_longer_than_three_hundred_lines():
    spacious = {name: lines for name, lines in modules().items() if lines > SPACIOUS}
    assert len(spacious) <= MOST_THAT_ARE_SPACIOUS, spacious


def test_the_repository_speaks_of_the_product_alone():
    found = {
        f"{path.relative_to(HOUSE)}:{number}: {line.strip()}"
        for path in ours(HOUSE)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNSAID.search(line)
    }
    assert found == set()


def test_what_is_better_left_unsaid_would_be_found():
    for said in ("# TO" + "DO: later", "see is" + "sue 12", "as in ../sha" + "red/notes", "@pytest.mark.sk" + "ip"):
        assert UNSAID.search(said)


def test_every_module_of_the_portal_says_what_it_is():
    silent = [
        name for name in modules() if name.endswith(".py") and not name.startswith("tests/") and not _docstring(name)
    ]
    assert silent == []


def _docstring(name: str) -> bool:
    return (HOUSE / name).read_text(encoding="utf-8").lstrip().startswith('"""')


def test_one_macro_writes_the_token_of_every_form():
    writers = [path for path in HOUSE.glob("app/**/*.html") if "csrf_token()" in path.read_text(encoding="utf-8")]
    assert writers == [HOUSE / "app/web/templates/macros.html"]
