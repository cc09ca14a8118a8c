"""A register full of invented patrons, each with a device that showed the card an hour ago. Made in seconds."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from itertools import islice

import flask_migrate
from apiflask import APIFlask
from sqlalchemy import TextClause, bindparam, insert, text

from app import create_app
from app.config import Settings
from app.register.card.cards import KEY_COLUMN
from app.register.keys.vault import vault
from app.register.staff.machines import connect_machine
from app.register.store.transaction import autonomous, db
from app.register.tables.columns import UtcInstant
from app.register.tables.devices import Credential
from app.register.tables.library import Library
from app.rules.card.code import KEY_BYTES, Kind, build, step_at, totp_at

PIN = "4719"
LIBRARY_ID = "bench"
_KIOSK = "bench-kiosk"
_KIOSK_PASSWORD = "only for measuring, on the loopback address"
_BATCH = 10_000
_LIFE = timedelta(days=90)
_LAST_SCAN = timedelta(hours=1)
# Odd and without a factor 5, so that multiplying by it scatters the numbers and lets no two meet.
_SCATTER = 618_033_988_749

_PATRONS = text(
    """
    INSERT INTO patrons (card_number, card_state, name, birth_date, gender, address, postcode, place, email,
                         preferred_contact, language, home_library_id, registered_at, last_used_on, version)
    WITH RECURSIVE numbered(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbered WHERE n < :people)
    SELECT 'N' || (100000000 + n), 'active', 'Invented Patron ' || n, '1984-04-12', 'unknown', 'Furuveien 3', '2050',
           'Jessheim', 'patron' || n || '@example.org', 'email', 'nb', :library_id, :now, CURRENT_DATE, 1
    FROM numbered
    """
)
_AFFILIATIONS = text(
    "INSERT INTO affiliations (patron_id, library_id, activated_at) SELECT id, :library_id, :now FROM patrons"
)
_DEVICES = text(
    """
    INSERT INTO devices (patron_id, token_hash, label, first_seen_at, confirmed_at)
    SELECT id, 'token ' || id, 'Chrome, Android', :now, :now FROM patrons
    """
)
_PINS = text(
    "INSERT INTO pin_verifiers (patron_id, verifier, key_id, set_at) SELECT id, :verifier, :key_id, :now FROM patrons"
)
_OWNERS = text("SELECT patron_id, id FROM devices ORDER BY patron_id")
_STEPS = text(
    """
    INSERT INTO presented_steps
        (credential_id, step, patron_id, library_id, terminal, session, presented_at, expires_at)
    SELECT id, last_step, patron_id, :library_id, 'kiosk:bench-kiosk', 'session ' || id, :now, :now FROM credentials
    """
)
_LOOKS = text(
    """
    INSERT INTO access_log (at, patron_id, library_id, role, actor, purpose, fields)
    SELECT :now, patron_id, :library_id, 'kiosk', 'bench-kiosk', 'scan', 'name' FROM credentials
    """
)


def kiosk_authorization() -> str:
    """Return the header by which the kiosk signs in (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{_KIOSK}:{_KIOSK_PASSWORD}".encode()).decode()


def card_number(person: int) -> str:
    """Return the card number of a person, counted from 1."""
    return f"N{100_000_000 + person}"


def code_at(person: int, step: int) -> str:
    """Return the 24 digits that the person's device shows at a step."""
    totp = totp_at(key=_key(person), step=step)
    return build(kind=Kind.ROTATING, credential=_number(person), totp=totp)


def _number(person: int) -> str:
    return f"{person * _SCATTER % 10**12:012d}"


def _key(person: int) -> bytes:
    return hashlib.sha256(b"bench %d" % person).digest()[:KEY_BYTES]


def make_portal(database_url: str, ils_systems: str = "") -> APIFlask:
    """Make the portal over a database, with keys that are good for measuring only, and with libraries' systems."""
    return create_app(
        Settings(
            database_url=database_url,
            secret_key="a key for measuring, and for nothing else",
            vault_keys={1: hashlib.sha256(b"bench").digest()},
            public_url="https://card.example.org",
            new_device="pin",
            ils_systems=ils_systems,
            proxies=1,
        )
    )


def fill_register(database_url: str, *, people: int) -> None:
    """Migrate an empty database and put so many people, a library and a kiosk into it."""
    now = datetime.now(UTC)
    app = make_portal(database_url)
    with app.app_context():
        flask_migrate.upgrade()
        db.session.add(Library(id=LIBRARY_ID, name="Måling bibliotek", kind="folkbib"))
        connect_machine(username=_KIOSK, library_id=LIBRARY_ID, kind="kiosk", password=_KIOSK_PASSWORD)
        db.session.commit()
        asked = {"people": people, "library_id": LIBRARY_ID}
        # One evaluation for all: a hundred thousand of them would take half an hour.
        asked |= {"verifier": vault.hash_pin(PIN), "key_id": vault.key_id}
        for statement in (_PATRONS, _AFFILIATIONS, _DEVICES, _PINS):
            db.session.execute(_at(now, statement), asked)
        owners = enumerate(db.session.execute(_OWNERS).all(), start=1)
        rows = (_credential(person, patron, device, now) for person, (patron, device) in owners)
        while batch := list(islice(rows, _BATCH)):
            db.session.execute(insert(Credential), batch)
        # Everybody was scanned an hour ago: a database plans otherwise for tables that it knows as empty.
        for statement in (_STEPS, _LOOKS):
            db.session.execute(_at(now - _LAST_SCAN, statement), asked)
        db.session.commit()
        _settle()
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def _at(instant: datetime, statement: TextClause) -> TextClause:
    return statement.bindparams(bindparam("now", instant, type_=UtcInstant()))


def _credential(person: int, patron_id: int, device_id: int, now: datetime) -> dict[str, object]:
    return {
        "number": _number(person),
        "patron_id": patron_id,
        "device_id": device_id,
        "kind": Kind.ROTATING.value,
        "sealed_key": vault.seal(_key(person), column=KEY_COLUMN),
        "issued_at": now,
        "expires_at": now + _LIFE,
        "last_step": step_at(now - _LAST_SCAN),
    }


def _settle() -> None:
    # What PostgreSQL does by itself soon after so many rows, and would otherwise do while something is measured.
    if db.engine.dialect.name == "postgresql":
        with autonomous() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
