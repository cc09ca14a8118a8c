"""Libraries' systems behind the gateway: one that others wrote (PyPI's pysip2), and one that records every byte."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pysip2
from anyio.from_thread import start_blocking_portal

from app.rules.sip2 import checksum

ILS_USER, ILS_PASSWORD = "library", "the library's own password"
DATE = b"20261122    100000"


def summed(text: bytes, sequence: int | None = 0) -> bytes:
    """Return a message with error detection, and its end."""
    content = text + (b"" if sequence is None else b"AY%d" % sequence) + b"AZ"
    return content + checksum(content) + b"\r"


@dataclass
class RecordingSystem:
    """A system that records the messages of each connection, and answers with `answer`."""

    answer: Callable[[bytes], bytes] = lambda _message: b"98YYYYYY100003\r"
    lines: list[bytearray] = field(default_factory=list)
    port: int = 0
    came: threading.Condition = field(default_factory=threading.Condition)

    @property
    def received(self) -> bytes:
        return b"".join(bytes(line) for line in self.lines)

    def wait_for(self, size: int) -> bytes:
        """Return what came, as soon as it is so many bytes."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.received) >= size, timeout=300), self.received
        return self.received


@contextmanager
def recording(answer: Callable[[bytes], bytes] | None = None, *, port: int = 0) -> Iterator[RecordingSystem]:
    """A real TCP server, which hangs up in the end. An empty answer is no answer."""
    record = RecordingSystem() if answer is None else RecordingSystem(answer)

    open_lines: list[socket.socket] = []

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            kept = bytearray()
            record.lines.append(kept)
            open_lines.append(self.request)
            message = bytearray()
            while chunk := self.request.recv(4096):
                with record.came:
                    kept.extend(chunk)
                    record.came.notify_all()
                message += chunk
                while end := re.search(rb"[\r\n]", message):
                    content = bytes(message[: end.start()])
                    del message[: end.end()]
                    if content and (answered := record.answer(content)):
                        self.request.sendall(answered)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """The gateway hangs up, which it may."""

    with Server(("127.0.0.1", port), Line) as server:
        record.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield record
        finally:
            server.shutdown()
            thread.join()
            for line in open_lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)


class Library:
    """A system that lends. `asked` names the patron of each request that had one, `passwords` each PIN that came."""

    def __init__(self, *, encoding: str = "utf-8") -> None:
        self.server = pysip2.SIP2Server(institution_id="ULLE", encoding=encoding, login_required=True)
        self.asked: list[tuple[str, str]] = []
        self.passwords: list[str | None] = []
        self.loans: dict[str, str] = {}
        self.logins: list[tuple[str, str]] = []
        for route, handler in (
            (pysip2.LOGIN, self._log_in),
            (pysip2.PATRON_STATUS, self._status),
            (pysip2.PATRON_INFORMATION, self._information),
            (pysip2.CHECKOUT, self._lend),
            (pysip2.CHECKIN, self._take_back),
            (pysip2.END_PATRON_SESSION, self._end),
        ):
            self.server.route(route)(handler)

    def _log_in(self, asked: Any, context: Any) -> Any:
        self.logins.append((asked.login_user_id, asked.login_password))
        right = (asked.login_user_id, asked.login_password) == (ILS_USER, ILS_PASSWORD)
        return pysip2.LoginResponse(ok="1" if right else "0")

    def _hear(self, code: str, asked: Any) -> str:
        self.asked.append((code, asked.patron_identifier))
        self.passwords.append(asked.patron_password)
        return str(asked.patron_identifier)

    def _status(self, asked: Any, context: Any) -> Any:
        card = self._hear("23", asked)
        return pysip2.PatronStatusResponse(
            patron_status=" " * 14,
            language=asked.language,
            transaction_date=context.now_18(),
            institution_id="ULLE",
            patron_identifier=card,
            personal_name="Låner, Øse",
            valid_patron="Y",
            valid_patron_password="Y",
        )

    def _information(self, asked: Any, context: Any) -> Any:
        card = self._hear("63", asked)
        mine = tuple(item for item, owner in self.loans.items() if owner == card)
        return pysip2.PatronInformationResponse(
            patron_status=" " * 14,
            language=asked.language,
            transaction_date=context.now_18(),
            hold_items_count="0000",
            overdue_items_count="0000",
            charged_items_count=f"{len(mine):04}",
            fine_items_count="0000",
            recall_items_count="0000",
            unavailable_holds_count="0000",
            institution_id="ULLE",
            patron_identifier=card,
            personal_name="Låner, Øse",
            valid_patron="Y",
            valid_patron_password="Y",
            charged_items=mine,
        )

    def _lend(self, asked: Any, context: Any) -> Any:
        card = self._hear("11", asked)
        self.loans[asked.item_identifier] = card
        return pysip2.CheckoutResponse(
            ok="1",
            renewal_ok="N",
            magnetic_media="N",
            desensitize="Y",
            transaction_date=context.now_18(),
            institution_id="ULLE",
            patron_identifier=card,
            item_identifier=asked.item_identifier,
            title_identifier="Gösta Berlings saga på Ærøya",
            due_date="2026-12-20",
        )

    def _take_back(self, asked: Any, context: Any) -> Any:
        owner = self.loans.pop(asked.item_identifier, None)
        return pysip2.CheckinResponse(
            ok="1",
            resensitize="Y",
            magnetic_media="N",
            alert="N",
            transaction_date=context.now_18(),
            institution_id="ULLE",
            item_identifier=asked.item_identifier,
            permanent_location="Voksen",
            # As some systems do: who had it.
            patron_identifier=owner,
        )

    def _end(self, asked: Any, context: Any) -> Any:
        card = self._hear("35", asked)
        return pysip2.EndSessionResponse(
            end_session="Y", transaction_date=context.now_18(), institution_id="ULLE", patron_identifier=card
        )


@contextmanager
def lending(library: Library) -> Iterator[int]:
    """Run a library's system behind a real socket. Gives the port."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(library.server.start()) as port:
        yield port
