"""Ports of this machine for programs that must be told one before they listen there."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import Final

# Below those that Linux (32768 and up), macOS and BSD (49152 and up) give to whoever asks for any port, so none of
# those can take a port in the moment between asking for one here and listening there.
_FIRST: Final = 20_000
_LAST: Final = 32_000
_FOLDER: Final = Path(tempfile.gettempdir()) / f"lanekort-test-ports-{os.getuid()}"
_held: list[int] = []


def own_port() -> int:
    """Return a port that no other test and none of its processes is given for as long as this process lives."""
    _FOLDER.mkdir(mode=0o700, exist_ok=True)
    while True:
        port = random.SystemRandom().randint(_FIRST, _LAST)
        descriptor = os.open(_FOLDER / str(port), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(descriptor)
            continue
        _held.append(descriptor)
        return port
