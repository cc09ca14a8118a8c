"""The units and the settings of what keeps logs, by the very programs that they are for."""

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from drills.deploy.portal import UNITS, read_unit
from drills.deploy.proxy import HOME
from drills.figures import Figures

_JOURNALD = Path("/lib/systemd/systemd-journald")
_MOST_EXPOSED = 2.0
_DAYS = 14
_OF_A_SERVICE = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
}


def try_units(figures: Figures) -> None:
    """Have systemd verify each unit, and weigh what each service may do."""
    # systemd looks for the programs too; they are in another place here.
    with TemporaryDirectory(prefix="lanekort-units-") as name:
        folder, program = Path(name), Path(name) / "program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        for unit in sorted(UNITS.glob("lanekort-*")):
            text = re.sub(r"/opt/lanekort/\.venv/bin/\w+", str(program), unit.read_text())
            (folder / unit.name).write_text(text.replace("=/opt/lanekort/", f"={HOME}/"))
        units = [path for path in sorted(folder.iterdir()) if path != program]
        said = _run("systemd-analyze", "verify", *map(str, units))
        ours = [line for line in said.splitlines() if "lanekort" in line]
        figures.promise("systemd-analyze verify", ours or "well", holds=not ours, promised="well")
        services = [path for path in units if path.suffix == ".service"]
        worst = max(map(_exposure, services))
        holds = worst <= _MOST_EXPOSED
        figures.promise("most exposed service", worst, holds=holds, promised=f"at most {_MOST_EXPOSED}")
    read = {path.name: read_unit(path.name)["Service"] for path in services}
    wrong = [f"{name}: {key}" for name, unit in read.items() for key, v in _OF_A_SERVICE.items() if unit.get(key) != v]
    figures.promise("rights", wrong or "none", holds=not wrong, promised="none")
    accounts = {unit["User"] for unit in read.values()}
    made = set(re.findall(r"^u (\S+) ", (UNITS / "lanekort.sysusers").read_text(), re.MULTILINE))
    said = _run("systemd-sysusers", "--dry-run", str(UNITS / "lanekort.sysusers"))
    # Backups of PostgreSQL are its own account's affair.
    holds = accounts - {"postgres"} == made and "Failed" not in said
    promised = "those of lanekort.sysusers, and postgres"
    figures.promise("accounts", ", ".join(sorted(accounts)), holds=holds, promised=promised)
    when = [read_unit(path.name)["Timer"]["OnCalendar"] for path in units if path.suffix == ".timer"]
    unclear = [text for text in when if "Next elapse" not in _run("systemd-analyze", "calendar", text)]
    figures.promise("timers", unclear or ", ".join(when), holds=not unclear, promised="times that systemd knows")


def try_log_keeping(figures: Figures) -> None:
    """Have journald's and logrotate's settings read by their own programs, and find the same days in both."""
    journald = (HOME / "deploy" / "journald" / "lanekort.conf").read_text()
    days = re.search(r"^MaxRetentionSec=(\d+)day$", journald, re.MULTILINE)
    logrotate = HOME / "deploy" / "journald" / "nginx.logrotate"
    rotated = re.findall(r"^\s+(?:rotate|maxage) (\d+)$", logrotate.read_text(), re.MULTILINE)
    kept = {days[1] if days else "", *rotated}
    figures.promise(
        "logs are kept for", f"{', '.join(kept)} days", holds=kept == {str(_DAYS)}, promised=f"{_DAYS} days"
    )
    with TemporaryDirectory(prefix="lanekort-logs-") as name:
        # logrotate reads files that are root's, with logs in place; journald says at its start what it does not know.
        folder = Path(name)
        (folder / "access.log").write_text("a line\n")
        copy = folder / "nginx.logrotate"
        copy.write_text(logrotate.read_text().replace("/var/log/nginx", name))
        copy.chmod(0o644)
        said = _run("logrotate", "--debug", "--state", str(folder / "state"), str(copy))
        faults = [line for line in said.splitlines() if line.startswith("error")]
        figures.promise("logrotate", faults or "well", holds="rotating pattern" in said and not faults, promised="well")
    # journald has no way to look at settings without running; the names that it knows stand in its program.
    known = _JOURNALD.read_bytes() if _JOURNALD.exists() else b""
    unknown = [
        key for key in re.findall(r"^(\w+)=", journald, re.MULTILINE) if f"Journal.{key}\0".encode() not in known
    ]
    figures.promise("journald's settings", unknown or "known", holds=not unknown, promised="known")


def _exposure(unit: Path) -> float:
    said = _run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    return float(found[1]) if found else 10.0


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError:
        return ""
    return done.stdout + done.stderr
