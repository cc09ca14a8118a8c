"""What goes on while others are slow or too many, and while the portal is started again."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from statistics import quantiles
from threading import Event, Thread

from app.rules.card.code import step_at
from bench.people import code_at, kiosk_authorization
from drills.deploy.answers import promise_page, promise_problem
from drills.deploy.portal import Portal, Upstream
from drills.deploy.proxy import NAME, Answer, Proxy, read_answers
from drills.figures import Figures
from tests.ports import own_port

_SLOW = 200
_BYTE_SECONDS = 1.0
# Between a scan and the next: each is of another person, and there are not more of them than there must be.
_PAUSE_SECONDS = 0.02
_CODE_SECONDS = 25
_ANSWER_SECONDS = 2
_AT_ONCE = 8
# More than the proxy lets through at once from one address, and in the time that this takes.
_PAGES, _BURST = 800, 300
_SCANS, _BURST_OF_MACHINES = 6400, 2000
_people = count(1)


class _Asking:
    """Asks again and again until the block ends. `said` counts what came back, `seconds` has how long each took."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask, self._done = ask, Event()
        self.said: Counter[str] = Counter()
        self.seconds: list[float] = []

    def __enter__(self) -> "_Asking":
        self._thread = Thread(target=self._go_on)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._done.is_set():
            begun = time.monotonic()
            try:
                said = self._ask()
            except OSError as error:
                said = type(error).__name__
            self.said[said] += 1
            self.seconds.append(time.monotonic() - begun)
            self._done.wait(_PAUSE_SECONDS)

    @property
    def p95(self) -> float:
        """Return the time in seconds that one in twenty took longer than."""
        return quantiles(self.seconds, n=20)[-1]


def _scan(proxy: Proxy) -> str:
    """Scan the card of somebody who was not scanned yet; return what the kiosk is told."""
    code = code_at(next(_people), step_at(datetime.now(UTC)))
    headers = {"Authorization": kiosk_authorization(), "Content-Type": "application/json"}
    answer = proxy.ask("POST", "/api/v1/scan", body=json.dumps({"payload": code}).encode(), headers=headers)
    return str(json.loads(answer.body).get("result")) if answer.status == 200 else str(answer.status)


def try_slow_clients(figures: Figures, proxy: Proxy, *, seconds: float) -> None:
    """Scan for so many seconds alone, and as long beside clients that send heads and bodies byte by byte."""
    with _Asking(lambda: _scan(proxy)) as alone:
        time.sleep(seconds)
    with _slow_clients(proxy), _Asking(lambda: _scan(proxy)) as beside:
        time.sleep(seconds)
    figures.promise(
        f"scans beside {_SLOW} slow clients",
        f"{dict(beside.said)}, p95 {beside.p95 * 1000:.0f} ms; alone {alone.p95 * 1000:.0f} ms",
        holds=set(beside.said) == {"accepted"} and beside.p95 <= 2 * alone.p95 + 0.2,
        promised="all accepted, p95 at most twice as long and 0.2 s",
    )


@contextmanager
def _slow_clients(proxy: Proxy) -> Iterator[None]:
    """Half of them never come to the end of the head, the others not to that of a body."""
    head = f"POST /login HTTP/1.1\r\nHost: {NAME}\r\n"
    with ExitStack() as stack:
        connections = [stack.enter_context(proxy.connect("127.0.0.66")) for _n in range(_SLOW)]
        for number, connection in enumerate(connections):
            connection.sendall((head + ("Content-Length: 60000\r\n\r\n" if number % 2 else "X-Slow: ")).encode())
        done = Event()

        def drip() -> None:
            while not done.wait(_BYTE_SECONDS):
                for connection in connections:
                    with suppress(OSError):
                        connection.sendall(b"x")

        dripping = Thread(target=drip)
        dripping.start()
        try:
            yield
        finally:
            done.set()
            dripping.join()


def try_restart(figures: Figures, proxy: Proxy, portal: Portal, *, times: int) -> None:
    """Start the portal again under scans and pages, as `systemctl restart` does: its socket stays."""

    def page() -> str:
        return str(proxy.ask("GET", "/login").status)

    stopped, late, told = [], [], ""
    with _Asking(lambda: _scan(proxy)) as scans, _Asking(page) as one, _Asking(page) as other:
        for _time in range(times):
            time.sleep(1)
            stopped.append(portal.stop())
            portal.start()
            told = portal.wait_until_ready()
            begun = time.monotonic()
            portal.ask("GET", "/healthz")
            late.append(time.monotonic() - begun)
            time.sleep(1)
    pages = one.said + other.said
    longest = max(*scans.seconds, *one.seconds, *other.seconds)
    said, holds = f"{told}, and answers {max(late):.1f} s later", told == "READY=1" and max(late) < _ANSWER_SECONDS
    figures.promise("systemd is told", said, holds=holds, promised="READY=1 when it answers")
    # On a machine that is slow in starting, a code grows too old while it waits.
    fine = {"accepted", "refused"} if longest > _CODE_SECONDS else {"accepted"}
    figures.promise(
        f"requests over {times} new starts",
        f"scans {dict(scans.said)}, pages {dict(pages)}; the longest waited {longest:.1f} s, of that "
        f"{max(stopped):.1f} s for the former one to stop",
        holds=set(scans.said) <= fine and set(pages) == {"200"},
        promised="none lost",
    )


def try_too_many(figures: Figures, proxy: Proxy, upstream: Upstream) -> None:
    """Ask for far too much from one address, for pages and as a machine; another address is served meanwhile."""
    proxy.lead_to(upstream.port)
    with _Asking(lambda: str(proxy.ask("GET", "/login", source="127.0.0.78").status)) as beside:
        pages = _flood(proxy, f"GET /login HTTP/1.1\r\nHost: {NAME}\r\n\r\n", times=_PAGES, source="127.0.0.77")
    machine = proxy.ask("POST", "/api/v1/scan", body=b"{}", source="127.0.0.77").status
    said = f"{len(pages)} of {_PAGES}; the machine there {machine}, somebody elsewhere {dict(beside.said)}"
    holds = 0 < len(pages) <= _PAGES - _BURST and machine == 200 and set(beside.said) == {"200"}
    figures.promise("refused of too many pages", said, holds=holds, promised="some; the others are served")
    for refused in pages[:1]:
        promise_page(figures, "such a refusal", refused, 429)
    # Where no portal answers, refusals come as fast as nginx can.
    proxy.lead_to(own_port())
    request = f"POST /api/v1/scan HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 0\r\n\r\n"
    scans = _flood(proxy, request, times=_SCANS, source="127.0.0.79")
    holds = 0 < len(scans) <= _SCANS - _BURST_OF_MACHINES
    figures.promise("refused of too many scans", f"{len(scans)} of {_SCANS}", holds=holds, promised="some")
    for refused in scans[:1]:
        promise_problem(figures, "such a refusal of a scan", refused, 429, "too-many-requests")


def _flood(proxy: Proxy, request: str, *, times: int, source: str) -> list[Answer]:
    """Send a request so many times at once, over several connections. Returns the answers that were 429."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        share = times // _AT_ONCE - 1
        last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        raw = (request * share + last).encode()
        said = pool.map(lambda _n: proxy.say(raw, source=source), range(_AT_ONCE))
        return [answer for answers in said for answer in read_answers(answers) if answer.status == 429]
