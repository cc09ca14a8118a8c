"""A library's system that answers SIP2 without delay: `python -m bench.kiosk_system PORT`."""

import asyncio
import re
import sys

from app.rules.sip2 import checksum

_DATE = b"20261122    100000"
_ANSWERS = {
    b"93": b"941",
    b"63": b"64" + b" " * 14 + b"000" + _DATE + b"0000" * 6 + b"AObench|AA%b|AEInvented Patron|BLY|CQY|",
    b"11": b"121NNY" + _DATE + b"AObench|AA%b|AB1|AJA measured volume|AH2026-12-20|",
    b"35": b"36Y" + _DATE + b"AObench|AA%b|",
}
_CARD = re.compile(rb"\|AA([^|]*)\|")
_SEQUENCE = re.compile(rb"AY[0-9]")


def answer(message: bytes) -> bytes:
    """Return the answer to a message, about the same patron and with the same number."""
    text = _ANSWERS[message[:2]]
    if card := _CARD.search(message):
        text %= card[1]
    sequence = _SEQUENCE.search(message)
    content = text + (sequence[0] if sequence else b"") + b"AZ"
    return content + checksum(content) + b"\r"


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(answer(await reader.readuntil(b"\r")))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_talk, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
