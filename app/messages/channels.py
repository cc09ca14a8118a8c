"""How a message leaves the house."""

import json
import os
import smtplib
import ssl
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

_TIMEOUT_SECONDS = 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class NotSent(Exception):
    """The message did not leave. It is tried again later."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to go. `to` is an e-mail address, a telephone number, or the lines of a postal address."""

    channel: str
    to: str
    subject: str
    body: str
    at: datetime


class Post(Protocol):
    """Whatever takes a letter out."""

    def send(self, letter: Letter) -> None:
        """Send it. Raises NotSent."""


class Inbox:
    """The demonstration's post: a folder in which every message lands, for all to read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        """Put the letter into the folder, all of it or nothing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = asdict(letter) | {"at": letter.at.isoformat()}
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
        Path(name).rename(Path(name).with_suffix(".json"))

    def read(self) -> list[Letter]:
        """Return every letter that was sent, newest first."""
        letters = []
        for path in self._folder.glob("*.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            letters.append(Letter(**content | {"at": datetime.fromisoformat(content["at"])}))
        return sorted(letters, key=lambda letter: letter.at, reverse=True)


class Smtp:
    """E-mail by SMTP (RFC 5321), with STARTTLS (RFC 3207), or TLS from the start where the URL says `smtps`.

    Other channels are not its business; what is to go by them stays due.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """Send an e-mail. Raises NotSent, also for a channel that is not e-mail."""
        if letter.channel != "email":
            raise NotSent
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, letter.to, letter.subject
        message.set_content(letter.body)
        try:
            with self._connect() as server:
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent from error

    def _connect(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "localhost", ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(host, self._url.port or 587, timeout=_TIMEOUT_SECONDS)
        # A server that cannot encrypt gets no mail; one on this machine has no line to listen on.
        if host not in _LOOPBACK:
            server.starttls(context=context)
        return server
