"""Mail servers on this machine: one speaks SMTP (RFC 5321) and keeps what it is sent, others hold up whoever comes."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail from anybody, to anybody. `received` fills in the order of arrival.

    `before_taking` is called with each mail before the server says that it has it.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.received: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.commands: list[bytes] = []
        self.before_taking: Callable[[EmailMessage], object] = lambda _message: None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Dialogue(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 mail.example.org ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper().strip()
            self.server.commands.append(line)  # type: ignore[attr-defined]
            if verb == b"DATA":
                self._say("354 go on")
                self._keep()
            self._say("221 bye" if verb == b"QUIT" else "250 OK")
            if verb == b"QUIT":
                return

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        assert isinstance(self.server, MailServer)
        self.server.raw.append(b"".join(lines))
        message = message_from_bytes(b"".join(lines), policy=default)
        assert isinstance(message, EmailMessage)
        self.server.before_taking(message)
        self.server.received.append(message)


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class UnhelpfulServer:
    """Takes connections on `port` and says these bytes, one every 50 milliseconds, and then nothing, for ever."""

    def __init__(self, says: bytes = b"") -> None:
        self._says = says
        self._stopping = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listening.getsockname()[1]
        self.visitors: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                visitor, _address = self._listening.accept()
                self.visitors.append(visitor)
                threading.Thread(target=self._speak, args=(visitor,), daemon=True).start()

    def _speak(self, visitor: socket.socket) -> None:
        with suppress(OSError):
            for byte in self._says:
                if self._stopping.wait(0.05):
                    return
                visitor.sendall(bytes([byte]))

    def close(self) -> None:
        """Let go of everybody."""
        self._stopping.set()
        # Whoever waits for a connection is woken by it, and nobody by the closing alone.
        for each in (self._listening, *self.visitors):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def unhelpful_server(says: bytes = b"") -> Iterator[UnhelpfulServer]:
    server = UnhelpfulServer(says)
    try:
        yield server
    finally:
        server.close()
