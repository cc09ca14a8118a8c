# ruff: noqa: F811 - fixtures of another folder
"""Clients that others' programs generate from the OpenAPI document are compiled and used against a real server."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from apiflask import APIFlask

from app.demo.eid import NODE
from tests.contract.world import PATIENCE, serving
from tests.sip2.conftest import show_code  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("programs")

CLIENTS = Path(__file__).parents[1] / "clients"
LOCK, INSTALLED = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
NPM = Path(sys.executable).with_name("npm")
AUTHORIZATION = "Basic " + b64encode(b"2023500:demo-system-ullensaker").decode()
USED = {
    "accepted": "Ingrid Solvang",
    "refused": "MISREAD",
    "missing": 428,
    "nobody": 422,
    "corrected": ["Moss", None],
    "stale": "changed-meanwhile",
}


def run(folder: Path, *command: object) -> str:
    # openapi-python-client formats with ruff.
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def url(app: APIFlask) -> Iterator[str]:
    """Serve the portal over HTTP."""
    with serving(app) as address:
        yield address


@pytest.fixture
def folder(url: str, tmp_path: Path) -> Path:
    """A folder with the programs that use clients, and the document from which these are generated."""
    shutil.copytree(CLIENTS, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "openapi.json").write_bytes(httpx.get(f"{url}/api/openapi.json", timeout=PATIENCE).content)
    return tmp_path


@pytest.fixture
def packages(folder: Path) -> Path:
    """The generators in JavaScript, fetched where they are not there as they are locked."""
    # Tests run in several processes, and npm begins by deleting what is there.
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
            run(CLIENTS, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
    return folder / "node_modules"


def test_a_client_of_openapi_python_client(folder: Path, url: str, show_code: Callable[[], str]) -> None:
    generate = ("generate", "--path", "openapi.json", "--meta", "none", "--output-path", "client", "--fail-on-warning")
    run(folder, sys.executable, "-m", "openapi_python_client", *generate)
    assert json.loads(run(folder, sys.executable, "use_python.py", url, AUTHORIZATION, show_code())) == USED


@pytest.mark.parametrize(
    ("program", "generate"),
    [
        ("use_openapi_fetch.ts", ("openapi-typescript/bin/cli.js", "openapi.json", "--output", "api.d.ts")),
        ("use_orval.ts", ("orval/dist/bin/orval.mjs", "--config", "orval.config.mjs")),
    ],
)
def test_a_client_in_typescript(
    folder: Path, packages: Path, url: str, show_code: Callable[[], str], program: str, generate: tuple[str, ...]
) -> None:
    for other in folder.glob("use_*"):
        if other.name != program:
            other.unlink()
    run(folder, NODE, packages / generate[0], *generate[1:])
    run(folder, NODE, packages / "typescript/bin/tsc")
    assert json.loads(run(folder, NODE, program, url, AUTHORIZATION, show_code())) == USED
