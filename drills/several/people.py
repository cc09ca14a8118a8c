"""What people and kiosks do meanwhile, scans, sign-ins, orders of a PIN and erasures, and what was acknowledged."""

import json
import re
import secrets
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from itertools import count, cycle
from typing import Final
from urllib.parse import urlencode

from app.rules.card.code import step_at
from bench.people import PIN, card_number, code_at
from drills.several.portals import NAME

_SILENCE_SECONDS: Final = 45
_FIELD: Final = {name: re.compile(rf'name="{name}"[^>]* value="([^"]+)"') for name in ("csrf_token", "receipt")}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; status 0 where none came."""

    status: int
    headers: Mapping[str, str]
    text: str

    def place(self) -> str:
        """Return where it leads to."""
        return self.headers.get("Location", "").removeprefix(f"https://{NAME}")

    def form(self, *names: str) -> dict[str, str]:
        """Return hidden fields of its form. Raises KeyError where one is missing."""
        found = {name: _FIELD[name].search(self.text) for name in names}
        return {name: match[1] for name, match in found.items() if match is not None}


class Browser:
    """Asks one address, with TLS where it has a certificate to believe, from a network address of its own."""

    def __init__(self, address: tuple[str, int], *, trusts: ssl.SSLContext | None = None, source: str = "") -> None:
        self._address, self._trusts, self._source = address, trusts, source
        self.cookies: dict[str, str] = {}

    def ask(
        self, method: str, path: str, *, body: bytes | str = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request over a connection of its own."""
        sent = {"Host": NAME, "X-Forwarded-Proto": "https", "Connection": "close", **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = HTTPConnection(NAME, timeout=_SILENCE_SECONDS)
        try:
            source = (self._source, 0) if self._source else None
            plain = socket.create_connection(self._address, timeout=_SILENCE_SECONDS, source_address=source)
            connection.sock = self._trusts.wrap_socket(plain, server_hostname=NAME) if self._trusts else plain
            connection.request(method, path, body=body, headers=sent)
            came = connection.getresponse()
            text = came.read().decode(errors="replace")
            lines = came.getheaders()
        except (OSError, HTTPException):
            return Answer(0, {}, "")
        finally:
            connection.close()
        for name, value in lines:
            if name == "Set-Cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        return Answer(came.status, dict(lines), text)

    def fill_in(self, path: str, *names: str, **fields: str) -> Callable[[], Answer] | Answer:
        """Fetch a form, and return the call that sends it; the answer where none came."""
        page = self.ask("GET", path)
        hidden = page.form("csrf_token", *names)
        if len(hidden) <= len(names):
            return page
        body = urlencode(hidden | fields)
        return lambda: self.ask("POST", path, body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was answered: of which kind, of which person, when (monotonic seconds), and with which word."""

    kind: str
    person: int
    at: float
    word: str = ""


@dataclass(slots=True)
class Ledger:
    """What was acknowledged and what was refused. Several threads write it."""

    acknowledged: list[Done] = field(default_factory=list)
    refused: list[Done] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, kind: str, person: int, answer: Answer, *, word: str | None) -> None:
        """Note an answer: acknowledged where `word` is one, refused with 503, or anything else, which is wrong."""
        if word is not None:
            self.acknowledged.append(Done(kind, person, time.monotonic(), word))
        elif answer.status in (503, 504) and answer.headers.get("Retry-After", "").isdigit():
            self.refused.append(Done(kind, person, time.monotonic(), str(answer.status)))
        else:
            self.wrong.append(f"{kind}: {answer.status} {answer.place()} {answer.text[:200]!r}")

    def since(self, instant: float, kind: str) -> list[Done]:
        """Return what was acknowledged of a kind since then."""
        return [done for done in self.acknowledged if done.kind == kind and done.at >= instant]


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A kiosk, and its password."""

    name: str
    password: str

    def scan(self, browser: Browser, code: str) -> Answer:
        """Scan a code."""
        signed = b64encode(f"{self.name}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {signed}", "Content-Type": "application/json"}
        return browser.ask("POST", "/api/v1/scan", body=json.dumps({"payload": code}), headers=headers)


def session_of(answer: Answer) -> str | None:
    """Return the session of an accepted scan."""
    said = json.loads(answer.text) if answer.status == 200 else {}
    return said["session"] if said.get("result") == "accepted" else None


class Crowd:
    """The threads that scan, sign in, order and erase while it goes on. Each erased person is one of its own."""

    def __init__(self, proxy: tuple[str, int], trusts: ssl.SSLContext, kiosk: Kiosk, *, people: int) -> None:
        self.ledger = Ledger()
        self.codes: dict[str, str] = {}
        self.erasing: set[int] = set()
        self._proxy, self._trusts, self._kiosk = proxy, trusts, kiosk
        self._going_on = threading.Event()
        scanning = people // 2
        self._scanning = cycle(range(1, scanning + 1))
        self._others = count(scanning + 1)
        self._guard = threading.Lock()
        acts = [(self._scan, 0.08)] * 6 + [(self._sign_in, 0.4)] * 2 + [(self._order, 1.0), (self._erase, 0.7)]
        self._threads = [threading.Thread(target=self._repeat, args=act, daemon=True) for act in acts]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._going_on.set()
        for thread in self._threads:
            thread.join(2 * _SILENCE_SECONDS)

    def _repeat(self, act: Callable[[], None], pause: float) -> None:
        while not self._going_on.wait(pause * (0.5 + secrets.randbelow(1000) / 1000)):
            try:
                act()
            except Exception as error:
                self.ledger.wrong.append(f"{act.__name__}: {error!r}")

    def open(self, person: int) -> Browser:
        """Return somebody's browser, at an address of the loopback that nobody else has."""
        return Browser(self._proxy, trusts=self._trusts, source=f"127.100.{person // 200 % 250}.{1 + person % 200}")

    def _next(self, people: "count[int] | cycle[int]") -> int:
        with self._guard:
            return next(people)

    def _scan(self) -> None:
        person = self._next(self._scanning)
        code = code_at(person, step_at(datetime.now(UTC)))
        if code in self.codes:
            # Everybody was there within one step: a second showing of a code is refused, and rightly.
            return
        answer = self._kiosk.scan(Browser(self._proxy, trusts=self._trusts), code)
        session = session_of(answer)
        self.ledger.note("scan", person, answer, word=session)
        if session is not None:
            self.codes[code] = session

    def _let_in(self, person: int) -> Browser | None:
        browser = self.open(person)
        sending = browser.fill_in("/login", card_number=card_number(person), pin=PIN)
        answer = sending if isinstance(sending, Answer) else sending()
        is_in = answer.status == 302 and answer.place() == "/my"
        self.ledger.note("sign-in", person, answer, word="" if is_in else None)
        return browser if is_in else None

    def _sign_in(self) -> None:
        self._let_in(self._next(self._others))

    def _order(self) -> None:
        person = self._next(self._others)
        sending = self.open(person).fill_in("/new-pin", card_number=card_number(person))
        answer = sending if isinstance(sending, Answer) else sending()
        self.ledger.note("order", person, answer, word="" if answer.status in (200, 302, 303) else None)

    def _erase(self) -> None:
        person = self._next(self._others)
        self.erasing.add(person)
        browser = self._let_in(person)
        sending = browser.fill_in("/my/data/erase", "receipt", confirm_pin=PIN) if browser else None
        if sending is None:
            return
        if isinstance(sending, Answer):
            self.ledger.note("erasure", person, sending, word=None)
            return
        # Pressed again until an answer comes, as the page says.
        while not self._going_on.is_set():
            answer = sending()
            receipt = answer.place() if answer.status == 303 and answer.place().startswith("/receipt/") else None
            self.ledger.note("erasure", person, answer, word=receipt)
            if answer.status not in (503, 504):
                return
            time.sleep(1)
