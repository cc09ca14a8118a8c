"""Two portal hosts, each with HAProxy, PgBouncer, the portal and a worker, and nginx before both."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from drills.several.databases import DATABASES, JOURNAL, REGISTER
from drills.several.programs import DATABASE_USER, DEPLOY, Program, wait_until, write_for

NAME: Final = "card.example.org"
_START_SECONDS: Final = 60


class PortalHost:
    """One of the two. Its own loopback address stands for 127.0.0.1 in the files of deploy/."""

    def __init__(
        self, folder: Path, network: str, number: str, *, settings: Mapping[str, str], journal: str, password: str
    ) -> None:
        self.address = f"{network}.1{number}"
        words = {"10.0.0": network, "127.0.0.1": self.address}
        own = folder / f"portal{number}"
        own.mkdir()
        haproxy = write_for(own / "haproxy.cfg", "haproxy/haproxy.cfg", words)
        users = (f'"{name}" "{password}"\n' for name in DATABASES.values())
        (own / "userlist.txt").write_text("".join(users), encoding="utf-8")
        folders = {
            f"/var/log/{DATABASE_USER}ql": str(own),
            f"/var/run/{DATABASE_USER}ql": str(own),
            "/etc/pgbouncer": str(own),
        }
        bouncer = write_for(own / "pgbouncer.ini", "pgbouncer/pgbouncer.ini", words | folders)
        for path in (own, *own.iterdir()):
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        subprocess.run(["chown", "-R", DATABASE_USER, own], check=True)
        register, kept = (
            f"postgresql+psycopg://{name}:{password}@{self.address}:6432/{name}"
            for name in (DATABASES[REGISTER], DATABASES[JOURNAL])
        )
        environment = {**settings, "DATABASE_URL": register}
        environment["ERASURE_JOURNAL"] = journal or kept
        gunicorn = [
            sys.executable,
            "-m",
            "gunicorn",
            "wsgi:app",
            "--bind",
            f"{self.address}:8000",
            "--log-level",
            "warning",
        ]
        flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
        self.database_url = environment["DATABASE_URL"]
        self.balancer = Program(["/usr/sbin/haproxy", "-db", "-f", haproxy], own / "haproxy.log")
        self.pooler = Program(["/usr/sbin/pgbouncer", bouncer], own / "pgbouncer.out", user=DATABASE_USER)
        self.portal = Program(gunicorn, own / "portal.log", more=environment)
        self.worker = Program([*flask, "worker"], own / "worker.log", more=environment)

    def start_ways(self) -> None:
        """Start what leads to the databases."""
        for program, port in ((self.balancer, 5000), (self.pooler, 6432)):
            program.start()
            wait_until(partial(answers, self.address, port), seconds=_START_SECONDS, waiting_for=str(program.log))

    def start_portal(self) -> None:
        """Start the portal and its worker; they are ready a little later."""
        self.portal.start()
        self.worker.start()

    def wait_for_portal(self) -> None:
        """Wait until the portal takes requests. Raises TookTooLong."""
        wait_until(lambda: answers(self.address, 8000), seconds=_START_SECONDS, waiting_for=str(self.portal.log))

    def stop(self) -> None:
        """End all of it."""
        for program in (self.worker, self.portal, self.pooler, self.balancer):
            program.stop()


def answers(address: str, port: int) -> bool:
    """Tell whether somebody takes connections there."""
    with suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


def make_proxy(folder: Path, network: str) -> Program:
    """Return nginx with deploy's files, before both portals, at <network>.10 with TLS."""
    own = folder / "nginx"
    for name in ("modules-enabled", "conf.d", "sites-enabled", "snippets", "log", "cache"):
        (own / name).mkdir(parents=True)
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    key = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        *names,
    ]
    key += ["-keyout", str(own / "privkey.pem"), "-out", str(own / "fullchain.pem")]
    subprocess.run(key, check=True, capture_output=True)
    words = {
        "/etc/nginx/mime.types": "/etc/nginx/mime.types ",
        "/etc/nginx/": f"{own}/",
        "/etc/lanekort/tls": str(own),
        "/var/log/nginx": str(own / "log"),
        "/var/lib/nginx/lanekort": str(own / "cache"),
        "/run/nginx.pid": str(own / "nginx.pid"),
        "listen [::]:": "# listen [::]:",
        "listen ": f"listen {network}.10:",
        # The load of a whole country comes from this machine.
        "rate=500r/s": "rate=5000r/s",
    }
    main = write_for(own / "nginx.conf", "nginx/nginx.conf", words | {f"{own}/mime.types ": "/etc/nginx/mime.types"})
    write_for(own / "sites-enabled" / "lanekort.conf", "nginx/lanekort.conf", words)
    upstream = (DEPLOY / "nginx" / "lanekort-upstream.conf").read_text(encoding="utf-8")
    both = "\n".join(f"server {network}.1{number}:8000 max_fails=2 fail_timeout=5s;" for number in "12")
    upstream = upstream.replace("server 127.0.0.1:8000 max_fails=2 fail_timeout=5s;", both)
    (own / "snippets" / "lanekort-upstream.conf").write_text(upstream, encoding="utf-8")
    return Program(["/usr/sbin/nginx", "-c", main, "-g", "daemon off;"], own / "nginx.out")
