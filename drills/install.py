"""docs/operations.md, followed to the letter on a bare Debian; then a patron, a desk and kiosks come in."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from drills.figures import Figures
from drills.installing.commands import fault
from drills.installing.containers import CannotBoot, Debian, booted, missing_programs
from drills.installing.documents import HOME, Block, blocks, commands, documents, inline

_GUIDE = HOME / "docs" / "operations.md"
_NAME = "card.example.org"
_BY_HAND = "# By hand:"
_MOST_MINUTES = 30


def drill(
    figures: Figures, *, short: bool, debian: str = "12,13", cache: str = "/var/cache/lanekort-drill", prepare: str = ""
) -> None:
    """Follow the guide on each Debian (`debian`, with commas between). In short: only look whether its commands exist.

    `cache` is the folder where the bare systems are kept, so that the second time is quick. `prepare` is a program that
    is given the folder of a system before it boots, for what machines at this site have beside Debian.
    """
    _look_at_commands(figures)
    if short:
        return
    missing = missing_programs()
    if missing:
        raise SystemExit(f"./manage drill install needs Debian's packages {', '.join(missing)}, and root.")
    for version in debian.split(","):
        try:
            with booted(version, cache=Path(cache), prepare=[prepare] if prepare else []) as system:
                _follow(figures, system, version)
        except CannotBoot as error:
            figures.promise(f"Debian {version}", str(error), holds=False, promised="it boots")


def _look_at_commands(figures: Figures) -> None:
    """Look at each command of each document, as tests/house/test_commands.py does."""
    seen, faults = 0, []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for block in blocks(text):
            for command in commands(block.text):
                seen, wrong = seen + 1, fault(command)
                faults += [f"{path.name}:{block.line}: {wrong}"] if wrong else []
        seen += sum(1 for _ in inline(text))
    figures.promise("commands in documents that do not exist", faults or f"0 of {seen}", holds=not faults, promised="0")


def _follow(figures: Figures, system: Debian, version: str) -> None:
    _bring_code(system)
    with _outside(system) as ask:
        where = ask(None)
        filled_in = {
            "SOURCE": "/srv/lanekort.git",
            "NAME": _NAME,
            "SMTP_URL": where["mail"],
            "ILS_HOST": "127.0.0.1",
            "ILS_PORT": str(where["ils"]),
            "ILS_TLS": "false",
        }
        with _shell(system) as run:
            begun = time.monotonic()
            by_section = _sections(_GUIDE.read_text(encoding="utf-8"))
            steps = [title for title in by_section if title[0].isdigit()]
            for title in steps:
                for block in by_section[title]:
                    if not run(figures, block, filled_in if title is steps[0] else {}):
                        return
            said = ask("visit", _people(system))
            minutes = (time.monotonic() - begun) / 60
            _judge(figures, version, said)
            figures.promise(
                f"Debian {version}, from nothing to the first card",
                f"{minutes:.1f} minutes",
                holds=minutes <= _MOST_MINUTES,
                promised=f"{_MOST_MINUTES} minutes",
            )
            load = {key: value for key, value in _people(system).items() if key in ("name", "certificate", "kiosk")}
            for title in (title for title in by_section if title not in steps):
                if title.startswith("Upgrade"):
                    _release(system)
                ask("begin", load)
                done = all(run(figures, block, {}) for block in by_section[title])
                time.sleep(2)
                said = ask("end")
                figures.promise(
                    f"Debian {version}, {title}: requests that failed meanwhile",
                    said.get("failed") or f"0 of {said['sent']}, the slowest {said['slowest']} s",
                    holds=done and not said.get("failed", ["?"]),
                    promised="0",
                )


def _sections(text: str) -> dict[str, list[Block]]:
    """Return the guide's blocks by the heading that they stand under, in order, those with no block left out."""
    found: dict[str, list[Block]] = {}
    lines = text.splitlines()
    for block in blocks(text):
        title = next(line[3:] for line in reversed(lines[: block.line]) if line.startswith("## "))
        found.setdefault(title, []).append(block)
    return found


def _bring_code(system: Debian) -> None:
    """Put this repository there, as a site's own server of git would have it."""
    target = system.root / "srv" / "lanekort.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", "--no-hardlinks", HOME, target], check=True)
    # What is not committed yet is tried too.
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder, "-c", "user.name=drill", "-c", "user.email=drill@localhost"]
        subprocess.run(["git", "clone", "--quiet", target, folder], check=True)
        listed = ["git", "-C", str(HOME), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        files = subprocess.run(listed, check=True, capture_output=True).stdout.split(b"\0")
        there = b"\0".join(name for name in files if name and (HOME / name.decode()).is_file())
        packed = subprocess.run(
            ["tar", "-C", str(HOME), "--null", "--no-recursion", "-cf", "-", "-T", "-"],
            input=there,
            capture_output=True,
            check=True,
        )
        subprocess.run(["tar", "-C", folder, "-xf", "-"], input=packed.stdout, check=True)
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "As it is here"], check=True)
        subprocess.run([*git, "push", "--quiet", "origin", "HEAD"], check=True)
    branch = subprocess.run(
        ["git", "-C", target, "rev-parse", "--abbrev-ref", "HEAD"], check=True, capture_output=True, text=True
    )
    assert branch.stdout.strip()
    subprocess.run(["chown", "-R", "0:0", target], check=True)


def _release(system: Debian) -> None:
    """Make a newer release: a commit that changes nothing but itself."""
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder, "-c", "user.name=drill", "-c", "user.email=drill@localhost"]
        subprocess.run(["git", "clone", "--quiet", system.root / "srv" / "lanekort.git", folder], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "A release"], check=True)
        subprocess.run([*git, "push", "--quiet", "origin", "HEAD"], check=True)


def _people(system: Debian) -> dict[str, Any]:
    """Return who comes in, from what the guide's commands have shown."""
    shown = system.root / "root"
    staff = dict(line.split(": ", 1) for line in (shown / "kari.txt").read_text().splitlines() if ": " in line)
    password = (shown / "kiosk1.txt").read_text().split()[-1]
    return {
        "name": _NAME,
        "certificate": str(system.root / "etc/lanekort/tls/fullchain.pem"),
        "staff": ["kari", staff["Password"], staff["Key of the one-time codes"]],
        "kiosk": ["2023500-kiosk1", password],
        "port": 6001,
    }


def _judge(figures: Figures, version: str, said: dict[str, Any]) -> None:
    what = {
        "a card, its code at the desk by HTTPS": ("desk", str(said.get("desk", "")).startswith("Godtatt")),
        "a scan through the API": ("kiosk", said.get("kiosk") == "accepted"),
        "a kiosk over the gateway": ("gateway", said.get("gateway") == "941 64" and said.get("card") in said["system"]),
    }
    for name, (key, holds) in what.items():
        answer = said.get(key, said.get("error"))
        figures.promise(f"Debian {version}, {name}", answer, holds=holds, promised="accepted")


@contextmanager
def _outside(system: Debian) -> Iterator[Any]:
    """Run drills/installing/outside.py in the system's network. Gives a function that asks it for something."""
    python = str(HOME / ".venv" / "bin" / "python")
    process = subprocess.Popen(
        system.beside(python, "-m", "drills.installing.outside"),
        cwd=HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines, answers = process.stdin, process.stdout

    def ask(name: str | None, what: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - what JSON holds
        if name is not None:
            print(name, json.dumps(what or {}), file=lines, flush=True)
        while not (line := answers.readline()).startswith("{"):
            assert line, "the world outside has ended"
        return json.loads(line)

    try:
        yield ask
    finally:
        lines.close()
        process.terminate()
        process.wait()


@contextmanager
def _shell(system: Debian) -> Iterator[Any]:
    """Open the one shell in which somebody follows the guide. Gives a function that runs a block of it."""
    process = subprocess.Popen(
        system.inside("bash", "-euo", "pipefail"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    written, heard = process.stdin, process.stdout

    def run(figures: Figures, block: Block, filled_in: dict[str, str]) -> bool:
        if block.text.startswith(_BY_HAND):
            figures.note(
                f"docs/operations.md:{block.line} is not run", block.text.splitlines()[0].removeprefix(_BY_HAND)
            )
            return True
        file = system.root / "root" / "block.sh"
        more = "".join(f"{name}='{value}'\n" for name, value in filled_in.items())
        file.write_text(f"{block.text}{more}")
        begun = time.monotonic()
        return _run_block(figures, block, written, heard, begun)

    try:
        yield run
    finally:
        written.close()
        process.terminate()
        process.wait()


def _run_block(figures: Figures, block: Block, written: IO[str], heard: IO[str], begun: float) -> bool:
    print("source /root/block.sh </dev/null\necho '@@ done'", file=written, flush=True)
    said: list[str] = []
    for line in heard:
        if line.startswith("@@ done"):
            figures.note(f"docs/operations.md:{block.line}", f"{time.monotonic() - begun:.0f} s")
            return True
        said.append(line)
    figures.promise(
        f"docs/operations.md:{block.line}", "".join(said)[-2000:], holds=False, promised="every command works"
    )
    return False
