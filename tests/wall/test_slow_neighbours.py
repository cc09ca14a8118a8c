"""Whoever is slow holds nobody else up: clients that do not finish what they say, and libraries that do not answer."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Semaphore

import httpx
import pytest
from apiflask import APIFlask

from app import create_app
from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from app.ils.systems import Systems
from app.messages.channels import Inbox
from tests.conftest import settings_for
from tests.contract.world import listening
from tests.doors.visits import GUARDIAN, KIOSK_1
from tests.wall.processes import listening as listening_for_web
from tests.wall.processes import start_web

pytestmark = pytest.mark.usefixtures("programs")

# Beside it whatever holds a thread here holds it for ever.
PATIENCE = 60.0
FOR_EVER = 10 * PATIENCE
THREADS = 4
LIBRARIES = ("2023500", "Mull")


def make_portal(database_url: str, folder: str, port: int) -> APIFlask:
    """Make the portal with libraries that it would wait for, for ever, if they did not answer."""
    systems = {
        library_id: CirculationSystem(
            client=make_client(),
            url=f"http://127.0.0.1:{port}",
            library_id=library_id,
            user="portal",
            password="x",
            seconds=FOR_EVER,
        )
        for library_id in LIBRARIES
    }
    return create_app(settings_for(database_url), systems=Systems(systems), post=Inbox(Path(folder) / "inbox"))


class Silent:
    """A library's system that takes calls and answers none until it hangs up."""

    def __init__(self) -> None:
        self.came = Semaphore(0)
        self.hang_up = Event()

    def __call__(self, _connection: object, _stop: Event) -> None:
        self.came.release()
        self.hang_up.wait(FOR_EVER)


@pytest.fixture
def library() -> Iterator[tuple[Silent, int]]:
    silent = Silent()
    with listening(silent) as port:
        yield silent, port
        silent.hang_up.set()


@pytest.fixture
def portal(database_url: str, tmp_path: Path, library: tuple[Silent, int]) -> Iterator[tuple[str, int]]:
    """One process with four threads, as gunicorn.conf.py has it: its address."""
    app = f"tests.wall.test_slow_neighbours:make_portal('{database_url}', '{tmp_path}', {library[1]})"
    with listening_for_web() as listener:
        web = start_web(database_url, tmp_path, listener, workers=1, threads=THREADS, app=app)
        try:
            yield listener.getsockname()
        finally:
            web.kill()


@contextmanager
def browsing(portal: tuple[str, int]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url="http://{}:{}".format(*portal), timeout=PATIENCE) as browser:
        yield browser


def log_in(browser: httpx.Client) -> None:
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', browser.get("/login").text)
    assert token is not None
    number, pin = GUARDIAN
    answer = browser.post("/login", data={"csrf_token": token[1], "card_number": number, "pin": pin})
    assert answer.headers["Location"] == "/my"


def show_and_scan(browser: httpx.Client) -> None:
    """Open the card's page, and let a kiosk scan the card."""
    assert browser.get("/card").status_code == 200
    digits = browser.get("/card/codes.json").json()["codes"][0]["digits"].replace(" ", "")
    login = (KIOSK_1.parameters["username"], KIOSK_1.parameters["password"])
    scanned = browser.post("/api/v1/scan", json={"payload": digits}, auth=login).json()
    assert (scanned["result"], scanned["patron"]["blocks_known"]) == ("accepted", False)


UNFINISHED = {
    "nothing": b"",
    "half a line": b"GET /car",
    "half a head": b"GET /card HTTP/1.1\r\nHost: localhost\r\n",
    "half a body": b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\ncard_number=",
    "half a body in chunks": b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "no body yet": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.parametrize("said", UNFINISHED.values(), ids=UNFINISHED)
def test_clients_that_do_not_finish_hold_nobody(portal: tuple[str, int], said: bytes):
    with ExitStack() as stack:
        browser = stack.enter_context(browsing(portal))
        log_in(browser)
        for _ in range(10 * THREADS):
            client = stack.enter_context(socket.create_connection(portal))
            client.sendall(said)
        assert browser.get("/my").status_code == 200
        assert browser.get("/card").status_code == 200


def test_a_client_that_goes_on_in_its_own_time_is_answered(portal: tuple[str, int]):
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(portal, timeout=PATIENCE) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            client.sendall(bytes([byte]))
        assert client.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


def test_two_requests_sent_in_one_go_are_both_answered(portal: tuple[str, int]):
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(portal, timeout=PATIENCE) as client:
        client.sendall(request + last[:20])
        answers = client.makefile("rb")
        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
        client.sendall(last[20:])
        assert answers.read().count(b"HTTP/1.1 200 OK\r\n") == 1


def test_card_and_scan_are_answered_while_everything_else_waits_for_a_library(
    portal: tuple[str, int], library: tuple[Silent, int]
):
    silent, _port = library
    pages = 5 * THREADS
    with browsing(portal) as browser, ThreadPoolExecutor(pages) as readers, httpx.Client(timeout=FOR_EVER) as client:
        log_in(browser)
        rules = "http://{}:{}/libraries/{}/rules"
        asked = [readers.submit(client.get, rules.format(*portal, LIBRARIES[n % 2])) for n in range(pages)]
        assert silent.came.acquire(timeout=PATIENCE)
        assert silent.came.acquire(timeout=PATIENCE)
        show_and_scan(browser)
        # The first to have an answer is refused, since the library says nothing.
        assert wait(asked, timeout=PATIENCE, return_when=FIRST_COMPLETED).done
        assert not all(page.done() for page in asked)
        silent.hang_up.set()
        answers = [page.result(timeout=FOR_EVER) for page in asked]
    refused = [answer for answer in answers if "Retry-After" in answer.headers]
    assert refused
    assert {answer.status_code for answer in refused} == {503}
    assert all("Ingenting er endret" in answer.text for answer in refused)


def test_the_loans_page_begins_while_its_library_says_nothing(portal: tuple[str, int], library: tuple[Silent, int]):
    silent, _port = library
    with browsing(portal) as browser:
        log_in(browser)
        with browser.stream("GET", "/my/loans") as answer:
            arriving = answer.iter_text()
            first = next(arriving)
            assert silent.came.acquire(timeout=PATIENCE)
            silent.hang_up.set()
            rest = "".join(arriving)
    assert "Henter lån fra bibliotekene" in first
    assert "svarer ikke nå" not in first
    assert "svarer ikke nå" in rest
