"""What somebody meets who has just fetched the code: `./manage run` with everything that can be wrong about it."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.ports import own_port

pytestmark = pytest.mark.usefixtures("programs")

HOUSE = Path(__file__).parents[2]
PATIENCE_SECONDS = 150


def begin(instance: Path, *options: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the demonstration as `./manage run` does, in a session of its own, as a terminal would."""
    with (log or Path(os.devnull)).open("wb") as words:
        return subprocess.Popen(
            [sys.executable, "demo.py", *options],
            cwd=HOUSE,
            env=os.environ | {"LANEKORT_INSTANCE": str(instance)},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o022,
        )


def refused(instance: Path, *options: str) -> str:
    """Start it with what cannot go well, and return what it says before it ends."""
    log = next(folder for folder in instance.parents if folder.is_dir()) / "refused.log"
    process = begin(instance, *options, log=log)
    assert process.wait(PATIENCE_SECONDS) == 1
    said = log.read_text()
    assert said.startswith("./manage run: "), said
    assert said.count("\n") == 1, said
    return said


def family(process: subprocess.Popen[bytes]) -> set[int]:
    """Return the processes that it has begun and those that they have, and itself."""
    found = {process.pid}
    while True:
        children = set()
        for pid in found:
            try:
                children |= {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
            except OSError:
                continue
        if children <= found:
            return found
        found |= children


def forked(pids: set[int], *, of: int) -> set[int]:
    """Return those that run the very program of another one: gunicorn's workers."""
    program = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids}
    return {pid for pid in pids - {of} if program[pid] == program[of]}


def alive(pids: set[int]) -> set[int]:
    states = {}
    for pid in pids:
        try:
            states[pid] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
    return {pid for pid, state in states.items() if state != "Z"}


@contextmanager
def running(instance: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = begin(instance, "--port", str(port), log=log)
    try:
        ends = time.monotonic() + PATIENCE_SECONDS
        while "Lånekort is at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < ends, log.read_text()
            time.sleep(0.05)
        # Its connections wait until it serves them.
        assert httpx.get(f"http://localhost:{port}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
        yield process
    finally:
        everybody = family(process)
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        for pid in alive(everybody):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("port", ["99999", "0", "-1", "65536", "http", "٨٠٠٠", "1" * 5000])
def test_a_port_that_is_none_is_refused_in_one_sentence(tmp_path: Path, port: str) -> None:
    instance = tmp_path / "instance"
    assert refused(instance, f"--port={port}") == "./manage run: --port takes a number from 1 to 65535.\n"
    assert not instance.exists()


def test_a_port_that_is_in_use_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"Port {port} is in use" in refused(instance, "--port", str(port))
    assert [path.name for path in instance.iterdir()] == ["running"]


@pytest.mark.parametrize("place", ["a-file/instance", "a-file"])
def test_a_folder_that_cannot_be_written_to_is_refused_with_a_way_on(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").write_text("in the way")
    said = refused(tmp_path / place, "--port", str(own_port()))
    assert "cannot write to" in said
    assert "LANEKORT_INSTANCE" in said


def test_faulty_settings_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_WALLET_FILE", str(tmp_path / "missing"))
    assert "GOOGLE_WALLET_FILE" in refused(tmp_path / "instance", "--port", str(own_port()))


@pytest.mark.timeout(3600)
def test_a_demonstration_that_runs_keeps_its_own_and_ends_in_silence_whole(tmp_path: Path) -> None:
    instance, log, port = tmp_path / "instance", tmp_path / "log", own_port()
    # As an earlier version left it: readable by everybody.
    instance.mkdir(mode=0o755)
    instance.chmod(0o755)
    for name in ("secret-key", "vault-key", "lan-key.pem"):
        (instance / name).write_text("ab" * 32)
        (instance / name).chmod(0o644)
    with running(instance, port, log) as process:
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (instance, *instance.rglob("*"))}
        assert {path.name for path in modes} > {"register.sqlite", "secret-key", "vault-key", "circulation-Mull.sqlite"}
        assert {path.name: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
        kept = (instance / "secret-key").read_text()

        said = refused(instance, "--fresh", "--port", str(own_port()))
        assert "A demonstration runs in" in said
        assert f"Port {port} is in use" in refused(instance, "--port", str(port))
        assert (instance / "secret-key").read_text() == kept
        assert httpx.get(f"http://localhost:{port}/healthz", timeout=PATIENCE_SECONDS).status_code == 200

        everybody = family(process)
        assert len(everybody) >= 4
        # On a busy machine one of them may get no turn for a while.
        os.kill(max(forked(everybody, of=process.pid)), signal.SIGSTOP)
        # Ctrl-C: the terminal sends it to all of them.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert_gone(everybody)
    assert_silent(log)

    with running(instance, port, log) as process:
        assert (instance / "secret-key").read_text() == kept, "what was there is still there"
        everybody = family(process)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert_gone(everybody)
    assert_silent(log)


def assert_gone(pids: set[int]) -> None:
    """See that all have ended. Those that end with another one may need a moment more than it."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while alive(pids):
        assert time.monotonic() < ends, alive(pids)
        time.sleep(0.05)


def assert_silent(log: Path) -> None:
    """See that nothing was said but where it is, and one line for each request."""
    said = [line for line in log.read_text().splitlines() if not line.startswith('{"')]
    assert [line for line in said if not line.startswith(("Lånekort is at", "The national sign-in is off"))] == []
