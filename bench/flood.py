"""A flood of wrong sign-ins beside people who show and scan cards: `./manage bench flood`.

The load is open: requests come by the clock, however long the answers take, as they do from people who do not wait for
each other.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from app.rules.card.code import step_at
from bench.browser import Form, get_form, sign_in, write_sign_in
from bench.compare import Size
from bench.load import Answer, write_request
from bench.people import PIN, card_number, code_at, fill_register, kiosk_authorization
from bench.servers import serve
from tests.postgres import create_database, running_postgres

FLOOD_A_SECOND = 120
_BESIDE_A_SECOND = 5
_SECONDS = 20
_PATIENCE_SECONDS = 120
_SCANNED_FROM = 1000


@dataclass(slots=True)
class Kind:
    """Requests of one kind, so many a second, and what came of them: seconds by status, 0 where no answer came."""

    name: str
    a_second: int
    write: Callable[[int], bytes]
    seconds: dict[int, list[float]] = field(default_factory=dict)


def bench_flood(size: Size) -> None:
    """Measure for twenty seconds, once without the flood and once with it, and print the tables."""
    for flood, kinds in measure_flood(people=size.people):
        print(f"{flood} wrong sign-ins a second for {_SECONDS} s, PostgreSQL; times in milliseconds")
        _print_table(kinds)


def measure_flood(*, people: int, seconds: int = _SECONDS) -> Iterator[tuple[int, list[Kind]]]:
    """Give, without a flood and with one, the wrong sign-ins a second and what came of each kind of request.

    `people` are in the register, and each turn lasts so many seconds.
    """
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="lanekort-bench-")))
        url = create_database(running.enter_context(running_postgres()), "bench")
        fill_register(url, people=max(people, _SCANNED_FROM + _BESIDE_A_SECOND * seconds * 2))
        port = running.enter_context(serve(f"bench.people:make_portal('{url}')", folder / "log"))
        for flood in (0, FLOOD_A_SECOND):
            yield flood, asyncio.run(_send_all(port, _kinds(port, flood, seconds), seconds))


def _kinds(port: int, flood: int, seconds: int) -> list[Kind]:
    cookie, form = sign_in(port, person=1), get_form(port)
    offset = _SCANNED_FROM + (_BESIDE_A_SECOND * seconds if flood else 0)
    kinds = [
        Kind("card page", _BESIDE_A_SECOND, lambda _n: write_request("GET", "/card", headers={"Cookie": cookie})),
        Kind("scan", _BESIDE_A_SECOND, lambda n: _write_scan(offset + n)),
    ]
    return [*kinds, Kind("wrong sign-in", flood, lambda n: _write_wrong(form, n))] if flood else kinds


def _write_wrong(form: Form, number: int) -> bytes:
    """Return a wrong sign-in from an address of its own to a card of its own, so that no budget is used up."""
    address = f"X-Forwarded-For: 10.0.{number // 250}.{number % 250 + 1}\r\nHost: localhost".encode()
    wrong = write_sign_in(form, card_number(number % _SCANNED_FROM + 1))
    return wrong.replace(f"pin={PIN}".encode(), b"pin=0000").replace(b"Host: localhost", address)


def _write_scan(person: int) -> bytes:
    headers = {"Authorization": kiosk_authorization(), "Content-Type": "application/json"}
    body = json.dumps({"payload": code_at(person, step_at_now())}).encode()
    return write_request("POST", "/api/v1/scan", headers=headers, body=body)


def step_at_now() -> int:
    """Return the step that phones show now."""
    return step_at(datetime.now(UTC))


async def _send_all(port: int, kinds: list[Kind], seconds: int) -> list[Kind]:
    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            group.create_task(_send_kind(port, kind, seconds))
    return kinds


async def _send_kind(port: int, kind: Kind, seconds: int) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(kind.a_second * seconds):
            await asyncio.sleep(max(0.0, began + number / kind.a_second - time.perf_counter()))
            group.create_task(_send_one(port, kind, kind.write(number)))


async def _send_one(port: int, kind: Kind, request: bytes) -> None:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            status = Answer(await reader.read(-1)).status
            writer.close()
    except (TimeoutError, OSError, ValueError, IndexError):
        status = 0
    kind.seconds.setdefault(status, []).append(time.perf_counter() - began)


def _print_table(kinds: list[Kind]) -> None:
    print(f"{'':16}{'status':>8}{'answers':>9}{'p50':>8}{'p95':>8}{'max':>8}")
    for kind in kinds:
        for status in sorted(kind.seconds):
            taken = sorted(kind.seconds[status])
            p95 = taken[min(len(taken) - 1, int(0.95 * len(taken)))]
            figures = "".join(f"{1000 * each:>8.0f}" for each in (statistics.median(taken), p95, taken[-1]))
            print(f"{kind.name:16}{status or 'none':>8}{len(taken):>9}{figures}")
    print(flush=True)
