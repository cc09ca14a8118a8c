"""What libraries ask the register, one request at a time: half a million patrons beside five thousand, in turns."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import pyotp

from bench.browser import cookies_of, get_form
from bench.compare import Size, Turn, expect, quantile, take_turns
from bench.country import (
    PASSWORD,
    TOTP_KEY,
    authorization_of,
    draw_people,
    fill_country,
    list_queues,
    staff_name,
)
from bench.country_rows import LIBRARIES
from bench.load import Answer, Round, send, send_one, write_request
from bench.servers import serve
from tests.postgres import create_database, running_postgres

FEW = 5_000
MANY = 500_000
_GOAL_MS = 50
_PAGE = 100
# Of the three hundred look-ups that a staff member has in an hour.
_LOOK_UPS = 250
_MOST_LOOK_UPS = 120
"""A round's."""
_REQUESTS = ("fetch", "changed since", "look-up")


def bench_register(size: Size, *, many: int = MANY) -> None:
    """Measure in a small and in a large register, and print what the difference costs."""
    few = min(FEW, max(_PAGE, many // 100))
    look_ups = min(size.requests, _MOST_LOOK_UPS)
    staff = 1 + look_ups * (size.rounds + 1) // _LOOK_UPS
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="lanekort-bench-")))
        server = running.enter_context(running_postgres())
        turns: dict[str, Turn] = {}
        urls = {people: create_database(server, f"people{people}") for people in (few, many)}
        for people, url in urls.items():
            fill_country(url, people=people, staff=staff)
        # In a small register the largest library's queue may be shorter than a page.
        page = min(_PAGE, *(max(list_queues(url).values()) // 2 for url in urls.values()))
        for people, url in urls.items():
            port = running.enter_context(serve(f"bench.people:make_portal('{url}')", folder / f"{people}.log"))
            made = (_fetches(url, size), _changes(url, size, page), _look_ups(url, port, size, look_ups, staff))
            for name, requests in zip(_REQUESTS, made, strict=True):
                count = look_ups if name == "look-up" else size.requests
                turns[f"{name}, {people}"] = _turn(port, requests, count=count, seconds=size.seconds)
        done = take_turns(turns, rounds=size.rounds)
    print(f"PostgreSQL, 1 connection: {few} patrons, and {many}, with {len(LIBRARIES)} libraries")
    _print_table(done, few=few, many=many)


def _turn(port: int, requests: Iterator[tuple[bytes, bytes]], *, count: int, seconds: float) -> Turn:
    """Return a turn that sends the next requests, each with what its answer must hold."""

    def turn() -> Round:
        sent = list(islice(requests, count))
        done = send(port, [request for request, _ in sent], connections=1, seconds=seconds)
        right = iter(sent)

        def is_right(answer: Answer) -> bool:
            return answer.status == 200 and next(right)[1] in answer.body

        expect(done, is_right)
        return done

    return turn


def _fetches(url: str, size: Size) -> Iterator[tuple[bytes, bytes]]:
    people = draw_people(url, count=min(size.requests, 2_000))
    for drawn in cycle(people):
        headers = {"Authorization": authorization_of(drawn.library_id)}
        path = f"/api/v1/patrons/{drawn.card_number}"
        yield write_request("GET", path, headers=headers), drawn.birth_date.encode()


def _changes(url: str, size: Size, page: int) -> Iterator[tuple[bytes, bytes]]:
    dice = Random(size.requests)
    # Only of libraries with more than a page, so that every page is full.
    ends = {library_id: last for library_id, last in list_queues(url).items() if last > page}
    for library_id, last in cycle(ends.items()):
        after = dice.randrange(last - page)
        path = f"/api/v1/changes?after={after}&limit={page}"
        headers = {"Authorization": authorization_of(library_id)}
        yield (
            write_request("GET", path, headers=headers),
            b'"seq":%d' % (after + 1),
        )


def _look_ups(url: str, port: int, size: Size, look_ups: int, staff: int) -> Iterator[tuple[bytes, bytes]]:
    people = draw_people(url, count=look_ups * (size.rounds + 1))
    at_desks = cycle([sign_in_at_desk(port, number) for number in range(staff)])
    for drawn, (cookie, token) in zip(cycle(people), at_desks, strict=False):
        asked = urlencode({"csrf_token": token, "name": drawn.name, "birth_date": drawn.birth_date}).encode()
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        yield write_request("POST", "/desk/find", headers=headers, body=asked), drawn.name.encode()


def sign_in_at_desk(port: int, number: int) -> tuple[str, str]:
    """Sign somebody in at a desk. Returns the cookies to come with, and the token of the form."""
    form = get_form(port, path="/desk/login")
    code = pyotp.TOTP(TOTP_KEY).at(datetime.now(UTC))
    asked = {"csrf_token": form.token, "username": staff_name(number), "password": PASSWORD, "code": code}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": form.cookie}
    answer = send_one(port, write_request("POST", "/desk/login", headers=headers, body=urlencode(asked).encode()))
    if answer.status != 302:
        raise ValueError(f"not let in: {answer.raw.decode(errors='replace')}")
    cookie = cookies_of(answer)
    page = get_form(port, path="/desk/find", cookie=cookie)
    return page.cookie or cookie, page.token


def _print_table(done: dict[str, list[Round]], *, few: int, many: int) -> None:
    """Print latencies of all rounds, and what a large register costs: medians of rounds, each beside its neighbour."""
    print(f"{'':15}  p50, p95 ms of {few:<7}  p50, p95 ms of {many:<7}  ratio at p50 (lowest, highest)")
    for name in _REQUESTS:
        small, large = done[f"{name}, {few}"], done[f"{name}, {many}"]
        shown = " ".join(f"{p50:11.1f} {p95:12.1f}  " for p50, p95 in map(_percentiles, (small, large)))
        ratios = [_median(after) / _median(before) for before, after in zip(small, large, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        print(f"{name:15} {shown}  {spread}")
    print(f"the goal is {_GOAL_MS} ms at p95, and a ratio near 1", end="\n\n", flush=True)


def _percentiles(rounds: list[Round]) -> tuple[float, float]:
    latencies = sorted(latency for each in rounds for latency in each.latencies)
    return 1000 * quantile(latencies, 0.50), 1000 * quantile(latencies, 0.95)


def _median(done: Round) -> float:
    return statistics.median(done.latencies)
