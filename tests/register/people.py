"""The demo's people as the register knows them, and what they do most."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, text

from app.register.card.cards import issue_card, show_codes
from app.register.leaving.erasure import ASKED, Reason, erase_patron
from app.register.log.access_log import Terminal, Viewer
from app.register.sign_in.devices import admit_device
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.devices import Device
from app.register.tables.patrons import Patron

GUARDIAN, CHILD, TEEN, LOST, AT_MULLSJO, HIDDEN = (f"N00010000{n}" for n in range(1, 7))
PINS = {GUARDIAN: "4719", CHILD: "8302", LOST: "6184"}
ULLENSAKER, MULLSJO = "2023500", "Mull"
NINETY_DAYS = timedelta(days=90)


def as_proven(contact: dict) -> dict:
    """Return columns of a patron with what is in them of addresses proven too."""
    proven = {f"proven_{name}": contact[name] for name in ("email", "phone") if name in contact}
    if "address" in contact:
        place = f"{contact.get('postcode') or ''} {contact.get('place') or ''}".strip()
        proven["proven_address"] = contact["address"] and f"{contact['address']}\n{place}".strip()
    return contact | proven


def patron_id(card_number: str) -> int:
    found = db.session.scalar(select(Patron.id).where(Patron.card_number == card_number))
    db.session.rollback()
    assert found is not None
    return found


def erase(card_number: str = GUARDIAN, *, now: datetime, reason: Reason = ASKED) -> str:
    """Erase somebody everywhere, and return the receipt's code."""
    code = erase_patron(patron_id=patron_id(card_number), reason=reason, now=now)
    db.session.commit()
    return code


def make_phone(card_number: str, *, now: datetime, token: str = "a phone's token") -> Device:
    """Give the patron a phone that shows the card for ninety days."""
    owner = patron_id(card_number)
    device = admit_device(patron_id=owner, token=token, label="Firefox, Android", now=now)
    issue_card(patron_id=owner, device_id=device.id, expires_at=now + NINETY_DAYS, now=now)
    db.session.commit()
    return device


def code_on(device_id: int, *, now: datetime) -> str:
    """Return the 24 digits that the phone shows now."""
    (code,) = show_codes(device_id=device_id, now=now)
    db.session.rollback()
    return code.digits


def terminal(number: int = 1, *, library_id: str = ULLENSAKER) -> Terminal:
    actor = f"{library_id}-kiosk{number}"
    return Terminal(
        scope=f"kiosk:{actor}",
        viewer=Viewer(role="kiosk", actor=actor, library_id=library_id),
        library_id=library_id,
    )


def read_rows(connection: Connection, table: str) -> list[tuple]:
    return sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))), key=repr)


def reading() -> Connection:
    """Give a connection that sees what is committed, and waits for nobody."""
    return db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def read_register() -> dict[str, list[tuple]]:
    """Return every row of every table."""
    with reading() as connection:
        return {table.name: read_rows(connection, table.name) for table in Base.metadata.sorted_tables}


def count_rows(table: str) -> int:
    with reading() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
