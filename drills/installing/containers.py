"""A Debian of its own to install on: made by mmdebstrap, booted by systemd-nspawn, with a network by slirp4netns."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

SUITES = {"12": "bookworm", "13": "trixie"}
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "slirp4netns": "slirp4netns",
    "nsenter": "util-linux",
    "git": "git",
}
_MIRROR = "http://deb.debian.org/debian"
_PATIENCE_SECONDS = 90


class CannotBoot(Exception):
    """No Debian could be made or started here. The text says why."""


class Debian:
    """A running Debian: `root` is its file system as seen from here, `pid` its first process."""

    def __init__(self, root: Path, pid: int) -> None:
        self.root = root
        self.pid = pid

    def inside(self, *command: str) -> list[str]:
        """Return the command line that runs a command in it, as root, as after a log-in."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", "--target", str(self.pid), "--all", "--root", "--wdns=/root"]
        return [*enter, "env", "-i", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb", path, *command]

    def beside(self, *command: str) -> list[str]:
        """Return the command line that runs a program of this machine in that one's network."""
        return ["nsenter", "--target", str(self.pid), "--net", *command]

    def run(self, *command: str) -> str:
        """Run a command in it to its end. Returns what it printed. Raises CalledProcessError."""
        return subprocess.run(self.inside(*command), check=True, capture_output=True, text=True).stdout


def missing_programs() -> list[str]:
    """Return the Debian packages that are not on this machine and that a container needs."""
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})


def base(version: str, cache: Path) -> Path:
    """Return a tar file with the smallest Debian that boots, made the first time. Raises CannotBoot."""
    tar = cache / f"debian-{version}.tar"
    if not tar.exists():
        cache.mkdir(parents=True, exist_ok=True)
        new = tar.with_suffix(".new.tar")
        made = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus", SUITES[version], new, _MIRROR],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise CannotBoot(f"mmdebstrap: {made.stderr[-500:]}")
        new.replace(tar)
    return tar


@contextmanager
def booted(version: str, *, cache: Path, prepare: Sequence[str] = ()) -> Iterator[Debian]:
    """Boot a bare Debian, and throw it away afterwards.

    `prepare` is a command that is run with the folder of its file system as the last argument before it boots, for what
    a site's machines have: a mirror, a proxy, certificates. Raises CannotBoot.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"debian-{version}-", dir=cache if cache.is_dir() else None))
    root = folder / "root"
    try:
        tar = base(version, cache)
        root.mkdir()
        subprocess.run(["tar", "-C", root, "-xf", tar], check=True)
        (root / "etc" / "hostname").write_text("library\n")
        (root / "etc" / "resolv.conf").unlink(missing_ok=True)
        # slirp4netns answers there, with what this machine's own resolver says.
        (root / "etc" / "resolv.conf").write_text("nameserver 10.0.2.3\n")
        (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 library\n::1 localhost\n")
        if prepare:
            subprocess.run([*prepare, str(root)], check=True)
        with _running(root, folder / "log") as debian:
            yield debian
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(root: Path, log: Path) -> Iterator[Debian]:
    # A file system of its own at /run: nspawn wants to clean up there, and refuses on any but its own.
    script = (
        "mount --make-rprivate / && mount -t tmpfs tmpfs /run -o mode=755 && "
        'exec systemd-nspawn --quiet --register=no --keep-unit --private-network --resolv-conf=off --directory "$0" '
        '--machine "$1" --boot --console=pipe'
    )
    command = ["unshare", "--mount", "sh", "-c", script, str(root), f"lanekort-drill-{os.getpid()}"]
    with log.open("wb") as words:
        nspawn = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            start_new_session=True,
        )
    network = None
    try:
        debian = Debian(root, _first_process(nspawn, log))
        _wait_until_booted(debian, log)
        network = subprocess.Popen(
            ["slirp4netns", "--configure", "--mtu=1400", str(debian.pid), "tap0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for_network(debian, network)
        yield debian
    finally:
        if network is not None:
            network.kill()
            network.wait()
        nspawn.terminate()
        try:
            nspawn.wait(30)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(nspawn.pid, signal.SIGKILL)
            nspawn.wait()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _first_process(nspawn: subprocess.Popen[bytes], log: Path) -> int:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends and nspawn.poll() is None:
        for child in _children(nspawn.pid):
            with suppress(OSError):
                if "systemd" in Path(f"/proc/{child}/comm").read_text():
                    return child
        time.sleep(0.1)
    raise CannotBoot(f"systemd-nspawn: {log.read_text()[-500:]}")


def _wait_until_booted(debian: Debian, log: Path) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends:
        done = subprocess.run(
            debian.inside("systemctl", "is-system-running"), capture_output=True, text=True, check=False
        )
        if done.stdout.strip() in ("running", "degraded"):
            return
        time.sleep(0.2)
    raise CannotBoot(f"systemd does not come up: {log.read_text()[-500:]}")


def _wait_for_network(debian: Debian, network: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends and network.poll() is None:
        if " tap0" in Path(f"/proc/{debian.pid}/net/route").read_text() or "tap0\t" in (
            Path(f"/proc/{debian.pid}/net/route").read_text()
        ):
            return
        time.sleep(0.1)
    raise CannotBoot("slirp4netns gives it no network")
