"""An older release of the program, taken from git, and portals of any release under gunicorn."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.servers import stop
from drills.installing.documents import HOME

_PATIENCE_SECONDS = 90
_FIRST_OF_A_PROGRAM = (
    "app",
    "circulation",
    "migrations",
    "gunicorn.conf.py",
    "server.py",
    "wsgi.py",
    "requirements.txt",
)


class NoHistory(Exception):
    """This folder is no clone with its history, so there is no older release in it."""


def git(*words: str) -> str:
    """Return what git says about this repository. Raises NoHistory."""
    done = subprocess.run(["git", "-C", HOME, *words], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise NoHistory(done.stderr.strip() or "git names nothing")
    return done.stdout.strip()


def older_revision(*, same_packages: bool) -> str:
    """Return the newest release (a tag v...), or else the oldest revision with the first of the tables as they are now.

    With `same_packages` the oldest whose packages are today's as well. Raises NoHistory.
    """
    tables = git("log", "-1", "--format=%H", "--", "migrations/versions/0001_first_tables.py")
    try:
        found = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    except NoHistory:
        found = tables
    if same_packages:
        packages = git("log", "-1", "--format=%H", "--", "requirements.txt")
        newer = git("rev-list", "--no-walk=sorted", found, packages).splitlines()
        found = newer[0]
    return found


def take(revision: str, folder: Path) -> Path:
    """Put a revision of the program into a folder, with its texts compiled and a Python that has its packages."""
    folder.mkdir()
    there = [name for name in _FIRST_OF_A_PROGRAM if git("ls-tree", "--name-only", revision, name)]
    packed = subprocess.run(["git", "-C", HOME, "archive", revision, *there], capture_output=True, check=True)
    subprocess.run(["tar", "-C", folder, "-xf", "-"], input=packed.stdout, check=True)
    shutil.copytree(HOME / "app" / "static" / "vendor", folder / "app" / "static" / "vendor")
    python = python_of(folder)
    subprocess.run(
        [python, "-m", "babel.messages.frontend", "--quiet", "compile", "-d", folder / "app" / "translations"],
        check=True,
        capture_output=True,
    )
    return folder


def python_of(folder: Path) -> Path:
    """Return the Python that a program in `folder` runs with: this one, or one with the packages that it locks."""
    if (folder / "requirements.txt").read_bytes() == (HOME / "requirements.txt").read_bytes():
        return Path(sys.executable)
    python = folder / ".venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
        install = ["install", "-qq", "--no-deps", "--require-hashes", "-r", str(folder / "requirements.txt")]
        subprocess.run([python, "-m", "pip", *install], check=True)
    return python


@contextmanager
def serving(
    folder: Path, environ: Mapping[str, str], *, port: int, certificate: str, log: Path, workers: int = 2
) -> Iterator[int]:
    """Serve the portal in `folder` over HTTPS. Gives the process id of gunicorn's first process."""
    words: list[str | Path] = [
        python_of(folder),
        "-m",
        "gunicorn",
        "--config",
        folder / "gunicorn.conf.py",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    tls = ["--certfile", certificate, "--keyfile", certificate]
    with _started([*words, *tls, "--workers", str(workers), "wsgi:app"], folder, environ, log) as process:
        ends = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                if httpx.get(f"https://127.0.0.1:{port}/healthz", verify=False).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"the portal does not start: {log.read_text()[-1500:]}")
            time.sleep(0.1)
        yield process.pid


@contextmanager
def working(folder: Path, environ: Mapping[str, str], *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `flask worker` of the program in `folder`."""
    words: list[str | Path] = [python_of(folder), "-m", "flask", "--app", "wsgi", "worker"]
    with _started(words, folder, environ, log) as process:
        yield process


def command(folder: Path, environ: Mapping[str, str], *words: str) -> str:
    """Run a command of an operator with the program in `folder`, and return what it printed."""
    done = subprocess.run(
        [python_of(folder), "-m", "flask", "--app", "wsgi", *words],
        cwd=folder,
        env=os.environ | dict(environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"flask {' '.join(words)}: {done.stderr[-1500:]}")
    return done.stdout


@contextmanager
def _started(
    words: list[str | Path], folder: Path, environ: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as said:
        process = subprocess.Popen(
            words, cwd=folder, env=os.environ | dict(environ), stdout=said, stderr=said, stdin=subprocess.DEVNULL
        )
    try:
        yield process
    finally:
        stop(process, seconds=60)
