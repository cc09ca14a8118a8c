"""Three database hosts: each with etcd, and Patroni with a PostgreSQL for the register and one for the journal."""

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from drills.several.programs import DATABASE_USER, Program, wait_until, write_for
from tests.postgres import find_programs

REGISTER: Final = "register"
JOURNAL: Final = "journal"
DATABASES: Final = {REGISTER: "lanekort", JOURNAL: "lanekort_journal"}
_PORTS: Final = {REGISTER: (5432, 8008), JOURNAL: (5433, 8009)}
_START_SECONDS: Final = 120


class DatabaseHost:
    """One of the three. Its address stands for 10.0.0.2<number> in the files of deploy/."""

    def __init__(self, folder: Path, network: str, number: str, *, clusters: Sequence[str], password: str) -> None:
        self.name = f"db{number}"
        self._folder = folder
        self.address = f"{network}.2{number}"
        self.sockets = folder / self.name
        self.data: dict[str, Path] = {}
        self.sockets.mkdir()
        shutil.chown(self.sockets, DATABASE_USER, DATABASE_USER)
        words = {
            "10.0.0.0/24": "127.0.0.0/8",
            "10.0.0": network,
            "/var/lib/postgresql/lanekort": str(self.sockets),
            "/var/run/postgresql": str(self.sockets),
            "/var/lib/etcd/lanekort": str(self.sockets / "etcd"),
            "/usr/lib/postgresql/15/bin": str(find_programs()),
            "change-me": password,
        }
        settings = write_for(folder / f"etcd-{self.name}", "patroni/etcd", words, of=number)
        lines = (line for line in settings.read_text(encoding="utf-8").splitlines() if line.startswith("ETCD_"))
        environment = dict(line.split("=", 1) for line in lines)
        self.etcd = Program(["etcd"], folder / f"etcd-{self.name}.log", user=DATABASE_USER, more=environment)
        self.patroni: dict[str, Program] = {}
        for cluster in clusters:
            file = write_for(folder / f"{cluster}-{self.name}.yml", f"patroni/{cluster}.yml", words, of=number)
            self.data[cluster] = self.sockets / cluster
            log = folder / f"patroni-{cluster}-{self.name}.log"
            self.patroni[cluster] = Program(["/usr/bin/patroni", file], log, user=DATABASE_USER)

    def start(self) -> None:
        """Start what is not running."""
        for program in (self.etcd, *self.patroni.values()):
            program.start()

    def kill_patroni(self) -> None:
        """Kill the register's Patroni; its PostgreSQL runs on."""
        self.patroni[REGISTER].kill()

    def kill_postgresql(self, cluster: str = REGISTER) -> None:
        """Kill PostgreSQL's first process; the others notice, and end."""
        with suppress(OSError, IndexError, ValueError):
            number = int((self.data[cluster] / "postmaster.pid").read_text().split()[0])
            # Only what is really PostgreSQL: the file outlives its process, whose number may be somebody else's by now.
            if b"postgres" in Path(f"/proc/{number}/cmdline").read_bytes():
                os.kill(number, signal.SIGKILL)

    def kill(self) -> None:
        """Kill all of the host."""
        for program in (*self.patroni.values(), self.etcd):
            program.kill()
        for cluster in self.patroni:
            self.kill_postgresql(cluster)

    def hand_over(self) -> None:
        """Make another host the primary, as an operator does before planned work. Raises CalledProcessError."""
        settings = self._folder / f"{REGISTER}-{self.name}.yml"
        command: list[str | Path] = ["/usr/bin/patronictl", "-c", settings, "switchover", REGISTER, "--force"]
        subprocess.run(command, check=True, capture_output=True)

    def role(self, cluster: str) -> dict[str, Any]:
        """Return what Patroni says of its PostgreSQL; nothing where it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{_PORTS[cluster][1]}/patroni", timeout=2) as answer:
                return dict(json.load(answer))
        except (OSError, HTTPException, ValueError):
            return {}

    def sql(self, statement: str, *, cluster: str = REGISTER, database: str = DATABASE_USER) -> list[list[str]]:
        """Run SQL as the superuser, by the host's socket. Returns rows. Raises CalledProcessError."""
        command: list[str | Path] = [find_programs() / "psql", "-h", self.sockets, "-p", str(_PORTS[cluster][0])]
        command += ["-U", DATABASE_USER, "-d", database, "-AtqX", "-v", "ON_ERROR_STOP=1"]
        done = subprocess.run(
            command, user=DATABASE_USER, cwd="/", input=statement, capture_output=True, text=True, check=True
        )
        return [line.split("|") for line in done.stdout.splitlines()]


class Databases:
    """The three hosts together, with some of the clusters."""

    def __init__(self, folder: Path, network: str, *, clusters: Sequence[str], password: str) -> None:
        self.clusters = clusters
        self._password = password
        self.hosts = [DatabaseHost(folder, network, each, clusters=clusters, password=password) for each in "123"]

    def start(self) -> None:
        """Start all hosts, and make role and database, of one name, in each cluster. Raises TookTooLong."""
        for host in self.hosts:
            host.start()
        for cluster in self.clusters:
            has_standby = partial(self._has_standby, cluster)
            wait_until(has_standby, seconds=_START_SECONDS, waiting_for=f"a standby of {cluster}")
            database = DATABASES[cluster]
            self.sql(f"CREATE ROLE {database} LOGIN PASSWORD '{self._password}'", cluster=cluster)
            self.sql(f"CREATE DATABASE {database} OWNER {database}", cluster=cluster)

    def stop(self) -> None:
        """End all there is."""
        for host in self.hosts:
            host.kill()

    def primary(self, cluster: str = REGISTER) -> DatabaseHost | None:
        """Return the host with the primary, as Patroni says; None where there is none."""
        for host in self.hosts:
            said = host.role(cluster)
            if said.get("role") in ("master", "primary") and said.get("state") == "running":
                return host
        return None

    def wait_for_primary(self, cluster: str = REGISTER) -> DatabaseHost:
        """Return the host with the primary, once Patroni says of one that it is. Raises TookTooLong."""
        return wait_until(partial(self.primary, cluster), seconds=_START_SECONDS, waiting_for=f"a primary of {cluster}")

    def sql(self, statement: str, *, cluster: str = REGISTER, database: str = DATABASE_USER) -> list[list[str]]:
        """Run SQL at the primary, and return rows. Raises TookTooLong where there is none, or CalledProcessError."""
        return self.wait_for_primary(cluster).sql(statement, cluster=cluster, database=database)

    def _standbys(self, cluster: str) -> list[str]:
        primary = self.primary(cluster)
        standbys = (primary.role(cluster) if primary else {}).get("replication", [])
        return [each["sync_state"] for each in standbys if each.get("state") == "streaming"]

    def _has_standby(self, cluster: str) -> bool:
        return "sync" in self._standbys(cluster)

    def _is_whole(self, cluster: str) -> bool:
        standbys = self._standbys(cluster)
        return len(standbys) == len(self.hosts) - 1 and "sync" in standbys

    def wait_for_all(self) -> None:
        """Wait until both standbys are there in each cluster, one of them synchronous. Raises TookTooLong."""
        for cluster in self.clusters:
            is_whole = partial(self._is_whole, cluster)
            wait_until(is_whole, seconds=_START_SECONDS, waiting_for=f"both standbys of {cluster}")
