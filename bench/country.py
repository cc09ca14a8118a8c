"""A register in PostgreSQL as a country fills it: names, ages, postcodes and libraries spread as they are.

Made by PostgreSQL itself, tables before their indexes. Every secret is real: codes scan, PINs sign in, keys rotate.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import flask_migrate
from sqlalchemy import String, cast, func, select, text, update

from app.register.card.cards import KEY_COLUMN
from app.register.figures.runs import RETENTION, note_run
from app.register.keys.vault import vault
from app.register.log import proofs
from app.register.messages.contact_changes import FORMER_COLUMN
from app.register.staff.machines import connect_machine
from app.register.staff.staff import employ
from app.register.store.transaction import autonomous, db
from app.register.tables.columns import Base
from app.register.tables.devices import Credential
from app.register.tables.library import Library, LibraryQueue
from app.register.tables.log import AccessLogHead, AccessLogLink
from app.register.tables.patrons import Affiliation, Patron
from app.rules.card.code import KEY_BYTES, Kind, build, totp_at
from bench.country_rows import KEYS, LIBRARIES, ROWS, SCATTER
from bench.people import PIN, make_portal

TOTP_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "only for measuring, on the loopback address"
KIOSK = "country-kiosk"
# What is not needed while rows are made: a table with its indexes is slower to fill than an index is to build.
_INDEXES = """
    SELECT index.indexrelid::regclass::text AS name, index.indrelid::regclass::text AS on_table,
           made.conname AS constraint_name,
           coalesce(pg_get_constraintdef(made.oid), pg_get_indexdef(index.indexrelid)) AS definition
    FROM pg_index AS index LEFT JOIN pg_constraint AS made
         ON made.conindid = index.indexrelid AND made.contype IN ('p', 'u')
    WHERE index.indrelid = ANY(CAST(:tables AS regclass[]))
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conindid = index.indexrelid)
    ORDER BY 2, 1
"""


class Drawn(NamedTuple):
    """A patron who was drawn from all of them. `credential` is the number of the device's, if they have one."""

    id: int
    card_number: str
    name: str
    birth_date: str
    library_id: str
    credential: str | None

    def code_at(self, step: int) -> str:
        """Return the 24 digits that the patron's device shows at a step."""
        return build(
            kind=Kind.ROTATING, credential=str(self.credential), totp=totp_at(key=_key(self.id % KEYS), step=step)
        )


def staff_name(number: int) -> str:
    """Return the user name of somebody at a desk, counted from 0."""
    return f"desk-{number}"


def authorization_of(username: str) -> str:
    """Return the header by which a library's system, named as the library, or the kiosk signs in (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()


def fill_country(database_url: str, *, people: int, staff: int) -> None:
    """Migrate an empty database and put so many patrons into it, 357 libraries, and so many people at desks."""
    app = make_portal(database_url)
    with app.app_context():
        flask_migrate.upgrade()
        _employ_all(staff)
        made = {
            "people": people,
            "kind": Kind.ROTATING.value,
            "verifier": vault.hash_pin(PIN),
            "now": datetime.now(UTC),
        }
        contact = vault.seal(b'{"email": null}', column=FORMER_COLUMN)
        keys = [
            {"place": number, "sealed": vault.seal(_key(number), column=KEY_COLUMN), "contact": contact}
            for number in range(KEYS)
        ]
        _make_rows(made, keys)
        _end_the_chain()
        note_run(name=RETENTION, now=datetime.now(UTC) - timedelta(days=1))
        with autonomous() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
        db.session.remove()
        db.engine.dispose()


def draw_people(database_url: str, *, count: int, with_device: bool = False, seed: int = 0) -> list[Drawn]:
    """Return so many patrons who joined their home library, of all or of those with a device; another `seed`: others.

    Nobody comes twice where there are enough.
    """
    app = make_portal(database_url)
    with app.app_context():
        people = db.session.scalars(select(func.max(Patron.id))).one() or 0
        asked = Random(f"{people} {seed}").sample(range(1, people + 1), min(people, 3 * count))
        shown = select(Patron.id, Patron.card_number, Patron.name, Patron.birth_date, Patron.home_library_id)
        joined = (Affiliation.patron_id == Patron.id) & (Affiliation.library_id == Patron.home_library_id)
        shows = (Credential.patron_id == Patron.id) & (Credential.number == func.lpad(_number_of(Patron.id), 12, "0"))
        rows = db.session.execute(
            shown.add_columns(Credential.number)
            .join(Affiliation, joined)
            .join(Credential, shows, isouter=not with_device)
            .where(Patron.id.in_(asked))
        ).all()
        db.session.remove()
        db.engine.dispose()
    found = {row[0]: Drawn(row[0], row[1], row[2], row[3].isoformat(), row[4], row[5]) for row in rows}
    drawn = [found[patron_id] for patron_id in asked if patron_id in found][:count]
    return [drawn[number % len(drawn)] for number in range(count)]


def list_queues(database_url: str) -> dict[str, int]:
    """Return the number of the last notice of each library."""
    app = make_portal(database_url)
    with app.app_context():
        found = {row[0]: row[1] for row in db.session.execute(select(LibraryQueue.library_id, LibraryQueue.last_seq))}
        db.session.remove()
        db.engine.dispose()
    return found


def _key(number: int) -> bytes:
    return hashlib.sha256(b"country %d" % number).digest()[:KEY_BYTES]


def _number_of(patron_id: Any) -> Any:  # noqa: ANN401 - an expression
    return cast(func.mod(patron_id * SCATTER, 10**12), String)


def _employ_all(staff: int) -> None:
    for number, library_id in enumerate(LIBRARIES):
        db.session.add(Library(id=library_id, name=f"Bibliotek nummer {number}", kind="folkbib"))
    db.session.flush()
    for library_id in LIBRARIES:
        connect_machine(username=library_id, library_id=library_id, kind="system", password=PASSWORD)
    connect_machine(username=KIOSK, library_id=LIBRARIES[0], kind="kiosk", password=PASSWORD)
    for number in range(staff):
        name = staff_name(number)
        library_id = LIBRARIES[number % len(LIBRARIES)]
        employ(library_id=library_id, username=name, name=name, password=PASSWORD, totp_secret=TOTP_KEY)
    db.session.commit()
    db.session.remove()


def _make_rows(made: dict[str, object], keys: Sequence[dict[str, object]]) -> None:
    """Fill the tables in one transaction: with `wal_level = minimal` PostgreSQL then writes nothing of it twice."""
    with db.engine.begin() as connection:
        for setting in ("session_replication_role = replica", "maintenance_work_mem = '512MB'", "work_mem = '256MB'"):
            connection.execute(text(f"SET LOCAL {setting}"))
        connection.execute(text(f"TRUNCATE {', '.join(ROWS)} RESTART IDENTITY CASCADE"))
        indexes = connection.execute(text(_INDEXES), {"tables": list(ROWS)}).all()
        for index in indexes:
            is_constraint = index.constraint_name is not None
            drop = f"ALTER TABLE {index.on_table} DROP CONSTRAINT {index.constraint_name}"
            connection.execute(text(drop if is_constraint else f"DROP INDEX {index.name}"))
        connection.execute(text("CREATE TEMP TABLE made_keys (place int, sealed bytea, contact bytea) ON COMMIT DROP"))
        connection.execute(text("INSERT INTO made_keys VALUES (:place, :sealed, :contact)"), keys)
        for table, statement in ROWS.items():
            connection.execute(
                text(statement), {name: value for name, value in made.items() if f":{name}" in statement}
            )
            connection.execute(text(f"ANALYZE {table}"))
        for index in indexes:
            add = f"ALTER TABLE {index.on_table} ADD CONSTRAINT {index.constraint_name} {index.definition}"
            connection.execute(text(add if index.constraint_name is not None else index.definition))
        for table in ROWS:
            if "id" in Base.metadata.tables[table].columns:
                sequence = f"pg_get_serial_sequence('{table}', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM {table} HAVING max(id) > 0"))


def _end_the_chain() -> None:
    """Let the access log's chain go on from its last link."""
    last = db.session.execute(select(AccessLogLink).order_by(AccessLogLink.seq.desc()).limit(1)).scalar_one()
    body = proofs.head_body(seq=last.seq, link=last.link, unproved_to=0)
    db.session.execute(update(AccessLogHead).values(seq=last.seq, link=last.link, proof=proofs.prove(body)))
    db.session.commit()
