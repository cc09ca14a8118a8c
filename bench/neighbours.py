"""The card page and the scan, while other patrons open their loans in a library that answers after ten seconds."""

import asyncio
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.rules.card.code import step_at
from bench.browser import sign_in
from bench.compare import Size, WrongAnswer, quantile
from bench.family import CHILDREN, GUARDIAN, serve_family
from bench.load import Answer, write_request
from bench.people import code_at, kiosk_authorization
from bench.servers import WORKERS
from tests.postgres import create_database, running_postgres

LIBRARY_SECONDS = 10.0
FAMILY_PAGES, CARD_PAGES, SCANS = 4.0, 8.0, 8.0
"""Requests a second. They come when they are due, whether or not earlier ones were answered."""
_PATRONS = 10
_LONGER = 10

Latencies = dict[str, list[float]]


def bench_neighbours(size: Size) -> None:
    """Measure both, on both engines, with two quick libraries and with one of them slow, in turns."""
    # Long enough for a circuit to open, to be probed and to open again.
    seconds = min(_LONGER * size.seconds, size.requests / 2)
    for engine in ("SQLite", "PostgreSQL"):
        _print(engine, measure_neighbours(engine, rounds=size.rounds, seconds=seconds), seconds)


def measure_neighbours(engine: str, *, rounds: int, seconds: float) -> dict[str, list[Latencies]]:
    """Return the latencies in seconds, by round, with `quick` libraries and with one that is `slow`.

    `engine` is SQLite or PostgreSQL. Raises WrongAnswer where a page or a scan is not answered with 200.
    """
    scans = int(SCANS * seconds) * 2 * rounds
    people = scans + _PATRONS + 10
    done: dict[str, list[Latencies]] = {"quick": [], "slow": []}
    with ExitStack() as running:
        port = running.enter_context(_slow_library())
        register = ""
        if engine == "PostgreSQL":
            register = create_database(running.enter_context(running_postgres()), "neighbours")
        served = running.enter_context(serve_family(people=people, register=register, dead_port=port))
        turns = {"quick": served.portal, "slow": served.portal_with_a_dead_library}
        cookies = {name: _sign_in_all(port) for name, port in turns.items()}
        scanned = iter(range(people - scans + 1, people + 1))
        for _ in range(rounds):
            for name, port in turns.items():
                done[name].append(asyncio.run(_load(port, cookies[name], scanned, seconds)))
    return done


class _AfterTenSeconds(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        time.sleep(LIBRARY_SECONDS)
        self.send_response(503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _slow_library() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _AfterTenSeconds) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def _sign_in_all(port: int) -> Sequence[str]:
    """Sign in the guardian first, then those who open their card's page."""
    first = len(CHILDREN) + GUARDIAN + 1
    return [sign_in(port, person=person) for person in (GUARDIAN, *range(first, first + _PATRONS))]


async def _load(port: int, cookies: Sequence[str], scanned: Iterator[int], seconds: float) -> Latencies:
    found: Latencies = {"family page": [], "card page": [], "scan": []}
    guardian, *patrons = cookies

    def ask_family() -> bytes:
        return write_request("GET", "/my/loans", headers={"Cookie": guardian})

    def ask_card() -> bytes:
        return write_request("GET", "/card", headers={"Cookie": random.choice(patrons)})

    def ask_scan() -> bytes:
        headers = {"Authorization": kiosk_authorization(), "Content-Type": "application/json"}
        payload = code_at(next(scanned), step_at(datetime.now(UTC)))
        return write_request("POST", "/api/v1/scan", headers=headers, body=json.dumps({"payload": payload}).encode())

    async with asyncio.TaskGroup() as tasks:
        for name, rate, ask in (
            ("family page", FAMILY_PAGES, ask_family),
            ("card page", CARD_PAGES, ask_card),
            ("scan", SCANS, ask_scan),
        ):
            tasks.create_task(_send_on_time(port, ask, rate=rate, seconds=seconds, latencies=found[name]))
    return found


async def _send_on_time(
    port: int, ask: Callable[[], bytes], *, rate: float, seconds: float, latencies: list[float]
) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(_exchange(port, ask(), due, latencies))


async def _exchange(port: int, request: bytes, due: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = Answer(await reader.read(-1))
    writer.close()
    latencies.append(time.perf_counter() - due)
    if answer.status != 200:
        raise WrongAnswer(answer.raw.decode(errors="replace"))


def _print(engine: str, done: dict[str, list[Latencies]], seconds: float) -> None:
    rounds = len(done["quick"])
    print(
        f"{engine}, {WORKERS} processes: {FAMILY_PAGES:g} family, {CARD_PAGES:g} card pages, {SCANS:g} scans a second"
    )
    print(f"{rounds} rounds of {seconds:g} s in turns: two quick libraries; one of them slow ({LIBRARY_SECONDS:g} s)")
    print(f"{'':12}  quick p50, p95 ms      slow p50, p95 ms       p95: slow / quick (lowest, highest)")
    for name in ("card page", "scan", "family page"):
        shown = ""
        for turn in ("quick", "slow"):
            every = sorted(latency for each in done[turn] for latency in each[name])
            shown += f"{1000 * quantile(every, 0.50):9.1f} {1000 * quantile(every, 0.95):9.1f}    "
        ratios = [_p95(slow[name]) / _p95(quick[name]) for quick, slow in zip(done["quick"], done["slow"], strict=True)]
        print(f"{name:12} {shown}  {statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})")
    print(flush=True)


def _p95(latencies: list[float]) -> float:
    return quantile(sorted(latencies), 0.95)
