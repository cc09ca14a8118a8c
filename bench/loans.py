"""Lån as a guardian waits for it: three children, two libraries, and what it costs when one of them is dead."""

from bench.browser import sign_in
from bench.compare import BARE, Size, Turn, bare_turn, expect, print_table, take_turns
from bench.family import GUARDIAN, ServedFamily, count_calls, serve_family
from bench.load import Round, send, write_request

_DEAD_PAGES = 3


def bench_loans(size: Size) -> None:
    """Measure the page beside the bare answer, count the calls it makes, and wait for it with a dead library."""
    with serve_family(people=min(size.people, 1_000)) as served:
        whole = _loans_turn(served.portal, size, pages=size.requests)
        turns = {BARE: bare_turn(served.bare, size, path="/", connections=1), "Lån": whole}
        print("GET /my/loans: a guardian and 3 children, 5 loans each at both of 2 libraries, 1 connection, SQLite")
        print_table(take_turns(turns, rounds=size.rounds), against=BARE)
        print(f"calls a page: {_count_calls_a_page(served, whole)}")
        waited = _loans_turn(served.portal_with_a_dead_library, size, pages=_DEAD_PAGES)()
        print(f"with one library dead: the page comes after {max(waited.latencies):.2f} s at the latest", flush=True)


def _count_calls_a_page(served: ServedFamily, whole: Turn) -> str:
    before = count_calls(served)
    pages = len(whole().answers)
    return ", ".join(
        f"{library}: {(calls - before[library]) / pages:g}" for library, calls in count_calls(served).items()
    )


def _loans_turn(port: int, size: Size, *, pages: int) -> Turn:
    cookie = sign_in(port, person=GUARDIAN)
    requests = [write_request("GET", "/my/loans", headers={"Cookie": cookie})] * pages

    def turn() -> Round:
        done = send(port, requests, connections=1, seconds=size.seconds)
        expect(done, lambda answer: answer.status == 200 and b"Measured volume 4 4" in answer.body)
        return done

    return turn
