"""A rotation of keys, in tests: what stands under the old one, and whether all of it still works."""

import pyotp
import pytest
from sqlalchemy import delete, insert, select, update

from app.demo.accounts import DESKS, MACHINES, PATRONS
from app.register.card.cards import show_codes
from app.register.keys.rotation import count_older, list_renewables, renew
from app.register.keys.vault import Vault, use_vault, vault
from app.register.log.access_log import Viewer, log_access
from app.register.log.removals import note_removal
from app.register.log.roots import make_root
from app.register.log.sealing import seal_all
from app.register.log.verification import verify
from app.register.patron.numbers import NumberWasIssued, is_gone, note_number
from app.register.patron.patrons import find_by_national_id
from app.register.staff.machines import rotate_password, sign_in_machine
from app.register.staff.staff import sign_in_staff
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue, MachineAnswer, Staff
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import ContactChange, Message, PinOrder
from app.register.tables.moving import ImportedPatron, PatronImport, PatronImportBatch, PatronImportLine
from app.register.tables.patrons import IssuedNumber, Registration
from app.register.tables.reminders import PushSubscription
from app.register.tables.staff import StaffLink
from app.rules.people.national_id import parse_national_id
from tests.conftest import START, VAULT_KEYS
from tests.register.people import GUARDIAN, code_on, make_phone, patron_id

NEW_KEYS = VAULT_KEYS | {2: bytes(range(32, 64))}
GONE = "N000777777"
SECRET = b"sealed before the rotation"
# What is sealed, and is in no row of the demonstration.
SEALED_ELSEWHERE = {
    "messages.sealed_to": (Message, {"patron_id": 1, "kind": "contact-changed", "asked_at": START, "attempts": 0}),
    "library_queues.sealed_webhook_key": (
        LibraryQueue,
        {"library_id": "2023500", "last_seq": 0, "purged_seq": 0, "attempts": 0},
    ),
    "library_notices.sealed_number": (
        LibraryNotice,
        {
            "library_id": "2023500",
            "seq": 999,
            "patron_id": 1,
            "patron_version": 1,
            "kind": "left",
            "asked_at": START,
            "attempts": 0,
        },
    ),
    "contact_changes.sealed_former": (ContactChange, {"patron_id": 1, "fields": "email", "changed_at": START}),
    "push_subscriptions.sealed_address": (
        PushSubscription,
        {"patron_id": 1, "address_hash": "a" * 64, "made_at": START},
    ),
    "pin_orders.sealed_number": (PinOrder, {"asked_at": START}),
    "machine_answers.sealed_answer": (
        MachineAnswer,
        {"username": "Mull", "key_hash": "k" * 64, "request_hash": "r" * 64, "answered_at": START},
    ),
    "staff.sealed_email": (Staff, {}),
    "staff_links.sealed_totp_key": (
        StaffLink,
        {"staff_id": 1, "is_first": True, "language": "nb", "attempts": 0, "expires_at": START},
    ),
    "patron_imports.sealed_columns": (
        PatronImport,
        {"id": 1, "library_id": "2023500", "state": "done", "begun_by": "admin", "begun_at": START, "file_hash": "f"}
        | {"language": "nb", "consent": False, "by_day": 1, "rows": 1},
    ),
    "patron_import_batches.sealed_rows": (PatronImportBatch, {"import_id": 1}),
    "patron_import_lines.sealed_row": (
        PatronImportLine,
        {"import_id": 1, "line": 2, "outcome": "person", "why": ""},
    ),
    "imported_patrons.sealed_number": (
        ImportedPatron,
        {"token": "4" * 64, "key_id": 1, "library_id": "2023500", "patron_id": 1, "imported_at": START},
    ),
    "registrations.sealed_form": (
        Registration,
        {"kind": "own", "key_id": 1, "handle_hash": "h" * 64, "expires_at": START}
        | {"own_token": "0" * 64, "child_token": "1" * 64, "guardian_token": "2" * 64, "code_token": "3" * 64},
    ),
}


def restart_with(keys, app):
    """Put the register under other keys, as a restart with another VAULT_KEYS does."""
    use_vault(Vault(keys))


def rotate() -> int:
    return sum(rows for renewable in list_renewables() for rows in renew(renewable))


def left_behind() -> dict[str, int]:
    counted = {f"{each.table.name}: {each.columns}": count_older(each) for each in list_renewables()}
    return {name: count for name, count in counted.items() if count}


def keep_everything(clock):
    """Put one of everything under the old key, and return how to see that each still works."""
    phone = make_phone(GUARDIAN, now=clock())
    device_id = phone.id
    code = code_on(device_id, now=clock())
    new_password = rotate_password(username="Mull", now=clock())
    note_number(GONE)
    db.session.execute(update(IssuedNumber).where(IssuedNumber.token.in_(tokens_of(GONE))).values(gone_at=clock()))
    for name, (table, values) in SEALED_ELSEWHERE.items():
        column = name.partition(".")[2]
        if table in (LibraryQueue, Staff):
            # Of one row that is there.
            one = table.library_id == ("Mull" if table is Staff else "2023500")
            db.session.execute(update(table).where(one).values({column: vault.seal(SECRET, column=name)}))
        else:
            own = {"device_id": device_id} if table is PushSubscription else {}
            db.session.execute(insert(table).values({column: vault.seal(SECRET, column=name)} | values | own))
    db.session.commit()
    keep_a_log(now=clock())

    def works() -> bool:
        for patron in PATRONS:
            number = parse_national_id(patron.national_id, today=START.date(), allow_synthetic=True)
            assert find_by_national_id(number) == patron_id(patron.card_number)
            with pytest.raises(NumberWasIssued):
                note_number(patron.card_number)
            db.session.rollback()
        assert is_gone(GONE)
        db.session.rollback()
        for machine in MACHINES:
            enter(machine.username, machine.password, now=clock())
        enter("Mull", new_password, now=clock())
        for desk in DESKS:
            clock.turn(seconds=30)
            totp = pyotp.TOTP(desk.totp_secret).at(clock())
            sign_in_staff(username=desk.username, password=desk.password, code=totp, address="203.0.113.9", now=clock())
        assert show_codes(device_id=device_id, now=START)[0].digits == code
        db.session.rollback()
        for name, (table, _) in SEALED_ELSEWHERE.items():
            column = table.__table__.c[name.partition(".")[2]]
            opened = [vault.open(sealed, column=name) for sealed in db.session.scalars(select(column)) if sealed]
            assert SECRET in opened, name
        db.session.rollback()
        seal_all()
        *_, log = verify(kept={}, is_complete=False)
        assert (log.findings, log.removals, log.roots) == ([], 1, 1)
        return True

    return works


def keep_a_log(*, now):
    """Fill the tables of the access log: looks, a record of one that went, and a signed root."""
    viewer = Viewer(role="staff", actor="desk-2023500", library_id="2023500")
    for fields in ("name", "name, age"):
        log_access(patron_id=patron_id(GUARDIAN), viewer=viewer, purpose="counter", fields=fields, now=now)
    seal_all()
    gone = delete(AccessLogEntry).where(AccessLogEntry.fields == "name").returning(AccessLogEntry.id)
    note_removal(entry_ids=db.session.scalars(gone).all(), why="retention", now=now)
    db.session.commit()
    make_root(now=now)


def tokens_of(card_number):
    return list(vault.tokens(purpose="card number", text=card_number).values())


def enter(username, password, *, now):
    sign_in_machine(username=username, password=password, address="203.0.113.7", now=now)
