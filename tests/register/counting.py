"""Counters of what really happens: the statements a database is sent, and the Argon2 hashes that are worked out."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from app.register.keys import vault as vault_module
from app.register.store.driver import DriverConnection


@contextmanager
def statements_sent(engine: Engine) -> Iterator[list[str]]:
    """Give a list that fills with the text of every statement that is sent to the database."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, _parameters, _context, _many):
        sent.append(statement)

    send = DriverConnection.send

    def send_and_note(line, statement, *values):
        sent.append(statement.sqlite)
        return send(line, statement, *values)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DriverConnection, "send", send_and_note)
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


class CountedArgon2:
    """The register's own Argon2, with a count of the hashes it was compared with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._argon2 = vault_module.ARGON2ID
        self.verifiers: list[str] = []
        monkeypatch.setattr(vault_module, "ARGON2ID", self)

    @property
    def verified(self) -> int:
        return len(self.verifiers)

    def verify(self, secret: str, verifier: str) -> bool:
        self.verifiers.append(verifier)
        return bool(self._argon2.verify(secret, verifier))

    def hash(self, secret: str) -> str:
        return str(self._argon2.hash(secret))
