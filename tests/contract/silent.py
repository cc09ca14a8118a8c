"""A library's server that takes calls and says nothing."""

import socket
from contextlib import suppress
from time import monotonic, sleep


class Silent:
    """A server that answers no call until it is closed. Calls wait where the kernel keeps them, so none is missed."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=20)
        self._server.setblocking(False)
        self._taken: list[socket.socket] = []
        self.port: int = self._server.getsockname()[1]

    def new_calls(self) -> int:
        """Return how many calls have come since the last time."""
        before = len(self._taken)
        with suppress(BlockingIOError):
            while True:
                self._taken.append(self._server.accept()[0])
        return len(self._taken) - before

    def wait_for_calls(self, number: int, *, seconds: float) -> None:
        ends = monotonic() + seconds
        while (number := number - self.new_calls()) > 0:
            assert monotonic() < ends, f"{number} calls did not come"
            sleep(0.01)

    def close(self) -> None:
        for each in (self._server, *self._taken):
            each.close()
