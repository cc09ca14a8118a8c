"""What is measured is what happened, and the alarms ring: portal, worker and Prometheus, for real.

Before that the files of deploy/ are read by their own tools: rules and their tests by promtool, the dashboard by
Grafana's own types, and every expression and name in them is looked for in what the programs really show.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psycopg

from app.rules.card.code import step_at
from app.sip2.figures import Figures as GatewayFigures
from bench.browser import get_form
from bench.load import send_one, write_request
from bench.people import LIBRARY_ID, PIN, card_number, code_at, kiosk_authorization
from drills.figures import Figures
from drills.installing.documents import HOME
from drills.watching import DEPLOYED, PROCESSES, Watched, wait_for, watch

_DASHBOARD: Final = HOME / "deploy" / "grafana" / "lanekort.json"
_TESTS: Final = HOME / "drills" / "prometheus"
_TYPES: Final = HOME / "drills" / "grafana"
_NAME: Final = re.compile(r"\blanekort(?:_[a-z0-9_]+|:[a-z0-9_:]+)")
_RING_SECONDS: Final = 30
_MOST_MICROSECONDS: Final = 50.0
_COST: Final = """
import os, socket, sys, tempfile, timeit
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(dir=sys.argv[1])
from app.rules.card.scan import Reason, Refused
from app.web.faults.overload import waited_for_a_thread
from app.web.metrics.counting import count_scan, is_timed, observe
listener = socket.create_server(("127.0.0.1", 0))
environ = {"gunicorn.socket": socket.create_connection(listener.getsockname())}
outcome = Refused(Reason.REPLAY)
def cost():
    if is_timed("POST", "v1.scan"):
        waited_for_a_thread(environ)
    count_scan("api", outcome)
    observe("POST", "v1.scan", status=200, seconds=0.02)
print(min(timeit.repeat(cost, number=2000, repeat=15)) / 2000 * 1e6)
"""


def drill(figures: Figures, *, short: bool) -> None:
    """Check the files, let things happen, and compare; the whole form scans for longer."""
    with tempfile.TemporaryDirectory(prefix="lanekort-metrics-drill-") as name, _promtool(figures) as _:
        folder = Path(name)
        _check_dashboard(figures, folder)
        cost = float(_call([sys.executable, "-c", _COST, name], folder=HOME))
        figures.promise("a scan's added cost", f"{cost:.1f} µs", holds=cost <= _MOST_MICROSECONDS, promised="50 µs")
        with watch(folder, people=200 if short else 2000) as watched:
            _compare(figures, watched, scans=24 if short else 600)
            _check_names(figures, watched, folder)
            _ring(figures, watched)
            _check_nobody(figures, watched)


@contextmanager
def _promtool(figures: Figures) -> Iterator[None]:
    """Let promtool read settings and rules, and try every alarm, while the rest goes on."""
    with tempfile.TemporaryDirectory() as name:
        for path in DEPLOYED.glob("*.yml"):
            Path(name, path.name).write_text(path.read_text())
        Path(name, "lanekort.token").write_text("x")
        _call(["promtool", "check", "config", "prometheus.yml"], folder=Path(name))
    tests = sorted(path.name for path in _TESTS.glob("*_test.yml"))
    trying = subprocess.Popen(
        ["promtool", "test", "rules", *tests], cwd=_TESTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield
        said, _ = trying.communicate(timeout=120)
        alarms = len(re.findall(r"- alert: ", (DEPLOYED / "lanekort.alerts.yml").read_text()))
        right = trying.returncode == 0
        figures.promise("alarms tried by promtool", alarms, holds=right, promised="silent where it is right, and ring")
        if not right:
            print(said)
    finally:
        trying.kill()


def _call(command: Sequence[str], *, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:80]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _check_dashboard(figures: Figures, folder: Path) -> None:
    """Let Grafana's own types read the dashboard."""
    place = folder / "dashboard"
    place.mkdir()
    for name in ("package.json", "package-lock.json", "tsconfig.json", "types.ts"):
        (place / name).write_text((_TYPES / name).read_text())
    told = 'import type { LanekortDashboard } from "./types.ts";\nexport const dashboard: LanekortDashboard ='
    (place / "dashboard.ts").write_text(f"{told} {_DASHBOARD.read_text()};\n")
    npm = str(Path(sys.executable).with_name("npm"))
    _call([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], folder=place)
    _call([str(place / "node_modules" / ".bin" / "tsc")], folder=place)
    panels = [panel for panel in json.loads(_DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    figures.note("panels that Grafana's types accept", len(panels))


def _expressions() -> list[str]:
    """Return every expression of the dashboard."""

    def found(part: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
        if isinstance(part, dict):
            yield from ([part["expr"]] if "expr" in part else [])
            part = list(part.values())
        for each in part if isinstance(part, list) else ():
            yield from found(each)

    return list(found(json.loads(_DASHBOARD.read_text())))


def _check_names(figures: Figures, watched: Watched, folder: Path) -> None:
    """Let promtool read every expression, and find every name in what the programs show."""
    expressions = _expressions()
    rules = [{"record": f"drawn:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    drawn = folder / "drawn.yml"
    drawn.write_text(json.dumps({"groups": [{"name": "drawn", "rules": rules}]}))
    _call(["promtool", "check", "rules", str(drawn)], folder=folder)
    figures.note("expressions that promtool reads", len(expressions))
    files = "".join(path.read_text() for path in DEPLOYED.glob("lanekort.*.yml"))
    recorded = set(re.findall(r"record: (\S+)", files))
    used = set(_NAME.findall(files + "\n".join(expressions))) - recorded
    shown = {series["__name__"] for series in _names(watched)} | _gateway_names()
    missing = used - shown
    figures.promise(
        "names of rules and dashboard",
        len(used),
        holds=not missing,
        promised=f"all are shown; missing {missing or 'none'}",
    )


def _names(watched: Watched) -> list[dict[str, str]]:
    # Series that begin with the first event are shown from then on.
    return [sample["metric"] for sample in watched.ask('count by (__name__) ({__name__=~"lanekort_.+"})')] + [
        {"__name__": name}
        for name in re.findall(r"^# TYPE (\S+)", watched.figures(), re.MULTILINE)
        for name in (name, f"{name}_total", f"{name}_bucket", f"{name}_count", f"{name}_sum")
    ]


def _gateway_names() -> set[str]:
    names = set()
    for family in GatewayFigures().registry.collect():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        names |= {f"{family.name}{end}" for end in ends}
    return names


def _scan(watched: Watched, payload: str) -> str:
    """Scan at the kiosk, and return the reason, or ACCEPTED."""
    headers = {"Authorization": kiosk_authorization(), "Content-Type": "application/json"}
    body = json.dumps({"payload": payload}).encode()
    answer = send_one(watched.port, write_request("POST", "/api/v1/scan", headers=headers, body=body))
    told = json.loads(answer.body)
    return "ACCEPTED" if told["result"] == "accepted" else str(told["reason"])


def _compare(figures: Figures, watched: Watched, *, scans: int) -> None:
    """Let things happen, kill one of gunicorn's processes in between, and compare with what was counted."""
    done: Counter[str] = Counter()
    for number in range(scans):
        if number == scans // 2:
            _kill_a_process(watched)
        code = code_at(number % 190 + 1, step_at(datetime.now(UTC)))
        misread = code[:-1] + str((int(code[-1]) + 1) % 10)
        result = _scan(watched, {0: misread, 4: "no card"}.get(number % 8, code))
        done[f'lanekort_scans_total{{result="{result}"}}'] += 1
    done |= _sign_in(watched)
    # Until it was read after the last of it.
    with suppress(TimeoutError):
        wait_for(lambda: all(watched.value(f"sum({what})") == times for what, times in done.items()), seconds=15)
    for what, times in sorted(done.items()):
        counted = watched.value(f"sum({what})")
        figures.promise(f"counted as {what}", f"{counted:.0f}", holds=counted == times, promised=str(times))
    fell = watched.value('sum(resets(lanekort_scans_total{door="api"}[10m]))')
    figures.promise("counters that fell when a process was killed", f"{fell:.0f}", holds=fell == 0, promised="0")
    # Not while the portal starts.
    read = 'scrape_duration_seconds{job="lanekort-portal"} and on (instance) up{job="lanekort-portal"} == 1'
    slowest = watched.value(f"max_over_time(({read})[10m:1s])")
    figures.note("slowest reading of /metrics", f"{slowest * 1000:.0f} ms")
    samples = watched.value('scrape_samples_scraped{job="lanekort-portal"}')
    figures.note("series that the portal shows", f"{samples:.0f}")


def _sign_in(watched: Watched) -> Counter[str]:
    """Type wrong PINs until a budget refuses, and a right one on a new device. Returns how often each was answered."""
    outcomes = {401: "wrong", 429: "budget", 302: "right"}
    done: Counter[str] = Counter()
    for person, pin, last in ((1, "0000", "budget"), (2, PIN, "right")):
        outcome = ""
        while outcome != last:
            form = get_form(watched.port)
            filled = urlencode({"csrf_token": form.token, "card_number": card_number(person), "pin": pin}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": form.cookie}
            answer = send_one(watched.port, write_request("POST", "/login", headers=headers, body=filled))
            if answer.status == 503:
                # Too busy: this machine may do something else as well.
                time.sleep(1)
                continue
            outcome = outcomes[answer.status]
            done[f'lanekort_sign_ins_total{{door="portal", outcome="{outcome}"}}'] += 1
    return done


def _kill_a_process(watched: Watched) -> None:
    children = _call(["pgrep", "-P", str(watched.portal.pid)], folder=HOME).split()
    os.kill(int(children[0]), signal.SIGKILL)
    wait_for(lambda: len(_call(["pgrep", "-P", str(watched.portal.pid)], folder=HOME).split()) == PROCESSES)


def _ring(figures: Figures, watched: Watched) -> None:
    """A library that does not answer, a code that does not leave, and no worker: each rings, and nothing else does."""
    with psycopg.connect(watched.database) as connection:
        # The code that the sign-in asked for waits for a mail server that is not there; let it wait for longer.
        aged = "UPDATE messages SET asked_at = asked_at - interval '2 minutes' WHERE urgency = 1 AND sent_at IS NULL"
        figures.note("codes that wait", connection.execute(aged).rowcount)
    for alarm in (("LibraryDoesNotAnswer", LIBRARY_ID), ("CodesWait", "")):
        _promise_to_ring(figures, watched, alarm)
    silent = {"NoPortal", "PortalDown", "PortalNotReady", "NoWorker", "DutyFails", "DutyLate", "AccessLogNotSealed"}
    ringing = {name for name, _ in watched.firing()}
    figures.promise(
        "alarms that ring", ", ".join(sorted(ringing)), holds=not ringing & silent, promised="none of the rest"
    )
    watched.worker.send_signal(signal.SIGTERM)
    _promise_to_ring(figures, watched, ("NoWorker", ""))


def _promise_to_ring(figures: Figures, watched: Watched, alarm: tuple[str, str]) -> None:
    name = " ".join(alarm).strip()
    try:
        took = wait_for(lambda: alarm in watched.firing(), seconds=_RING_SECONDS)
    except TimeoutError:
        took = float("inf")
    figures.promise(f"{name} rings after", f"{took:.1f} s", holds=took < _RING_SECONDS, promised=f"{_RING_SECONDS} s")


def _check_nobody(figures: Figures, watched: Watched) -> None:
    """Look for people in every label that Prometheus has kept."""
    series = watched.ask('{__name__=~"lanekort_.+"}')
    said = {value for sample in series for value in sample["metric"].values()}
    people = {word for person in (1, 2) for word in (card_number(person), f"Invented Patron {person}")}
    named = {value for value in said if any(person in value for person in (*people, "bench-kiosk", "example.org"))}
    figures.promise("labels that name somebody", len(named), holds=not named, promised=f"0 of {len(said)}")
