"""How messages are sent."""

import json
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class NotSent(Exception):
    """The message was not sent, or this is unknown; it is tried again later. The text names the kind of fault for the
    operator, never an address or a word of the message."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to go. `to` is an e-mail address, a telephone number, or the lines of a postal address."""

    channel: str
    to: str
    subject: str
    body: str
    at: datetime


class Channel(Protocol):
    """One way to send messages."""

    def send(self, letter: Letter) -> None:
        """Send it. Raises NotSent."""


class Post(Channel, Protocol):
    """All the ways to send messages that this process has."""

    @property
    def channels(self) -> Collection[str]:
        """Their names: email, sms. A letter waits for somebody to print it."""


class Channels:
    """A post made of one channel for each name."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self.channels: Mapping[str, Channel] = channels

    def send(self, letter: Letter) -> None:
        """Send the letter by its channel. Raises NotSent, also where there is no such channel."""
        if letter.channel not in self.channels:
            raise NotSent("no such channel")
        self.channels[letter.channel].send(letter)


class Inbox:
    """The demonstration's post: a folder in which every message lands, printed letters too, for all to read."""

    channels = ("email", "sms", "letter")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> None:
        """Write the letter into the folder, atomically."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = asdict(letter) | {"at": letter.at.isoformat()}
        descriptor, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
        Path(name).rename(Path(name).with_suffix(".json"))

    def throw_away(self, *, until: datetime) -> None:
        """Delete what was sent until then."""
        for path in self._folder.glob("*.json"):
            if datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["at"]) <= until:
                path.unlink(missing_ok=True)

    def read(self) -> list[Letter]:
        """Return every letter that was sent, newest first."""
        letters = []
        for path in self._folder.glob("*.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            letters.append(Letter(**content | {"at": datetime.fromisoformat(content["at"])}))
        return sorted(letters, key=lambda letter: letter.at, reverse=True)
