"""Pages as one person waits for them: one request at a time, so that a latency is the server's work alone."""

from bench.browser import sign_in
from bench.compare import BARE, Size, Turn, bare_turn, expect, print_table, take_turns
from bench.load import Round, send, write_request
from bench.servers import OpenVisit

_PATHS = {"start page": "/", "login page": "/login", "Min side": "/my", "card page": "/card"}


def bench_pages(served: OpenVisit, size: Size) -> None:
    """Measure pages for somebody who is signed in, on both engines beside the bare answer, and print the table."""
    turns = {BARE: bare_turn(served.bare, size, path="/", connections=1)}
    for engine, port in served.portals.items():
        cookie = sign_in(port, person=size.people // 2)
        for page, path in _PATHS.items():
            turns[f"{page}, {engine}"] = _page_turn(port, size, path=path, cookie=cookie)
    print(f"GET: {size.people} patrons, 1 connection, signed in")
    print_table(take_turns(turns, rounds=size.rounds), against=BARE)


def _page_turn(port: int, size: Size, *, path: str, cookie: str) -> Turn:
    requests = [write_request("GET", path, headers={"Cookie": cookie})] * size.requests

    def turn() -> Round:
        done = send(port, requests, connections=1, seconds=size.seconds)
        expect(done, lambda answer: answer.status == 200 and b"</html>" in answer.body)
        return done

    return turn
