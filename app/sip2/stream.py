"""The connection to a kiosk: its messages, each within the time that a machine may take, and answers to it."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from ipaddress import IPv6Address, ip_address

from app.rules.errors import RuleBroken
from app.rules.sip2 import Frame, Framer

LONGEST_MESSAGE = 8 * 1024
SIGN_ON_SECONDS = 60.0
MESSAGE_SECONDS = 10.0
_CHUNK = 8192
# An unplugged cable is noticed within two and a half minutes.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 3}


class Slow(RuleBroken):
    """The machine did not sign on, did not end its message, or did not take its answer in time."""


class KioskStream:
    """One connection. `is_idle` while it waits for the machine's next message."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._signed_on_until: float | None = None
        self.address = _address_of(writer)
        self.is_idle = False
        keep_alive(writer)
        self.expect_sign_on()

    def expect_sign_on(self) -> None:
        """Begin the time within which the machine must sign on."""
        self._signed_on_until = time.monotonic() + SIGN_ON_SECONDS

    def let_stay(self) -> None:
        """Wait for its next message without a limit: at night kiosks send nothing."""
        self._signed_on_until = None

    async def frames(self) -> AsyncIterator[tuple[Frame, float]]:
        """Yield each frame, and when it came (time.perf_counter). Raises TooLong or Slow."""
        framer = Framer(limit=LONGEST_MESSAGE)
        whole_until = 0.0
        while chunk := await self._read(whole_until if framer.is_within_message else None):
            waits_since = time.perf_counter()
            was_within_message = framer.is_within_message
            frames = framer.feed(chunk)
            if frames or not was_within_message:
                whole_until = time.monotonic() + MESSAGE_SECONDS
            for frame in frames:
                yield frame, waits_since
                waits_since = time.perf_counter()

    def write(self, raw: bytes) -> None:
        """Send bytes, without waiting."""
        self._writer.write(raw)

    async def drain(self) -> None:
        """Wait until what was written is sent. Raises Slow."""
        try:
            async with asyncio.timeout(MESSAGE_SECONDS):
                await self._writer.drain()
        except TimeoutError:
            raise Slow from None

    def close(self) -> None:
        """Close the connection; what was written is still sent."""
        self._writer.close()

    async def _read(self, until: float | None) -> bytes:
        limits = [limit for limit in (until, self._signed_on_until) if limit is not None]
        self.is_idle = True
        try:
            async with asyncio.timeout(max(0.0, min(limits) - time.monotonic()) if limits else None):
                return await self._reader.read(_CHUNK)
        except TimeoutError:
            raise Slow from None
        finally:
            self.is_idle = False


def _address_of(writer: asyncio.StreamWriter) -> str:
    host = str((writer.get_extra_info("peername") or ("",))[0]).partition("%")[0]
    address = ip_address(host) if host else None
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inner or address or "")


def keep_alive(writer: asyncio.StreamWriter) -> None:
    """Turn on TCP keep-alive: a vanished peer is noticed, and no firewall drops a silent connection."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
