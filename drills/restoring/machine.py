"""A machine of its own in a folder: PostgreSQL, pgBackRest and the portal, on which a document's commands are run.

The paths of a document and of the files in deploy/ lead into the folder, and `systemctl` starts what is in it. All else
is as it stands there.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from drills.installing.documents import HOME
from tests.ports import own_port
from tests.postgres import find_programs

_BLOCK = re.compile(r"^<!-- (?P<name>[\w ]+) -->\n```sh\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
# Paths of a machine, not such as `/dev/null` or `/usr/bin/python3`.
_PATH = re.compile(r"(?<![\w./-])/(?=(?:etc|var|srv|root|media|opt|usr/local)(?:[/\s:,]|$))", re.MULTILINE)
_VERSION = re.compile(r"(?<=postgresql/)15(?=/)")
_SYSTEMCTL = """#!/bin/sh
verb=$1
shift
[ "$verb" != restart ] || { "$0" stop "$@" && exec "$0" start "$@"; }
pg_ctl() { runuser -u postgres -- "$PG_BIN/pg_ctl" -D "$PGDATA" -w -t 600 "$@" >/dev/null; }
for unit; do
    case $verb-$unit in
    start-postgresql) pg_ctl -l "$PG_LOG" -o "-c config_file=$PG_CONF" start ;;
    stop-postgresql) [ ! -e "$PGDATA/postmaster.pid" ] || pg_ctl -m fast stop ;;
    start-lanekort-portal)
        set -a && . "$LANEKORT_ENV" && set +a && cd "$LANEKORT_HOME"
        exec </dev/null >>"$PORTAL_LOG" 2>&1
        setsid "$PYTHON" -m gunicorn --bind "127.0.0.1:$PORTAL_PORT" wsgi:app &
        echo $! >"$PORTAL_PID" ;;
    stop-lanekort-portal) [ ! -e "$PORTAL_PID" ] || { kill "$(cat "$PORTAL_PID")" && rm "$PORTAL_PID"; } ;;
    *) echo "this machine has no $unit" >&2 && exit 1 ;;
    esac
done
"""
_LANEKORT = """#!/bin/sh
set -a && . "$LANEKORT_ENV" && set +a && cd "$LANEKORT_HOME" && exec "$PYTHON" -m flask --app wsgi "$@"
"""


class Failed(Exception):
    """A command ended with an error. The text has the command, its status, and what it said."""


def read_blocks(document: Path) -> dict[str, list[str]]:
    """Return the commands of the blocks with a name (`<!-- name -->` on the line before), one a line."""
    found = _BLOCK.finditer(document.read_text(encoding="utf-8"))
    return {block["name"]: block["lines"].splitlines() for block in found}


class Machine:
    """A folder in which what stands in a document is done. Its user is root, and PostgreSQL's is postgres."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            raise SystemExit("This drill must be run as root: PostgreSQL and the operator are different users.")
        self.folder = folder
        folder.chmod(0o755)
        self.version = find_programs().parent.name
        self.port, self.portal_port = own_port(), own_port()
        self.data = self.path(f"/var/lib/postgresql/{self.version}/main")
        self._programs = self.path("/usr/local/bin")
        self._make_programs()
        for name in ("root", "media", "etc/lanekort", "var/lib/lanekort", "var/log", "var/run"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, path: str) -> Path:
        """Return where a path of the machine is."""
        return self.folder / path.lstrip("/")

    def translate(self, text: str) -> str:
        """Return a text of a document or a file with the paths of this machine."""
        return _PATH.sub(f"{self.folder}/", _VERSION.sub(self.version, text))

    @property
    def environment(self) -> dict[str, str]:
        """What the machine's programs are told, in the place of the paths that are built into them."""
        return {
            **{name: value for name, value in os.environ.items() if name in ("LANG", "HOME", "TZ")},
            "PATH": f"{self._programs}:{find_programs()}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PGHOST": str(self.path("/var/run/postgresql")),
            "PGPORT": str(self.port),
            "PGDATA": str(self.data),
            "PG_BIN": str(find_programs()),
            "PG_LOG": str(self.path("/var/log/postgresql.log")),
            "PG_CONF": str(self.path(f"/etc/postgresql/{self.version}/main/postgresql.conf")),
            "PGBACKREST_CONFIG": str(self.path("/etc/pgbackrest/pgbackrest.conf")),
            "PGBACKREST_CONFIG_INCLUDE_PATH": str(self.path("/etc/pgbackrest/conf.d")),
            "PGBACKREST_PG1_PORT": str(self.port),
            "PGBACKREST_LOG_PATH": str(self.path("/var/log/pgbackrest")),
            "STATE_DIRECTORY": str(self.path("/var/lib/lanekort-backup")),
            "LANEKORT_ENV": str(self.path("/etc/lanekort/lanekort.env")),
            "LANEKORT_HOME": str(HOME),
            "PYTHON": sys.executable,
            "PORTAL_PORT": str(self.portal_port),
            "PORTAL_LOG": str(self.path("/var/log/portal.log")),
            "PORTAL_PID": str(self.path("/var/run/portal.pid")),
        }

    def run(self, command: str, **variables: str) -> str:
        """Run a command, and return what it said. Raises Failed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.translate(command)],
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=self.folder,
            check=False,
        )
        if done.returncode:
            raise Failed(f"{command} ended with {done.returncode}: {done.stdout[-2000:]}")
        return done.stdout

    def run_lines(self, lines: list[str], **variables: str) -> Iterator[tuple[str, float, str]]:
        """Run commands one after the other, and give each with the seconds that it took and what it said.

        A line that sets one of the variables is an example in the document, and is left out.
        """
        for line in lines:
            if line.partition("=")[0] not in variables:
                begun = time.monotonic()
                said = self.run(line, **variables)
                yield line, time.monotonic() - begun, said

    def refusal(self, command: str, **variables: str) -> str:
        """Run a command that has to fail, and return what it said. Raises Failed where it does not."""
        try:
            said = self.run(command, **variables)
        except Failed as error:
            return str(error)
        raise Failed(f"{command} was to refuse, and said: {said}")

    def make_cluster(self) -> None:
        """Make PostgreSQL's folders as Debian does, and start it without an archive, so that it is filled quickly."""
        conf = self.path(f"/etc/postgresql/{self.version}/main")
        (conf / "conf.d").mkdir(parents=True)
        self.path("/var/run/postgresql").mkdir()
        self.make_empty_folders()
        self.run('runuser -u postgres -- "$PG_BIN/initdb" -D "$PGDATA" -A trust -E UTF8 --no-sync')
        for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
            shutil.move(self.data / name, conf / name)
        with (conf / "postgresql.conf").open("a") as file:
            file.write(
                f"data_directory = '{self.data}'\nhba_file = '{conf}/pg_hba.conf'\n"
                f"ident_file = '{conf}/pg_ident.conf'\ninclude_dir = 'conf.d'\nport = {self.port}\n"
                f"unix_socket_directories = '{self.path('/var/run/postgresql')}'\nlisten_addresses = '127.0.0.1'\n"
                "shared_buffers = 256MB\nmax_connections = 100\nmax_wal_size = 4GB\n"
                "dynamic_shared_memory_type = mmap\n"
            )
        self.run(f"chown -R postgres:postgres {conf} {self.path('/var/run/postgresql')}")
        (conf / "conf.d" / "filling.conf").write_text("wal_level = minimal\nmax_wal_senders = 0\nfsync = off\n")
        self.run("systemctl start postgresql")
        (conf / "conf.d" / "filling.conf").unlink()

    def make_empty_folders(self) -> None:
        """Make the folders that packages bring, empty."""
        self.path("/etc").mkdir(exist_ok=True)
        spool = [self.path(f"/var/{name}/pgbackrest") for name in ("spool", "lib", "log")]
        for folder in (self.data, *spool):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.chown(folder, "postgres", "postgres")
        self.data.chmod(0o700)
        log = self.path("/var/log/postgresql.log")
        log.touch()
        shutil.chown(log, "postgres", "postgres")

    def lose_disk(self) -> None:
        """Kill PostgreSQL and the portal, and delete all that is not on another machine."""
        pids = [int((self.data / "postmaster.pid").read_text().split()[0])]
        if (portal := self.path("/var/run/portal.pid")).exists():
            pids.append(int(portal.read_text()))
        # PostgreSQL's other processes would notice a moment later, and keep its port until then.
        children = Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split()
        for pid in (*pids, *map(int, children)):
            with suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)
        with suppress(OSError):
            while True:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        # The next one takes the lock file of a process that is dead and not yet reaped for a living one's.
        while Path(f"/proc/{pids[0]}").exists():
            time.sleep(0.05)
        for name in ("etc", "var/lib", "var/spool", "var/run/portal.pid"):
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop what runs, and delete the folder."""
        with suppress(Failed):
            self.run("systemctl stop lanekort-portal || true; systemctl stop postgresql || true")
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_settings(self, settings: Mapping[str, str]) -> None:
        """Write the portal's settings where its programs read them."""
        path = self.path("/etc/lanekort/lanekort.env")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))

    def make_custodians(self) -> None:
        """Write two custodians' public keys where the document has them, and their own on memory sticks."""
        for name in ("settings", "passphrase"):
            said = self.run(f"age-keygen --output /media/custodian-{name}.key")
            public = re.search(r"age1\w+", said)
            if public is None:
                raise Failed(f"age-keygen said: {said}")
            self.path(f"/etc/lanekort/custodians-{name}.txt").write_text(f"{public[0]}\n")

    def _make_programs(self) -> None:
        self._programs.mkdir(parents=True)
        for name, text in {"systemctl": _SYSTEMCTL, "lanekort": _LANEKORT}.items():
            (self._programs / name).write_text(text)
            (self._programs / name).chmod(0o755)
        for path in sorted((HOME / "deploy").rglob("*")):
            copy = self.path("/opt/lanekort/deploy") / path.relative_to(HOME / "deploy")
            if path.is_file() and "__pycache__" not in path.parts:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(self.translate(path.read_text(encoding="utf-8")))
                shutil.copymode(path, copy)
