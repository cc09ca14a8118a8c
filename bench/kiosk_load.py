"""Many connected kiosks, each with a message now and then, as at a real one."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.rules.sip2 import Message, checksum

# A message every two seconds at each kiosk: somebody who puts book after book on it is no faster.
PACE_SECONDS = 2.0
_DATE = b"20261122    100000"
_AA = b"AObench|AA%b|AC|AD4719|"
_MOST_BOOKS = 6
_BEGIN = b"63000" + _DATE + b"  Y       " + _AA
_LEND = b"11NN" + _DATE + _DATE + _AA + b"AB1|"
_END = b"35" + _DATE + _AA
_ANSWERS = {b"63": b"64", b"11": b"121", b"35": b"36Y"}

ShowCard = Callable[[], bytes]


class WrongAnswer(Exception):
    """A kiosk was answered no, or about somebody else."""


@dataclass(slots=True)
class Latencies:
    """Seconds from a message to its answer: the first of each session, which shows a card, and all others."""

    first: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def every(self) -> list[float]:
        """All of them, ascending."""
        return sorted(self.first + self.other)


@dataclass(slots=True)
class Kiosk:
    """A connection, its patron's card, and how many books they have still to put on it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sequence: int = 0
    card: bytes = b""
    books: int = 0

    async def ask(self, text: bytes) -> Message:
        """Send a message and return the answer."""
        content = text + b"AY%dAZ" % self.sequence
        self.sequence = (self.sequence + 1) % 10
        self.writer.write(content + checksum(content) + b"\r")
        return Message((await self.reader.readuntil(b"\r"))[:-1])

    async def go_on(self, show_card: ShowCard, latencies: Latencies) -> None:
        """Send the session's next message, and make sure of the answer. Raises WrongAnswer."""
        kept = latencies.other if self.card else latencies.first
        if not self.card:
            self.card, self.books, text = show_card(), random.randint(0, _MOST_BOOKS), _BEGIN
        elif self.books:
            self.books, text = self.books - 1, _LEND
        else:
            text = _END
        began = time.perf_counter()
        answer = await self.ask(text % self.card)
        kept.append(time.perf_counter() - began)
        about = answer.value(b"AA")
        if not answer.content.startswith(_ANSWERS[text[:2]]) or about != self.card or not answer.is_whole:
            raise WrongAnswer(answer.content.decode(errors="replace"))
        if text == _END:
            self.card = b""


async def connect(port: int, *, kiosks: int, password: str) -> list[Kiosk]:
    """Connect so many kiosks, and sign each on with a login of its own."""
    connected = [Kiosk(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(kiosks)]
    for number, kiosk in enumerate(connected):
        answer = await kiosk.ask(b"9300CN" + name_of(number).encode() + b"|CO" + password.encode() + b"|")
        if not answer.content.startswith(b"941"):
            raise WrongAnswer(answer.content.decode(errors="replace"))
    return connected


def name_of(number: int) -> str:
    """Return the user name of a kiosk, counted from 0."""
    return f"bench-sip2-{number}"


async def turn(kiosks: Sequence[Kiosk], show_card: ShowCard, *, seconds: float, messages: int) -> Latencies:
    """Let all kiosks work until the seconds or the messages are used up. Returns the latencies."""
    latencies, until, left = Latencies(), time.perf_counter() + seconds, iter(range(messages))

    async def work(kiosk: Kiosk) -> None:
        # Nobody waits for anybody else, so that a slow answer is not hidden by messages that then come later.
        due = time.perf_counter() + random.uniform(0, PACE_SECONDS)
        while due < until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if _is_used_up(left):
                return
            await kiosk.go_on(show_card, latencies)
            due += PACE_SECONDS

    async with asyncio.TaskGroup() as tasks:
        for kiosk in kiosks:
            tasks.create_task(work(kiosk))
    return latencies


def _is_used_up(left: Iterator[int]) -> bool:
    return next(left, None) is None
