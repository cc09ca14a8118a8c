"""Two releases side by side on one database: the old program on tables that the new one's migrations made.

The next release is thought of too: an expansion that gives every table a column more, beside new tables, which both
programs must take no notice of. Then the portal is told to load itself anew while requests come.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyotp

from app.demo.accounts import DESKS, MACHINES
from app.register.tables.columns import Base
from drills.figures import Figures
from drills.installing.browser import Browser, Refused, expect
from drills.installing.documents import HOME
from drills.programs import NoHistory, command, git, older_revision, serving, take, working
from tests.ports import own_port
from tests.postgres import create_database, running_postgres

_NAME = "card.example.org"
_GUARDIAN, _CHILD, _TEEN = ("N000100001", "4719"), ("N000100002", "8302"), ("N000100003", "5938")
_LEAVERS = ("N000100006", "7346"), _TEEN
_SEED = """
import flask_migrate
from datetime import UTC, datetime
from app import create_app
from app.demo.seed import seed_register
with create_app().app_context():
    flask_migrate.upgrade()
    seed_register(now=datetime.now(UTC))
"""


def drill(figures: Figures, *, short: bool, revision: str = "", seconds: str = "") -> None:
    """Run `revision` (the newest release, or else the oldest with today's first tables) and this program side by side.

    `seconds`: for how long requests come while the portal loads itself anew.
    """
    try:
        chosen = revision or older_revision(same_packages=short)
        figures.note("the old program", git("log", "-1", "--format=%h of %cs: %s", chosen))
    except NoHistory as error:
        figures.note("nothing was tried", f"there is no history here: {error}")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lanekort-upgrade-")))
        server = stack.enter_context(running_postgres(in_memory=True))
        environ = _settings(server, folder)
        old = take(chosen, folder / "old")
        subprocess.run([sys.executable, "-c", _SEED], cwd=HOME, env=os.environ | environ, check=True)
        figures.note("tables with a column more, in the next release's expansion", _expand(folder, environ))
        ports = own_port(), own_port()
        certificate = _certificate(folder)
        pids = [
            stack.enter_context(
                serving(
                    program, environ, port=port, certificate=certificate, log=folder / f"{port}.log", workers=workers
                )
            )
            for program, port, workers in zip((old, HOME), ports, (1, 2), strict=True)
        ]
        senders = [
            stack.enter_context(working(program, environ, log=folder / f"worker-{number}.log"))
            for number, program in enumerate((old, HOME))
        ]
        _act(figures, ports, certificate)
        figures.promise(
            "workers that stopped",
            sum(sender.poll() is not None for sender in senders),
            promised="0",
            holds=all(sender.poll() is None for sender in senders),
        )
        faults = [line for log in folder.glob("*.log") for line in log.read_text().splitlines() if "Traceback" in line]
        figures.promise("faults in the logs of both", len(faults), holds=not faults, promised="0")
        _reload(figures, pids[1], ports[1], float(seconds or (6 if short else 30)), 1 if short else 2)


def _settings(server: str, folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": create_database(server, "lanekort"),
        "ERASURE_JOURNAL": create_database(server, "journal"),
        "SECRET_KEY": os.urandom(32).hex(),
        "VAULT_KEYS": f"1:{os.urandom(32).hex()}",
        "PROXIES": "0",
        "WEB_THREADS": "6",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "MAIL_FROM": "card@example.org",
        "PUBLIC_URL": f"https://{_NAME}",
        "NEW_DEVICE": "pin",
        "PYTHONWARNINGS": "",
    }


def _certificate(folder: Path) -> str:
    """Make a certificate, with its key in the same file."""
    made = folder / "certificate.pem"
    key = folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={_NAME}", "-addext", f"subjectAltName=DNS:{_NAME}"]
    subprocess.run([*words, *names, "-keyout", key, "-out", made], check=True, capture_output=True)
    made.write_text(made.read_text() + key.read_text())
    return str(made)


def _expand(folder: Path, environ: dict[str, str]) -> int:
    """Run a migration as the next release may have one, and return how many tables it gives a column."""
    migrations = folder / "migrations"
    shutil.copytree(HOME / "migrations", migrations, ignore=shutil.ignore_patterns("__pycache__"))
    head = max(re.match(r"\d+", path.name)[0] for path in migrations.glob("versions/[0-9]*.py"))  # type: ignore[index]
    tables = sorted(Base.metadata.tables)
    (migrations / "versions" / "9999_expansion.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f'revision = "9999"\ndown_revision = "{head}"\n'
        "def upgrade():\n"
        f"    for table in {tables!r}:\n"
        '        op.add_column(table, sa.Column("of_the_next_release", sa.Text()))\n'
        '    op.create_table("next_release", sa.Column("id", sa.BigInteger(), primary_key=True),\n'
        '        sa.Column("patron_id", sa.BigInteger(), sa.ForeignKey("patrons.id", ondelete="CASCADE")))\n'
        "def downgrade():\n    pass\n"
    )
    command(HOME, environ, "db", "upgrade", "--directory", str(migrations))
    return len(tables)


def _act(figures: Figures, ports: tuple[int, int], certificate: str) -> None:
    """Let people begin at one program and go on at the other, both ways round."""
    acts = {"sign-in": 0, "scan at the desk": 0, "scan by a kiosk": 0, "permission": 0, "erasure": 0}
    for turn, (here, there) in enumerate((ports, ports[::-1])):
        for name, act in (
            ("sign-in", _sign_in),
            ("scan at the desk", _scan_at_desk),
            ("scan by a kiosk", _scan_by_kiosk),
            ("permission", _permit),
            ("erasure", _erase),
        ):
            try:
                act(certificate, here, there, turn)
                acts[name] += 1
            except (Refused, KeyError, StopIteration, ValueError) as error:
                figures.note(f"{name}, begun at the {'new' if turn else 'old'} program", error)
    for name, count in acts.items():
        figures.promise(f"{name}, begun at one and ended at the other", f"{count} of 2", holds=count == 2, promised="2")


def _signed_in(certificate: str, port: int, who: tuple[str, str]) -> Browser:
    browser = Browser(_NAME, certificate, port=port)
    expect(browser.send("/login", card_number=who[0], pin=who[1], remember="y"), 302, f"sign-in of {who[0]}")
    return browser


def _sign_in(certificate: str, here: int, there: int, turn: int) -> None:
    browser = _signed_in(certificate, here, _GUARDIAN)
    browser.port = there
    if "Ingrid" not in browser.page("/my").get_text():
        raise Refused("the session does not hold at the other program")


def _scan_at_desk(certificate: str, here: int, there: int, turn: int) -> None:
    # Each of both desks' one-time codes counts once in its half minute.
    account = DESKS[turn]
    desk = Browser(_NAME, certificate, port=here)
    code = pyotp.TOTP(account.totp_secret).now()
    expect(desk.send("/desk/login", username=account.username, password=account.password, code=code), 302, "the desk")
    desk.port = there
    shown = _signed_in(certificate, here, _GUARDIAN).code()
    answer = desk.send("/desk", payload=shown)
    if 'data-result="accepted"' not in answer.text and "Godtatt" not in answer.text:
        expect(answer, 0, "the scan")


def _scan_by_kiosk(certificate: str, here: int, there: int, turn: int) -> None:
    shown = _signed_in(certificate, here, _CHILD if turn else ("N000100005", "2957"))
    code = shown.code()
    kiosks = [machine for machine in MACHINES if machine.kind == "kiosk"]
    answers = []
    for port, kiosk in zip((there, here), kiosks, strict=False):
        shown.port = port
        answer = shown.ask("POST", "/api/v1/scan", json={"payload": code}, auth=(kiosk.username, kiosk.password))
        expect(answer, 200, "the scan")
        answers.append(answer.json())
    if [answer["result"] for answer in answers] != ["accepted", "refused"]:
        raise Refused(f"{answers[0]}, then {answers[1]}")


def _permit(certificate: str, here: int, there: int, turn: int) -> None:
    child, name = ((_CHILD, "Jonas"), (_TEEN, "Nora"))[turn]
    browser = _signed_in(certificate, here, child)
    answer = browser.send("/my/settings", guardian_card_number=_GUARDIAN[0], pin=child[1])
    if answer.status_code not in (302, 303):
        expect(answer, 302, "the permission")
    if name not in _signed_in(certificate, there, _GUARDIAN).page("/my/settings").get_text():
        raise Refused(f"the guardian does not see {name}")


def _erase(certificate: str, here: int, there: int, turn: int) -> None:
    who = _LEAVERS[turn]
    expect(_signed_in(certificate, here, who).send("/my/data/erase", confirm_pin=who[1]), 303, "the erasure")
    gone = Browser(_NAME, certificate, port=there)
    answer = gone.send("/login", card_number=who[0], pin=who[1])
    if answer.status_code == 302:
        raise Refused("somebody who was erased comes in")


@contextmanager
def _wrk(port: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    program = os.environ.get("LANEKORT_WRK") or shutil.which("wrk") or "wrk"
    words = [
        program,
        "-t",
        "1",
        "-c",
        "16",
        "-d",
        f"{seconds:.0f}s",
        "-H",
        f"Host: {_NAME}",
        f"https://127.0.0.1:{port}/login",
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _reload(figures: Figures, pid: int, port: int, seconds: float, times: int) -> None:
    with _wrk(port, seconds) as load:
        for _ in range(times):
            time.sleep(seconds / (times + 1))
            os.kill(pid, signal.SIGHUP)
        said = load.communicate()[0]
    total = re.search(r"(\d+) requests in", said)
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = int(others[1] if others else 0) + sum(map(int, broken.groups() if broken else ()))
    figures.promise(
        f"requests that failed while the portal loaded itself anew, {times} x",
        f"{failed} of {total[1] if total else said}",
        holds=total is not None and failed == 0,
        promised="0",
    )
