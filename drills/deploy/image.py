"""The image: built by deploy/oci/build, then run as its own configuration says, over a root that cannot be written."""

import json
import os
import secrets
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from drills.deploy.proxy import HOME, ask_over
from drills.figures import Figures
from tests.ports import own_port

_NAME = "lanekort:drill"
_BUILD_SECONDS, _START_SECONDS, _STOP_SECONDS = 1800, 120, 60
_LARGEST_MB = 400
# Neither what makes programs nor what fetches them.
_NOT_IN_IT = ("cc", "gcc", "g++", "make", "ld", "node", "npm", "pip", "pip3", "apt-get", "curl", "git")
# A name space of its own, so that nothing of it stays mounted: the root read-only, and memory where a container has it.
_RUN = """
set -eu
root=$1 user=$2 state=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$state" "$root/var/lib/lanekort"
exec chroot --userspec="$user" "$root" "$@"
"""


def try_image(figures: Figures, folder: Path) -> None:
    """Build it, look at what is in it, start it and ask whether it is ready."""
    _run([str(HOME / "deploy" / "oci" / "build"), _NAME], seconds=_BUILD_SECONDS)
    config: dict[str, Any] = json.loads(_run(["buildah", "inspect", "--type", "image", _NAME]))["Docker"]["config"]
    container = _run(["buildah", "from", _NAME])
    try:
        root = Path(_run(["buildah", "mount", container]))
        size = int(_run(["du", "-sxm", str(root)]).split()[0])
        figures.promise("the image's size", f"{size} MB", holds=size <= _LARGEST_MB, promised=f"at most {_LARGEST_MB}")
        folders = [*config["Env"][0].partition("=")[2].split(":"), "/usr/sbin", "/sbin"]
        found = [name for name in _NOT_IN_IT for place in folders if os.path.lexists(root / place[1:] / name)]
        figures.promise("tools in it", found or "none", holds=not found, promised="none")
        _try_running(figures, root, config, folder)
    finally:
        _run(["buildah", "rm", container])
        _run(["buildah", "rmi", _NAME])


def _try_running(figures: Figures, root: Path, config: dict[str, Any], folder: Path) -> None:
    user, state, port = config["User"], folder / "state", own_port()
    state.mkdir()
    os.chown(state, *map(int, user.split(":")))
    settings = {
        "DATABASE_URL": "sqlite:////var/lib/lanekort/register.sqlite",
        "ERASURE_JOURNAL": "/var/lib/lanekort/erasures.journal",
        "SECRET_KEY": secrets.token_hex(32),
        "VAULT_KEYS": f"1:{secrets.token_hex(32)}",
        "PUBLIC_URL": "https://card.example.org",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "MAIL_FROM": "card@example.org",
    }
    environment = [*config["Env"], *(f"{name}={value}" for name, value in settings.items())]
    inside = ["env", "-i", *environment, "sh", "-c", f'cd {config["WorkingDir"]} && exec "$@"', "sh"]
    outside = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        _RUN,
        "sh",
        str(root),
        user,
        str(state),
    ]
    _run([*outside, *inside, "flask", "--app", "wsgi", "db", "upgrade"], seconds=_START_SECONDS)
    written = _run([*outside, *inside, "sh", "-c", "id -u; touch /opt/lanekort/x /x || true"])
    figures.promise(
        "its account", written, holds=written == user.partition(":")[0], promised="its own, and no right to write"
    )
    command = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in config["Cmd"]]
    with (folder / "image.log").open("wb") as log:
        process = subprocess.Popen([*outside, *inside, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            status = _wait_until_ready(port)
            figures.promise("/readyz of the image", status, holds=status == 200, promised="200")
            check = [word.replace(":8000", f":{port}") for word in config["Healthcheck"]["Test"][1:]]
            healthy = subprocess.run([*outside, *inside, *check], check=False, stderr=log).returncode
            figures.promise("its health check", healthy, holds=healthy == 0, promised="0")
        finally:
            # unshare passes no signal on; its one child is the container's first process.
            (first,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(first), signal.SIGTERM)
            process.wait(_STOP_SECONDS)


def _wait_until_ready(port: int) -> int:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            return ask_over(HTTPConnection("127.0.0.1", port, timeout=60), "GET", "/readyz").status
        except OSError:
            if time.monotonic() > until:
                return 0
            time.sleep(0.5)


def _run(command: Sequence[str], *, seconds: float = 300) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command[:3])}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout.strip()
