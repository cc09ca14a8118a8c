"""One kiosk's connection to the library's own system. It is opened when needed, and again after it broke."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from app.rules.errors import RuleBroken
from app.rules.sip2 import Frame, Framer, Message
from app.sip2.settings import LibraryGateway
from app.sip2.stream import keep_alive
from app.sip2.words import Trouble

_CONNECT_SECONDS = 5.0
_LONGEST_ANSWER = 256 * 1024
_CHUNK = 65536
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
SIGNED_ON = b"941"

_log = structlog.get_logger()


class NoAnswer(RuleBroken):
    """The library's system cannot be reached, closed the connection, or did not answer in time."""

    trouble = Trouble.NO_SYSTEM


class SignOnRefused(NoAnswer):
    """The library's system does not take the login that the gateway signs on with."""

    trouble = Trouble.NOT_SIGNED_ON


class Pause:
    """The pause after a library's system could not be reached: exponential, with jitter. `fault` is the kind of the
    last error; empty where there was none."""

    def __init__(self) -> None:
        self.fault = ""
        self._failures = 0
        self._until = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the system may be tried again."""
        return time.monotonic() >= self._until

    def begin(self) -> None:
        """Begin a pause, longer than the one before."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._until = time.monotonic() + longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, and hides nothing

    def end(self) -> None:
        """It answers."""
        self.fault, self._failures, self._until = "", 0, 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and when its request was sent and it came, in seconds of time.perf_counter."""

    message: Message
    asked_at: float
    came_at: float


class IlsConnection:
    """Gives every frame from the system to `hear`, in its order, also those that were not asked for. `sign_on`, sent
    first on a new connection, is the last sign-on (93) that the system accepted."""

    def __init__(self, *, settings: LibraryGateway, pause: Pause, hear: Callable[[Frame], None]) -> None:
        self._settings = settings
        self._pause = pause
        self._hear = hear
        self.sign_on = b""
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[tuple[Message, float]] | None = None
        self._keeps_answer = False
        self._is_reached = False

    def send(self, raw: bytes) -> None:
        """Send bytes that get no answer, if there is a connection."""
        if self._writer is not None:
            self._writer.write(raw)

    async def ask(self, raw: bytes, *, may_be_silent: bool) -> Answered | None:
        """Send a message and return the answer, which `hear` has been given already.

        A system that cannot be reached, or is too slow, is paused for all its kiosks; not one that closed a connection.
        Raises NoAnswer or SignOnRefused; where the system `may_be_silent` and is, there is no answer.
        """
        is_asked = False
        try:
            async with asyncio.timeout(self._settings.seconds):
                await self._open()
                is_asked = True
                answered = await self._exchange(raw)
            self._pause.end()
            return answered
        except SignOnRefused as error:
            self._fail(error, pauses=False)
            raise
        except OSError as error:
            is_late = isinstance(error, TimeoutError)
            if is_late and is_asked and may_be_silent:
                return None
            self._fail(error, pauses=is_late or not self._is_reached)
            raise NoAnswer from None

    def _fail(self, error: Exception, *, pauses: bool) -> None:
        # A late answer would be taken for that to the next message.
        self._hang_up()
        # The kind alone: the error's text may hold what was said.
        fault = type(error).__name__
        if fault != self._pause.fault:
            _log.warning("system does not answer", library=self._settings.library_id, why=fault)
        self._pause.fault = fault
        if pauses:
            self._pause.begin()

    def close(self) -> None:
        """Hang up."""
        if self._listening is not None:
            self._listening.cancel()
        self._hang_up()

    async def _open(self) -> None:
        if self._writer is not None:
            return
        if not self._pause.is_over:
            raise NoAnswer
        where, self._is_reached = self._settings, False
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, self._writer = await asyncio.open_connection(where.ils_host, where.ils_port, ssl=where.ils_tls)
        self._is_reached = True
        keep_alive(self._writer)
        self._listening = asyncio.create_task(self._listen(reader, self._writer))
        if self.sign_on:
            self._keeps_answer = True
            try:
                answer = await self._exchange(self.sign_on)
            finally:
                self._keeps_answer = False
            if not answer.message.content.startswith(SIGNED_ON):
                raise SignOnRefused

    async def _exchange(self, raw: bytes) -> Answered:
        if self._writer is None:
            raise ConnectionResetError
        asked_at = time.perf_counter()
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(raw)
            message, came_at = await self._waiting
        finally:
            self._waiting = None
        return Answered(message, asked_at, came_at)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer(limit=_LONGEST_ANSWER, fields_may_break=True)
        with suppress(OSError, RuleBroken):
            while chunk := await reader.read(_CHUNK):
                for frame in framer.feed(chunk):
                    self._take(frame)
        if self._writer is writer:
            self._hang_up()

    def _take(self, frame: Frame) -> None:
        came_at = time.perf_counter()
        if not self._keeps_answer:
            self._hear(frame)
        # The rest of a field with a line break that came late is no answer.
        if frame.content[:2].isdigit() and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((Message(frame.content), came_at))

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError())
