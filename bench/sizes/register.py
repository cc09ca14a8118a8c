"""A register of one size: filled once, and served as in production while the others are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic, time_ns

import psycopg
from apiflask import APIFlask

from app import create_app
from app.config import Settings
from bench.country import fill_country
from bench.servers import serve
from tests.postgres import create_database

STAFF = 4
_NAME = "lanekort_size_{people}"
_WARM = """
    SELECT sum(pg_prewarm(oid, 'read')) FROM pg_class
    WHERE relkind IN ('r', 'i', 't') AND pg_relation_size(oid) > 0 AND relnamespace IN ('public'::regnamespace, 99)
"""


@dataclass(frozen=True, slots=True)
class Register:
    """A register with so many patrons, the port at which it is served, and the same portal in this process.

    `seconds` is how long it took to fill, 0 where it was filled by an earlier run. `run` differs in each run, which
    thus draws other patrons: those of the one before may be erased.
    """

    people: int
    url: str
    port: int
    portal: APIFlask
    rotating: APIFlask
    seconds: float
    run: int

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Send a statement outside of the portal, in a transaction of its own, and return the rows."""
        with connect(self.url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """Open a connection of the measurement's own, in autocommit mode."""
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@contextmanager
def open_register(server: str, *, people: int, folder: Path) -> Iterator[Register]:
    """Fill a register on a server, unless an earlier run did, and serve it."""
    name, seconds = _NAME.format(people=people), 0.0
    with connect(server + "postgres") as connection:
        is_there = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount
    if not is_there:
        began = monotonic()
        fill_country(create_database(server, name), people=people, staff=STAFF)
        seconds = monotonic() - began
    url, journal = server + name, folder / f"{people}.journal"
    with serve(f"bench.people:make_portal('{url}')", folder / f"{people}.log") as port:
        register = Register(people, url, port, _portal(url, journal, 1), _portal(url, journal, 2), seconds, time_ns())
        register.ask("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        register.ask(_WARM)
        yield register


def _portal(url: str, journal: Path, keys: int) -> APIFlask:
    """Make the portal of `make_portal` with a journal of erasures, and with newer keys beside its first."""
    first = sha256(b"bench").digest()
    return create_app(
        Settings(
            database_url=url,
            secret_key="a key for measuring, and for nothing else",
            vault_keys={1: first} | {number: sha256(b"bench %d" % number).digest() for number in range(2, keys + 1)},
            public_url="https://card.example.org",
            new_device="pin",
            erasure_journal=str(journal),
            proxies=1,
        )
    )
