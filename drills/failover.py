"""The primary dies, again and again, while kiosks scan and people sign in and are erased: what was answered stays.

Three database hosts, two portal hosts and nginx on addresses of their own of this machine's loopback, with the files
of deploy/. Whoever is killed is started again when the others have taken over, as an operator would in the worst case.
"""

import json
import os
import re
import secrets
import shutil
import signal
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import cycle, pairwise
from pathlib import Path
from typing import Final

from app.register.staff.machines import connect_machine, draw_password
from app.register.store.transaction import writing
from app.rules.card.code import step_at
from bench.people import LIBRARY_ID, card_number, code_at, fill_register, make_portal
from drills.figures import Figures
from drills.several.databases import DATABASES, JOURNAL, REGISTER, DatabaseHost, Databases
from drills.several.people import Browser, Crowd, Kiosk, session_of
from drills.several.portals import NAME, PortalHost, answers, make_proxy
from drills.several.programs import wait_until
from tests.mail import MailServer, running_mail_server

_WAYS: Final = ("postgres", "patroni", "postgres", "patroni", "host") * 4 + ("switchover",)
_WAY: Final = ("postgres",)
_PEOPLE: Final = 12_000
_FEW: Final = 1_500
_BURST: Final = 320
_LONGEST_SECONDS: Final = 15
_CALM_SECONDS: Final = 2.0
_REPLAYED_SECONDS: Final = 12
_WAIT_SECONDS: Final = 90


@dataclass(slots=True)
class _Place:
    folder: Path
    databases: Databases
    portals: list[PortalHost]
    proxy: tuple[str, int]
    trusts: ssl.SSLContext
    kiosks: list[Kiosk]
    mail: MailServer


def drill(figures: Figures, *, short: bool) -> None:
    """Kill the primary 20 times (short: once), hand over once, and compare what was acknowledged with what is there."""
    people = _FEW if short else _PEOPLE
    # So that what was started is ended where the drill itself is.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # The journal's cluster is beside the register's on the same hosts; the short form has a file for it.
    clusters = (REGISTER,) if short else (REGISTER, JOURNAL)
    with _running(people, clusters) as place:
        _burst(figures, place, people)
        crowd = Crowd(place.proxy, place.trusts, place.kiosks[0], people=people)
        with crowd:
            time.sleep(2)
            ways = _WAY if short else _WAYS
            longest = [_kill(figures, place, crowd, number, way) for number, way in enumerate(ways, start=1)]
        _judge(figures, place, crowd, longest)


@contextmanager
def _running(people: int, clusters: Sequence[str]) -> Iterator[_Place]:
    network, password = f"127.77.{secrets.randbelow(250)}", secrets.token_urlsafe(24)
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="lanekort-failover-")))
        folder.chmod(0o755)
        mail = running.enter_context(running_mail_server())
        settings = {
            "SECRET_KEY": secrets.token_hex(32),
            "VAULT_KEYS": f"1:{sha256(b'bench').hexdigest()}",
            "PROXIES": "1",
            "PUBLIC_URL": f"https://{NAME}",
            "NEW_DEVICE": "pin",
            "SMTP_URL": mail.url,
            "MAIL_FROM": "card@example.org",
            "WEB_CONCURRENCY": "2" if JOURNAL in clusters else "1",
        }
        databases = Databases(folder, network, clusters=clusters, password=password)
        journal = "" if JOURNAL in clusters else str(folder / "erasures.journal")
        running.callback(databases.stop)
        databases.start()
        portals = [
            PortalHost(folder, network, number, settings=settings, journal=journal, password=password)
            for number in "12"
        ]
        for portal in portals:
            running.callback(portal.stop)
            portal.start_ways()
        # The measured register is settled with a checkpoint, for which production's role has no right.
        databases.sql("GRANT pg_checkpoint TO lanekort")
        fill_register(portals[0].database_url, people=people)
        # Its lines of the access log are not the register's own.
        databases.sql("TRUNCATE access_log; UPDATE patrons SET proven_email = email", database="lanekort")
        for portal in portals:
            portal.start_portal()
        kiosks = _connect(portals[0].database_url, "kiosk-1", "kiosk-2")
        proxy = make_proxy(folder, network)
        running.callback(proxy.stop)
        proxy.start()
        for portal in portals:
            portal.wait_for_portal()
        wait_until(lambda: answers(f"{network}.10", 443), seconds=20, waiting_for=f"nginx: {proxy.last_words()}")
        trusts = ssl.create_default_context(cafile=str(folder / "nginx" / "fullchain.pem"))
        place = _Place(folder, databases, portals, (f"{network}.10", 443), trusts, kiosks, mail)
        try:
            yield place
        finally:
            if kept := os.environ.get("LANEKORT_DRILL_LOGS"):
                without = shutil.ignore_patterns(REGISTER, JOURNAL, "etcd", ".s.*")
                shutil.copytree(folder, kept, dirs_exist_ok=True, ignore=without)


def _connect(database_url: str, *names: str) -> list[Kiosk]:
    kiosks = [Kiosk(name, draw_password()) for name in names]
    with make_portal(database_url).app_context(), writing():
        for kiosk in kiosks:
            connect_machine(username=kiosk.name, library_id=LIBRARY_ID, kind="kiosk", password=kiosk.password)
    return kiosks


def _burst(figures: Figures, place: _Place, people: int) -> None:
    """Scan over sixteen connections at once: the pooler gives each transaction another of the server's processes."""
    codes = [code_at(person, step_at(datetime.now(UTC))) for person in range(people - _BURST + 1, people + 1)]
    ways = cycle((portal.address, 8000) for portal in place.portals)
    with ThreadPoolExecutor(16) as kiosks:
        found = list(kiosks.map(lambda code: place.kiosks[0].scan(Browser(next(ways)), code), codes))
    statuses = dict(Counter(answer.status for answer in found))
    accepted = sum(session_of(answer) is not None for answer in found)
    holds = accepted == _BURST
    figures.promise("scans through PgBouncer", f"{accepted} of {_BURST}, {statuses}", holds=holds, promised="all")


def _kill(figures: Figures, place: _Place, crowd: Crowd, number: int, way: str) -> float:
    """Kill the primary and wait until another is used; print what happened. Returns after how many seconds it was."""
    ledger, databases = crowd.ledger, place.databases
    databases.wait_for_all()
    victim = databases.wait_for_primary()
    wrong = len(ledger.wrong)
    killed = time.monotonic()
    {
        "postgres": victim.kill_postgresql,
        "patroni": victim.kill_patroni,
        "host": victim.kill,
        "switchover": victim.hand_over,
    }[way]()
    wait_until(
        lambda: _has_moved(databases, victim) and _is_calm(crowd, killed),
        seconds=_WAIT_SECONDS,
        waiting_for=f"scans after the death of {victim.name}",
    )
    refused = [done for done in ledger.refused if done.at >= killed]
    last = max((done.at for done in refused), default=killed)
    accepted = sorted(done.at for done in ledger.since(killed, "scan"))
    # Where requests waited and none was refused, the longest pause is what people noticed.
    _, resumed = max(pairwise([killed, *accepted]), key=lambda pause: pause[1] - pause[0])
    back = max(resumed, next(at for at in accepted if at > last)) - killed
    doubled, replayed = _replay(place, crowd, killed)
    lost = _count_lost(databases, crowd)
    figures.promise(
        f"{number}, {way} of {victim.name}",
        f"back after {back:.1f} s, {len(refused)} times 503, {len(ledger.wrong) - wrong} other faults,"
        f" lost {lost}, {doubled} of {replayed} codes taken twice",
        holds=not lost and not doubled and back <= _LONGEST_SECONDS and len(ledger.wrong) == wrong,
        promised=f"{_LONGEST_SECONDS} s, 0, 0, 0",
    )
    for wrongly in ledger.wrong[wrong : wrong + 3]:
        figures.note("a fault", wrongly)
    victim.start()
    return back


def _has_moved(databases: Databases, victim: DatabaseHost) -> bool:
    primary = databases.primary()
    return primary is not None and primary is not victim


def _is_calm(crowd: Crowd, killed: float) -> bool:
    since = max(killed, time.monotonic() - _CALM_SECONDS)
    refused = any(done.at >= since for done in crowd.ledger.refused[-50:])
    return time.monotonic() - killed > _CALM_SECONDS and not refused and len(crowd.ledger.since(since, "scan")) > 5


def _replay(place: _Place, crowd: Crowd, killed: float) -> tuple[int, int]:
    """Show what was accepted around the death to another kiosk. Returns how many it took, and how many it was shown."""
    sessions = {done.word for done in crowd.ledger.since(killed - _REPLAYED_SECONDS, "scan")}
    codes = [code for code, session in list(crowd.codes.items()) if session in sessions]
    ways = cycle((portal.address, 8000) for portal in place.portals)
    with ThreadPoolExecutor(6) as kiosks:
        answers_of = list(kiosks.map(lambda code: place.kiosks[1].scan(Browser(next(ways)), code), codes))
    said = [answer.text for answer in answers_of if answer.status == 200]
    return sum('"accepted"' in text for text in said), sum('"REPLAY"' in text for text in said)


def _count_lost(databases: Databases, crowd: Crowd) -> int:
    """Return how much of what was acknowledged the present primary does not know."""
    acknowledged = list(crowd.ledger.acknowledged)
    scans = {done.word for done in acknowledged if done.kind == "scan"}
    erased = {done.person for done in acknowledged if done.kind == "erasure"}
    erasing = erased | {done.person for done in crowd.ledger.refused if done.kind == "erasure"}
    signed_in = {done.person for done in acknowledged if done.kind == "sign-in"} - erasing - crowd.erasing
    lost = len(scans) - _count(databases, f"count(*) FROM presented_steps WHERE session IN ({_quote(scans)})")
    logged = "count(*) FROM access_log WHERE role = 'kiosk' AND actor = 'kiosk-1'"
    lost += max(0, len(scans) - _count(databases, logged))
    numbers = _quote(card_number(person) for person in signed_in)
    there = "count(DISTINCT s.patron_id) FROM sessions s JOIN patrons p ON p.id = s.patron_id"
    lost += len(signed_in) - _count(databases, f"{there} WHERE p.card_number IN ({numbers})")
    numbers = _quote(card_number(person) for person in erased)
    return lost + _count(databases, f"count(*) FROM patrons WHERE card_number IN ({numbers})")


def _count(databases: Databases, what: str) -> int:
    return int(databases.sql(f"SELECT {what}", database="lanekort")[0][0])


def _quote(words: Iterator[str] | Sequence[str] | set[str]) -> str:
    return ", ".join(f"'{word}'" for word in ("", *words))


def _judge(figures: Figures, place: _Place, crowd: Crowd, longest: list[float]) -> None:
    """Print what came of it in all, once nothing is asked any more."""
    ledger = crowd.ledger
    done = Counter(each.kind for each in ledger.acknowledged)
    figures.note("acknowledged", dict(done))
    times = " ".join(f"{each:.1f}" for each in sorted(longest))
    figures.note("seconds until scans were accepted again", times)
    refused = Counter(each.word for each in ledger.refused)
    figures.promise("refused", dict(refused), holds=set(refused) <= {"503"}, promised="503 with Retry-After")
    figures.promise("other faults", len(ledger.wrong), holds=not ledger.wrong, promised="0")
    place.databases.wait_for_all()
    lost = _count_lost(place.databases, crowd)
    figures.promise("acknowledged and lost, in the end", lost, holds=not lost, promised="0")
    written = len({json.loads(line[65:]).get("id") for line in _journal(place)} - {None})
    register = _count(place.databases, "count(*) FROM erasures")
    figures.promise(
        "erasures acknowledged, in the register, in the journal",
        f"{done['erasure']}, {register}, {written}",
        holds=written == register >= done["erasure"],
        promised="none is missing",
    )
    _judge_workers(figures, place, crowd)
    operator = make_portal(place.portals[0].database_url).test_cli_runner()
    verified = operator.invoke(args=["access-log", "verify"])
    said = verified.output.strip().splitlines()[-1]
    figures.promise("the access log", said, holds=verified.exit_code == 0, promised="nothing is wrong")
    # Its time-out of locks would stay in the pool's connections.
    cleaned = operator.invoke(args=["retention", "run"])
    left = re.search(r"tables left: (\d+)", cleaned.output)
    holds = cleaned.exit_code == 0 and left is not None and int(left[1]) > 0
    figures.promise("retention through PgBouncer", left and left[0], holds=holds, promised="it changes no session")


def _journal(place: _Place) -> list[str]:
    """Return the lines of the journal of erasures."""
    if JOURNAL not in place.databases.clusters:
        return (place.folder / "erasures.journal").read_text(encoding="utf-8").splitlines()
    rows = place.databases.sql("SELECT line FROM erasure_journal", cluster=JOURNAL, database=DATABASES[JOURNAL])
    return [row[0] for row in rows]


def _judge_workers(figures: Figures, place: _Place, crowd: Crowd) -> None:
    """Compare the orders of a PIN with the mails: two workers share the work, and no order is lost."""
    wait_until(lambda: not _count(place.databases, "count(*) FROM pin_orders"), seconds=30, waiting_for="PIN orders")
    ordered = {f"patron{done.person}@example.org" for done in crowd.ledger.acknowledged if done.kind == "order"}
    unsent = "SELECT p.email FROM messages m JOIN patrons p ON p.id = m.patron_id WHERE m.sent_at IS NULL"
    waiting = {row[0] for row in place.databases.sql(unsent, database="lanekort")}
    sent = Counter(str(mail["To"]) for mail in list(place.mail.received))
    missing = ordered - set(sent) - waiting
    figures.promise("orders that no worker handled", len(missing), holds=not missing, promised="0")
    twice = sum(times > 1 for address, times in sent.items() if address in ordered)
    said = f"{len(ordered & set(sent))} of {len(ordered)} sent, {twice} twice, {len(ordered & waiting)} wait"
    figures.note("mails for orders", said)
