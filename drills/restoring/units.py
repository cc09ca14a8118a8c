"""The units of the backups on a Debian of its own, with its systemd: set up as the document tells, started, failing."""

import shutil
import subprocess
from pathlib import Path

from drills.figures import Figures
from drills.installing.containers import CannotBoot, Debian, booted, missing_programs
from drills.installing.documents import HOME

_POSTGRESQL = {"12": "15", "13": "17"}
_PACKAGES = "postgresql pgbackrest age openssl python3"
_SQLITE = "import sqlite3; sqlite3.connect('/var/lib/lanekort/register.sqlite').execute('CREATE TABLE patrons (id)')"


def try_units(figures: Figures, blocks: dict[str, list[str]], *, debian: str, cache: str, prepare: str) -> None:
    """Boot each Debian of `debian` (with commas between), and back up there by the units alone."""
    if missing := missing_programs():
        raise SystemExit(f"./manage drill restore needs Debian's packages {', '.join(missing)} for its long form.")
    for version in debian.split(","):
        try:
            with booted(version, cache=Path(cache), prepare=[prepare] if prepare else []) as system:
                _back_up(figures, system, blocks, version)
        except CannotBoot as error:
            figures.promise(f"Debian {version}", str(error), holds=False, promised="it boots")


def _back_up(figures: Figures, system: Debian, blocks: dict[str, list[str]], version: str) -> None:
    def do(command: str) -> str:
        return system.run("bash", "-euo", "pipefail", "-c", command)

    def promise(what: str, figure: object, *, holds: bool, promised: str) -> None:
        figures.promise(f"Debian {version}, {what}", figure, holds=holds, promised=promised)

    postgresql = f"postgresql/{_POSTGRESQL[version]}"
    do(f"apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends {_PACKAGES}")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HOME / "deploy", system.root / "opt" / "lanekort" / "deploy", ignore=ignored)
    do(f"sed -i 's#postgresql/15#{postgresql}#' /opt/lanekort/deploy/pgbackrest/*")
    for command in blocks["set up"]:
        do(command.replace("postgresql/15", postgresql))
    do("cp /opt/lanekort/deploy/systemd/lanekort-backup* /etc/systemd/system/ && systemctl daemon-reload")
    do("systemctl enable --now lanekort-backup.timer lanekort-backup-watch.timer")
    do("systemctl start lanekort-backup lanekort-backup-watch")
    info = do(blocks["look"][0])
    both = "full backup" in info and "diff backup" in info
    promise("backups", do("pgbackrest version").strip(), holds=both, promised="one by hand, one by the unit")
    written = do(blocks["look"][3])
    promise("figures", f"{written.count('TYPE')}", holds="wal_waiting_seconds 0" in written, promised="for alarms")
    answer = do("runuser -u postgres -- psql -Atc 'SELECT 1'").strip()
    promise("PostgreSQL afterwards", answer, holds=answer == "1", promised="it answers")
    do("useradd --system lanekort && install -d -o lanekort -m 750 /var/lib/lanekort && install -d /etc/lanekort")
    do("install -d -o lanekort -m 700 /srv/backup/sqlite")
    do("age-keygen 2>/dev/null | age-keygen -y >/etc/lanekort/backup-keys.txt")
    do(f'runuser -u lanekort -- python3 -c "{_SQLITE}" && systemctl start lanekort-backup-sqlite')
    copies = do("ls /srv/backup/sqlite").split()
    promise("SQLite's copy", copies, holds=len(copies) == 1, promised="one, sealed")
    do('for turn in 1 2 3; do runuser -u postgres -- psql -qc "CREATE TABLE x$turn (); SELECT pg_switch_wal()"; done')
    do("sleep 3; rm $(ls /srv/backup/pgbackrest/archive/lanekort/*-1/*/*-* | tail -n 2 | head -n 1)")
    try:
        do("systemctl start lanekort-backup")
        failed = False
    except subprocess.CalledProcessError:
        failed = True
    promise("with a missing segment", "failed" if failed else "started", holds=failed, promised="the unit fails")
