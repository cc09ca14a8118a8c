"""Somebody else, who acts between two statements: what is proved here needs no chance."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from sqlalchemy import Engine, event

# Whom a lock keeps waiting goes on once the transaction that was interrupted is over.
_PATIENCE = 0.3


@contextmanager
def interrupted(
    engine: Engine, *, before: int, by: Callable[[], None], patience: float = _PATIENCE
) -> Iterator[list[int]]:
    """Let somebody else act right before one of the statements sent meanwhile; gives what fills when they did.

    The transaction that is interrupted has to end in there. `patience` is how many seconds they may take at
    most before it goes on.
    """
    sent, acted, others = count(), list[int](), list[threading.Thread]()

    def interrupt(*_: object) -> None:
        if not acted and next(sent) == before:
            acted.append(before)
            other = threading.Thread(target=by)
            others.append(other)
            other.start()
            other.join(timeout=patience)

    event.listen(engine, "before_cursor_execute", interrupt)
    try:
        yield acted
    finally:
        event.remove(engine, "before_cursor_execute", interrupt)
        for other in others:
            other.join()
