"""The wall and the stairs: who may import whom, and what is loaded with the register."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("programs")

HOUSE = Path(__file__).parents[2]

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"

# Imports the register as it stands on its own floor: the plug board, app/__init__.py, sees everything and stays out.
LOAD = """
import importlib, json, pkgutil, sys, types
app = types.ModuleType("app")
app.__path__ = ["app"]
sys.modules["app"] = app
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith(("__main__", ".env")) and ".migrations" not in module.name:
            importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, check=False)


def loaded_with(*packages: str) -> set[str]:
    command = [sys.executable, "-c", LOAD, *packages]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def inside(modules: set[str], package: str) -> set[str]:
    return {module for module in modules if module == package or module.startswith(package + ".")}


def test_every_import_contract_holds():
    done = lint(HOUSE)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_a_leak_in_any_wall_would_be_found(tmp_path):
    for building in ("app", "circulation"):
        sources = shutil.ignore_patterns("__pycache__", "static", "templates", "translations")
        shutil.copytree(HOUSE / building, tmp_path / building, ignore=sources)
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    for leak, source in {
        "app/register/leak_to_the_gate.py": "import app.ils\n",
        "app/register/leak_upstairs.py": "import app.web.clock\n",
        "app/card/leak_next_door.py": "import app.desk.lending.forms\n",
        "app/ils/leak_to_the_other_building.py": "import circulation.policy.library\n",
        "circulation/leak_to_the_portal.py": "import app.rules.people.ages\n",
        "app/rules/leak_to_the_clock.py": "import time\n",
    }.items():
        (tmp_path / leak).write_text(f'"""A leak."""\n\n{source}')
    (tmp_path / "app" / "cellar").mkdir()
    (tmp_path / "app" / "cellar" / "__init__.py").write_text('"""A room that the house does not know."""\n')
    done = lint(tmp_path)
    assert done.returncode == 1
    for found in (
        "app.register is not allowed to import app.ils",
        "app.register is not allowed to import app.web",
        "app.card is not allowed to import app.desk",
        "app is not allowed to import circulation",
        "circulation is not allowed to import app",
        "app.rules is not allowed to import time",
        "app.cellar",
    ):
        assert found in done.stdout


def test_the_register_is_loaded_without_the_gate_the_doors_and_the_other_building():
    modules = loaded_with("app.register")
    assert "app.register.tables.patrons" in modules
    assert inside(modules, "app") == {"app"} | inside(modules, "app.register") | inside(modules, "app.rules")
    assert inside(modules, "circulation") == set()


def test_the_other_building_is_loaded_without_the_portal():
    modules = loaded_with("circulation")
    assert "circulation.lending.loans" in modules
    # The stand-in for the plug board is all there is of the portal.
    assert inside(modules, "app") == {"app"}


def test_what_is_loaded_from_upstairs_would_be_seen():
    assert "app.web.clock" in loaded_with("app.card")
