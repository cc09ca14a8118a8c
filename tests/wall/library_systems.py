"""A library's system as docs/libraries.md tells its makers to build one: small, honest, and with a copy of its patrons.

It is told of changes at an address of its own, or reads its line and acknowledges it, and fetches whom it needs, all
of that over a network that may be bad.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.wall.bad_network import Delivery, Network

_PATIENCE_SECONDS = 10.0
_TRIES = 3
_PAGE = 200

Notice = dict[str, Any]


class NotReached(Exception):
    """The register did not answer, or the answer was lost."""


class Register:
    """The register's API as a library reaches it: over its network, with its user name and password."""

    def __init__(self, url: str, *, username: str, password: str, network: Network) -> None:
        self._network = network
        self._client = httpx.Client(
            base_url=url, auth=(username, password), timeout=_PATIENCE_SECONDS, headers={"Connection": "close"}
        )

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Send a request, and wait as long as a busy register asks for. Raises NotReached."""
        fate = self._network.draw()
        if fate is Delivery.LOST:
            raise NotReached
        if fate is Delivery.LATE:
            self._network.delay(lambda: self._send_unheard(method, path, **sent))
            raise NotReached
        answer = self._send(method, path, **sent)
        if fate is Delivery.UNANSWERED:
            raise NotReached
        if fate is Delivery.TWICE:
            self._network.delay(lambda: self._send_unheard(method, path, **sent))
        return answer

    def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        while True:
            try:
                answer = self._client.request(method, path, **sent)
            except httpx.HTTPError:
                raise NotReached from None
            if "Retry-After" not in answer.headers:
                return answer
            time.sleep(int(answer.headers["Retry-After"]))

    def _send_unheard(self, method: str, path: str, **sent: Any) -> None:
        with suppress(NotReached):
            self._send(method, path, **sent)

    def close(self) -> None:
        self._client.close()


class System:
    """A library's copy of its patrons, and how it applies changes. One change at a time."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._lock = threading.RLock()
        self._versions: dict[str, int] = {}
        self._gone: set[str] = set()
        self.patrons: dict[str, dict[str, Any]] = {}
        self.applied: Counter[int] = Counter()
        self.resurrected: list[str] = []
        self.had_already = 0
        self.came_late = 0

    def apply(self, notice: Notice) -> None:
        """Apply a change once. Raises NotReached, and then nothing was applied."""
        with self._lock:
            if self.applied[notice["id"]]:
                self.had_already += 1
                return
            if notice["kind"] == "renumbered":
                self._rename(notice)
            elif notice["kind"] in ("left", "erased"):
                self._forget(notice)
            else:
                self._update(notice["card_number"], notice["version"])
            self.applied[notice["id"]] += 1

    def holds(self) -> dict[str, dict[str, Any]]:
        """Return the copy as it is now."""
        with self._lock:
            return dict(self.patrons)

    def _is_late(self, number: str, version: int) -> bool:
        late = version <= self._versions.get(number, 0)
        self.came_late += late
        return late

    def _update(self, number: str | None, version: int) -> None:
        # None: whoever it was is erased and forgotten, and the word of that was applied.
        if number is not None and not self._is_late(number, version):
            self._fetch(number, version)

    def _rename(self, notice: Notice) -> None:
        former, number, version = notice.get("former_number"), notice["card_number"], notice["version"]
        if number is None or self._is_late(number, version):
            return
        # Fetched before anything is changed: a copy is renamed whole or not at all.
        fetched = self._ask_for(number)
        if former is not None and former in self.patrons and number not in self.patrons:
            self.patrons[number] = self.patrons.pop(former)
            self._versions[former] = version
        self._keep(number, version, fetched)

    def _fetch(self, number: str, version: int) -> None:
        self._keep(number, version, self._ask_for(number))

    def _keep(self, number: str, version: int, fetched: dict[str, Any] | None) -> None:
        # Of somebody who left in the meantime the register tells the number alone.
        known = fetched.get("version", 0) if fetched else 0
        self._versions[number] = max(version, known, self._versions.get(number, 0))
        if fetched is None:
            # They have another number by now, or are gone: what became of them stands further on in the line.
            return
        if not fetched["activated_here"]:
            self.patrons.pop(number, None)
            return
        if number in self._gone:
            self.resurrected.append(number)
        self.patrons[number] = fetched

    def _ask_for(self, number: str) -> dict[str, Any] | None:
        for tries_left in reversed(range(_TRIES)):
            try:
                answer = self._register.ask("GET", f"/api/v1/patrons/{number}")
                break
            except NotReached:
                if not tries_left:
                    raise
        if answer.status_code in (404, 410):
            return None
        if answer.status_code != 200:
            raise NotReached
        told: dict[str, Any] = answer.json()
        return told

    def _forget(self, notice: Notice) -> None:
        number, version = notice["card_number"], notice["version"]
        if number is None or self._is_late(number, version):
            return
        self.patrons.pop(number, None)
        self._versions[number] = version
        if notice["kind"] == "erased":
            self._gone.add(number)


class ListeningSystem(System):
    """One that is told at once, at an address of its own."""

    def __init__(self, register: Register, network: Network) -> None:
        super().__init__(register)
        self.key = ""
        self.network = network
        self.received: list[tuple[Mapping[str, str], bytes]] = []
        self.refused = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
        self._server.daemon_threads = True
        self._server.system = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/lanekort"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Do what a request asks for, and return the status of the answer."""
        if not _is_from_the_register(headers, body, self.key):
            self.refused += 1
            return 401
        self.received.append((headers, body))
        notice = json.loads(body)
        if str(notice["id"]) != headers["webhook-id"]:
            return 400
        try:
            self.apply(notice)
        except NotReached:
            return 503
        return 200


class _Door(BaseHTTPRequestHandler):
    def handle_one_request(self) -> None:
        fate = self.system.network.draw()
        if fate is Delivery.LOST:
            self.close_connection = True
            return
        self._fate = fate
        super().handle_one_request()

    @property
    def system(self) -> ListeningSystem:
        return self.server.system  # type: ignore[attr-defined,no-any-return]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self._fate in (Delivery.LATE, Delivery.TWICE):
            self.system.network.delay(lambda: self.system.take(headers, body))
        if self._fate is Delivery.LATE:
            return
        status = self.system.take(headers, body)
        if self._fate is not Delivery.UNANSWERED:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _is_from_the_register(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
        return False
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256)
    said = headers["webhook-signature"].removeprefix("v1,")
    return hmac.compare_digest(base64.b64encode(made).decode(), said)


class ReadingSystem(System):
    """One that reads its line every second, and says how far it has come."""

    def __init__(self, register: Register) -> None:
        super().__init__(register)
        self._cursor: str | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read_on, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _read_on(self) -> None:
        more = False
        while not self._end.wait(0.0 if more else 1.0):
            try:
                more = self._read_page()
            except NotReached:
                more = False

    def _read_page(self) -> bool:
        after = {"after": self._cursor} if self._cursor else {}
        answer = self._register.ask("GET", "/api/v1/changes", params={"limit": _PAGE} | after)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        for notice in page["changes"]:
            self.apply(notice)
        acknowledged = self._register.ask("POST", "/api/v1/changes/ack", json={"up_to": page["next"]})
        assert acknowledged.status_code == 200, acknowledged.text
        self._cursor = page["next"]
        return bool(page["more"])
