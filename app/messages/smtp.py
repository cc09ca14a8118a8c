"""E-mail."""

import re
import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, make_msgid, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from app.messages.channels import Letter, NotSent

LONGEST_SECONDS = 15
SILENCE_SECONDS = 10
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Deadline:
    """Ends a connection once it has lasted too long in all, however little the other side says each time."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._handle: socket.socket | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        if self._handle is not None:
            self._handle.close()

    def watch(self, connection: socket.socket) -> None:
        """Keep a second handle of the connection, which stays good when TLS takes the first one over."""
        self._handle = connection.dup()
        if self._is_over:
            self._end()

    def _end(self) -> None:
        self._is_over = True
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)


class _Server(smtplib.SMTP):
    """A connection with a deadline from its first byte on, before the greeting and any TLS handshake."""

    def __init__(self, host: str, port: int, deadline: _Deadline) -> None:
        self._deadline = deadline
        super().__init__(host, port, timeout=SILENCE_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._deadline.watch(connection)
        return connection


class _ServerOverTls(smtplib.SMTP_SSL, _Server):
    """The same with TLS from the start."""

    def __init__(self, host: str, port: int, deadline: _Deadline) -> None:
        self._deadline = deadline
        context = ssl.create_default_context()
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=SILENCE_SECONDS, context=context)


class Smtp:
    """E-mail by SMTP (RFC 5321), with STARTTLS (RFC 3207), or TLS from the start where the URL says `smtps`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        name, address = parseaddr(sender)
        self._domain = _to_everybody(address).rpartition("@")[2]
        self._sender = formataddr((name, _to_everybody(address)))

    def send(self, letter: Letter) -> None:
        """Send an e-mail, within fifteen seconds once the server is connected. Raises NotSent."""
        try:
            message = self._write(letter)
            with _Deadline(LONGEST_SECONDS) as deadline, self._connect(deadline) as server:
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # Its text may hold the address, and so may the traceback.
            raise NotSent(type(error).__name__) from None

    def _write(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        # A line break in a header would begin another one: ValueError.
        message["From"], message["To"], message["Subject"] = self._sender, _to_everybody(letter.to), letter.subject
        message["Date"] = format_datetime(letter.at)
        # A name of its own for each try: one that repeats an earlier message holds another link, and is the one to use.
        message["Message-ID"] = make_msgid(domain=self._domain)
        # Nobody's absence is to be answered to us (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        # Never 8-bit, which a server that does not offer 8BITMIME (RFC 6152) need not take.
        message.set_content(letter.body, cte="quoted-printable")
        # smtplib would write ">From".
        message.set_payload(re.sub("^From ", "=46rom ", str(message.get_payload()), flags=re.MULTILINE))
        return message

    def _connect(self, deadline: _Deadline) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        if self._url.scheme == "smtps":
            return _ServerOverTls(host, self._url.port or 465, deadline)
        server = _Server(host, self._url.port or 587, deadline)
        # A server that cannot encrypt gets no mail; to one on this machine nobody can listen in.
        if host not in _LOOPBACK:
            server.starttls(context=ssl.create_default_context())
        return server


def _to_everybody(address: str) -> str:
    """Return an address as every mail server takes it: `kari@blåbær.no` is `kari@xn--blbr-roah.no` (RFC 5891).

    Where the name before the @ is not ASCII there is no such form, and the server must know SMTPUTF8 (RFC 6531).
    """
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError:
        return address
