"""A guardian with three children, each with loans at two libraries that run as servers of their own."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from sqlalchemy import select

from app.register.card.families import give_permission, switch
from app.register.patron.patrons import activate_card
from app.register.store.transaction import db
from app.register.tables.library import Library
from app.register.tables.patrons import FamilyPermission, Patron
from bench.people import card_number, fill_register, make_portal
from bench.servers import serve
from circulation.factory import create_circulation, migrate_all
from circulation.lending.interlibrary import match_key
from circulation.lending.loans import check_out
from circulation.lending.transaction import Transaction
from circulation.libraries import open_libraries
from circulation.settings import Settings
from circulation.tables import Item

LIBRARIES = ("2023500", "Mull")
GUARDIAN, *CHILDREN = range(1, 5)
_LOANS_EACH = 5
_PASSWORD = "only for measuring, on the loopback address"


@dataclass(frozen=True, slots=True)
class ServedFamily:
    """The portal with both libraries, the portal with one of them dead, the bare answer, and the libraries' logs."""

    portal: int
    portal_with_a_dead_library: int
    bare: int
    logs: dict[str, Path]


def count_calls(served: ServedFamily) -> dict[str, int]:
    """Return how many calls each library has had so far."""
    return {library: log.read_text().count("call=patrons/overview") for library, log in served.logs.items()}


def make_circulation(url: str, library: str) -> Flask:
    """Make one library's loans system, which says in its log what is asked of it."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return create_circulation(Settings({library: url}, "portal", _PASSWORD))


@contextmanager
def serve_family(*, people: int, register: str = "", dead_port: int = 0) -> Iterator[ServedFamily]:
    """Serve two libraries, and the portal over a register of so many people with one family among them.

    `register` is an empty database's URL, without which it is SQLite. At `dead_port` the dead library is; without it,
    it takes calls and says nothing.
    """
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="lanekort-bench-")))
        register = register or f"sqlite:///{folder / 'register.sqlite'}"
        fill_register(register, people=max(people, len(CHILDREN) + 1))
        _make_family(register)
        logs = {library: folder / f"{library}.log" for library in LIBRARIES}
        ports = {}
        for library in LIBRARIES:
            url = f"sqlite:///{folder / library}.sqlite"
            _lend(url, library)
            ports[library] = running.enter_context(
                serve(f"bench.family:make_circulation('{url}', '{library}')", logs[library])
            )
        silent = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        dead = ports | {LIBRARIES[1]: dead_port or silent.getsockname()[1]}

        def portal(reached: dict[str, int], log: str) -> int:
            app = f"bench.people:make_portal('{register}', {_systems(reached)!r})"
            return running.enter_context(serve(app, folder / log))

        yield ServedFamily(
            portal=portal(ports, "portal.log"),
            portal_with_a_dead_library=portal(dead, "portal-dead.log"),
            bare=running.enter_context(serve("bench.bare:app", folder / "bare.log")),
            logs=logs,
        )


def _systems(ports: dict[str, int]) -> str:
    return "".join(
        f'[libraries."{library}"]\nkind = "circulation"\nurl = "http://127.0.0.1:{port}"\n'
        f'user = "portal"\npassword = "{_PASSWORD}"\n'
        for library, port in ports.items()
    )


def _make_family(register: str) -> None:
    now = datetime.now(UTC)
    app = make_portal(register)
    with app.app_context():
        for library in LIBRARIES:
            db.session.add(Library(id=library, name=f"Bibliotek {library}", kind="folkbib"))
        db.session.flush()
        family = {
            person: db.session.scalars(select(Patron.id).where(Patron.card_number == card_number(person))).one()
            for person in (GUARDIAN, *CHILDREN)
        }
        for patron_id in family.values():
            for library in LIBRARIES:
                activate_card(patron_id=patron_id, library_id=library, now=now)
        for child in CHILDREN:
            give_permission(patron_id=family[child], guardian_card_number=card_number(GUARDIAN), now=now)
        db.session.flush()
        for permission in db.session.scalars(select(FamilyPermission.id)).all():
            switch(guardian_id=family[GUARDIAN], permission_id=permission, on=True, now=now)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _lend(url: str, library_id: str) -> None:
    settings = Settings({library_id: url}, "portal", _PASSWORD)
    migrate_all(settings)
    library = open_libraries(settings)[library_id]
    with library.database.writing() as session:
        for person in (GUARDIAN, *CHILDREN):
            for number in range(_LOANS_EACH):
                title = f"Measured volume {person} {number}"
                barcode = f"{person:02d}{number:02d}"
                session.add(
                    Item(
                        barcode=barcode,
                        edition=barcode,
                        title=title,
                        author="Nobody",
                        category="book",
                        shelf_code="Hc",
                        publication_year=2001,
                        state="stock",
                        interlibrary=False,
                        match_key=match_key(title),
                    )
                )
                session.flush()
                check_out(
                    tx=Transaction(session, library.policy, datetime.now(UTC)),
                    card_number=card_number(person),
                    barcode=barcode,
                )
    library.database.close()
