"""The SIP2 gateway: five hundred kiosks connected, beside the same kiosks connected to the same system directly."""

import asyncio
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from app.register.staff.machines import connect_machine
from app.register.store.transaction import db
from app.rules.card.code import step_at
from app.sip2.gateway import allow_sockets
from bench.compare import Size, quantile
from bench.kiosk_load import Kiosk, Latencies, ShowCard, connect, name_of, turn
from bench.people import LIBRARY_ID, card_number, code_at, make_portal
from bench.servers import OpenVisit

KIOSKS = 500
DIRECT = "direct"
_PASSWORD = "only for measuring, on the loopback address"
_START_SECONDS = 60.0
_GOAL_MS = 20


def bench_kiosks(served: OpenVisit, size: Size) -> None:
    """Measure what the gateway adds to an answer, on both engines, and print the table."""
    kiosks = min(KIOSKS, max(1, size.people // 4))
    allow_sockets(4 * kiosks + 128)
    with ExitStack() as running, asyncio.Runner() as runner:
        system = running.enter_context(_run("bench.kiosk_system"))
        ports = {DIRECT: system}
        for engine, url in served.databases.items():
            _connect_machines(url, kiosks)
            ports[engine] = running.enter_context(_run("bench.kiosk_gateway", url, then=(system,)))
        connected: dict[str, list[Kiosk]] = {
            name: runner.run(connect(port, kiosks=kiosks, password=_PASSWORD)) for name, port in ports.items()
        }
        cards = {name: _plastic() if name == DIRECT else _phones(size.people) for name in ports}

        def take_turn(name: str) -> Latencies:
            return runner.run(turn(connected[name], cards[name], seconds=size.seconds, messages=size.requests))

        for name in ports:
            take_turn(name)
        done = [{name: take_turn(name) for name in ports} for _ in range(size.rounds)]
    print(f"SIP2 kiosks: {kiosks} connected and signed on, each with a message every two seconds, every answer right")
    _print_table(done)


def _print_table(done: list[dict[str, Latencies]]) -> None:
    """Print latencies of all rounds; added and ratio are medians of rounds, each against its direct one."""
    print(f"{'':26}  answers   p50 ms   p95 ms   p99 ms  added at p95 ms (lowest, highest)  ratio at p50")
    for name in done[0]:
        for kind in ("first", "other", "every"):
            pairs = [(sorted(getattr(each[name], kind)), each[DIRECT].every) for each in done]
            every = sorted(latency for own, _direct in pairs for latency in own)
            if not all(own for own, _direct in pairs):
                continue
            p50, p95, p99 = (1000 * quantile(every, share) for share in (0.50, 0.95, 0.99))
            added = [1000 * (quantile(mine, 0.95) - quantile(theirs, 0.95)) for mine, theirs in pairs]
            ratio = statistics.median(quantile(mine, 0.5) / quantile(theirs, 0.5) for mine, theirs in pairs)
            label = name if kind == "every" else f"{name}, {'shows a card' if kind == 'first' else 'goes on'}"
            spread = f"{statistics.median(added):.1f} ({min(added):.1f}, {max(added):.1f})"
            print(f"{label:26}  {len(every):7} {p50:8.1f} {p95:8.1f} {p99:8.1f}  {spread:33}  {ratio:.1f}")
    print(f"the goal is {_GOAL_MS} ms added at p95", end="\n\n", flush=True)


def _plastic() -> ShowCard:
    numbers = iter(range(1, sys.maxsize))
    return lambda: card_number(next(numbers)).encode()


def _phones(people: int) -> ShowCard:
    # From the other end than the scans that may have been measured just before, so that nobody's code is used twice.
    drawn = iter(random.Random(people).sample(range(1, people + 1), people)[::-1])
    return lambda: code_at(next(drawn), step_at(datetime.now(UTC))).encode()


def _connect_machines(database_url: str, kiosks: int) -> None:
    app = make_portal(database_url)
    with app.app_context():
        for number in range(kiosks):
            connect_machine(username=name_of(number), library_id=LIBRARY_ID, kind="kiosk", password=_PASSWORD)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


@contextmanager
def _run(module: str, *first: str, then: tuple[int, ...] = ()) -> Iterator[int]:
    """Run a server of ours in a process of its own, and give its port as soon as it listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", module, *first, str(port), *map(str, then)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
