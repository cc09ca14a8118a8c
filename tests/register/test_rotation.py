"""A new key: everything that stood under the old one stands under the new, nothing is lost, and all of it works on."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import LargeBinary, insert, select, text, update

from app.config import read_settings
from app.demo.accounts import DESKS, MACHINES, PATRONS
from app.register.cards import show_codes
from app.register.machines import FORMER_PASSWORD, MachineRefused, rotate_password, sign_in_machine
from app.register.numbers import NumberWasIssued, is_gone, note_number
from app.register.patrons import find_by_national_id
from app.register.pins import Origin, SignInRefused, sign_in
from app.register.rotation import count_older, count_older_pins, list_renewables, renew
from app.register.staff import sign_in_staff
from app.register.tables import (
    Base,
    ContactChange,
    IssuedNumber,
    LibraryNotice,
    LibraryQueue,
    Machine,
    MachineAnswer,
    Message,
    NationalIdToken,
    PinOrder,
    Registration,
)
from app.register.transaction import db
from app.register.vault import Vault, vault
from app.rules.national_id import parse_national_id
from tests.conftest import START, VAULT_KEYS
from tests.register.people import GUARDIAN, LOST, PINS, code_on, make_phone, patron_id, read_register, reading

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
    "pin_orders.sealed_number": (PinOrder, {"asked_at": START}),
    "machine_answers.sealed_answer": (
        MachineAnswer,
        {"username": "Mull", "key_hash": "k" * 64, "request_hash": "r" * 64, "answered_at": START},
    ),
    "registrations.sealed_form": (
        Registration,
        {"kind": "own", "key_id": 1, "handle_hash": "h" * 64, "expires_at": START}
        | {"own_token": "0" * 64, "child_token": "1" * 64, "guardian_token": "2" * 64, "code_token": "3" * 64},
    ),
}


def restart_with(keys, app):
    """Put the register under other keys, as a restart with another VAULT_KEYS does."""
    app.extensions["vault"] = Vault(keys)


def rotate() -> int:
    return sum(rows for renewable in list_renewables() for rows in renew(renewable))


def left_behind() -> dict[str, int]:
    counted = {f"{each.table.name}: {each.columns}": count_older(each) for each in list_renewables()}
    return {name: count for name, count in counted.items() if count}


@pytest.fixture
def kept(app, clock):
    """One of everything that stands under the old key, and how to see that each still works."""
    phone = make_phone(GUARDIAN, now=clock())
    device_id = phone.id
    code = code_on(device_id, now=clock())
    new_password = rotate_password(username="Mull", now=clock())
    note_number(GONE)
    db.session.execute(update(IssuedNumber).where(IssuedNumber.token.in_(tokens_of(GONE))).values(gone_at=clock()))
    for name, (table, values) in SEALED_ELSEWHERE.items():
        column = name.partition(".")[2]
        if table is LibraryQueue:
            db.session.execute(
                update(table).where(table.library_id == "2023500").values({column: vault.seal(SECRET, column=name)})
            )
        else:
            db.session.execute(insert(table).values({column: vault.seal(SECRET, column=name)} | values))
    db.session.commit()

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
        return True

    return works


def tokens_of(card_number):
    return list(vault.tokens(purpose="card number", text=card_number).values())


def enter(username, password, *, now):
    sign_in_machine(username=username, password=password, address="203.0.113.7", now=now)


def test_everything_works_before_during_and_after_a_rotation(app, kept):
    assert kept()
    restart_with(NEW_KEYS, app)
    assert kept()
    for renewable in list_renewables():
        for _ in renew(renewable, batch=1):
            pass
        assert kept(), renewable.table.name
    assert left_behind() == {}


def test_after_a_rotation_not_one_token_or_seal_is_as_it_was(app, kept):
    before = values_under_keys()
    restart_with(NEW_KEYS, app)
    rotate()
    after = values_under_keys()
    assert before.keys() == after.keys()
    for place, values in before.items():
        assert len(after[place]) == len(values), place
        assert values, f"{place} was never filled, so nothing was proved"
        assert not values & after[place], place


def is_under_key(column) -> bool:
    """Tell a token or seal by the looks of it: 32 bytes in hex beside the number of a key, or bytes."""
    # A hash of what is random enough needs no key.
    is_long = getattr(column.type, "length", None) == 64 and not column.name.endswith("_hash")
    is_token = "key_id" in column.table.columns and is_long
    return is_token or isinstance(column.type, LargeBinary)


def values_under_keys():
    """Return what stands under a key, by column."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns if is_under_key(column)]
    with reading() as connection:
        return {
            str(column): set(connection.execute(select(column).where(column.is_not(None))).scalars())
            for column in columns
        }


def everything_else():
    with reading() as connection:
        return {
            table.name: sorted(
                map(repr, connection.execute(select(*(each for each in table.columns if not is_changed(each)))))
            )
            for table in Base.metadata.sorted_tables
        }


def is_changed(column) -> bool:
    return is_under_key(column) or (column.name == "key_id" and column.table.name != "pin_verifiers")


def test_a_rotation_changes_nothing_else_and_its_repetition_nothing_at_all(app, kept):
    before = everything_else()
    restart_with(NEW_KEYS, app)
    assert rotate() > 20
    assert everything_else() == before
    whole = read_register()
    assert rotate() == 0
    assert read_register() == whole


def test_a_rotation_under_one_key_has_nothing_to_do(kept):
    whole = read_register()
    assert rotate() == 0
    assert read_register() == whole


def test_three_generations_end_in_the_newest(app, kept, clock):
    restart_with(NEW_KEYS, app)
    rotate_half()
    restart_with(NEW_KEYS | {3: bytes(range(64, 96))}, app)
    assert kept()
    rotate()
    assert left_behind() == {}
    assert kept()


def rotate_half():
    for renewable in list_renewables():
        for _ in renew(renewable, batch=1):
            break


def test_a_former_password_ends_when_it_was_to_end_whatever_the_key(app, kept):
    restart_with(NEW_KEYS, app)
    rotate()
    former = next(machine.password for machine in MACHINES if machine.username == "Mull")
    end = START + FORMER_PASSWORD
    enter("Mull", former, now=end - timedelta(seconds=1))
    with pytest.raises(MachineRefused):
        enter("Mull", former, now=end)


def test_what_the_portal_changes_meanwhile_is_not_put_back(app, kept, clock):
    restart_with(NEW_KEYS, app)
    (machines,) = (each for each in list_renewables() if each.table is Machine.__table__)
    rounds = renew(machines, batch=1)
    next(rounds)
    password = rotate_password(username="Mull", now=clock())
    db.session.commit()
    for _ in rounds:
        pass
    enter("Mull", password, now=clock())


def test_a_row_that_is_locked_is_passed_by_and_renewed_in_the_next_round(app, kept, engine):
    if engine == "sqlite":
        return
    restart_with(NEW_KEYS, app)
    (ids,) = (each for each in list_renewables() if each.table is NationalIdToken.__table__)
    to_do = count_older(ids)
    with db.engine.connect() as other:
        other.execute(text("SELECT token FROM national_id_tokens ORDER BY token LIMIT 1 FOR UPDATE"))
        rounds = renew(ids)
        assert next(rounds) == to_do - 1
        other.rollback()
        assert sum(rounds) == 1
    assert count_older(ids) == 0


def test_what_cannot_be_opened_is_left_and_counted_and_holds_up_nothing(app, kept):
    # Sealed for another column.
    broken = vault.seal(b"x", column="nowhere")
    with db.engine.begin() as connection:
        connection.execute(update(PinOrder).values(sealed_number=broken))
    restart_with(NEW_KEYS, app)
    rotate()
    assert left_behind() == {"pin_orders: ('sealed_number',)": 1}


def test_two_tokens_of_one_number_are_left_as_they_are(app, kept):
    twice = vault.token(purpose="card number", text=LOST)
    restart_with(NEW_KEYS, app)
    with db.engine.begin() as connection:
        connection.execute(insert(IssuedNumber).values(token=vault.renew_token(twice, key_id=1), key_id=2))
    rotate()
    assert left_behind() == {"issued_numbers: ('token',)": 1}
    with pytest.raises(NumberWasIssued):
        note_number(LOST)


def test_pins_wait_for_their_owners_and_are_counted(app, kept):
    assert count_older_pins() == 0
    restart_with(NEW_KEYS, app)
    rotate()
    assert count_older_pins() == len(PATRONS)


def test_a_pin_stands_under_the_new_key_once_its_owner_has_signed_in(app, kept, clock):
    restart_with(NEW_KEYS, app)
    mine = {"card_number": GUARDIAN, "origin": Origin("203.0.113.7"), "now": clock()}
    with pytest.raises(SignInRefused):
        sign_in(pin="0000", **mine)
    assert count_older_pins() == len(PATRONS)
    assert {sign_in(pin=PINS[GUARDIAN], **mine) for _again in range(2)} == {patron_id(GUARDIAN)}
    assert count_older_pins() == len(PATRONS) - 1


# --- the command, in a process of its own that is killed ---

MANY = 3000


def key_line(keys) -> str:
    return ",".join(f"{number}:{key.hex()}" for number, key in keys.items())


def rotate_in_a_process(database_url, *options):
    settings = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "s" * 40,
        "VAULT_KEYS": key_line(NEW_KEYS),
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "library@example.org",
        "PUBLIC_URL": "https://card.example.org",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "keys", "rotate", *options],
        env=os.environ | settings,
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def older_rows() -> int:
    with reading() as connection:
        return connection.execute(
            text(
                "SELECT (SELECT count(*) FROM issued_numbers WHERE key_id = 1)"
                " + (SELECT count(*) FROM national_id_tokens WHERE key_id = 1)"
                " + (SELECT count(*) FROM machines WHERE key_id = 1)"
            )
        ).scalar_one()


def test_a_rotation_that_is_killed_in_the_middle_loses_nothing_and_goes_on_from_there(app, database_url, kept):
    numbers = [f"N400{person:06d}" for person in range(MANY)]
    with db.engine.begin() as connection:
        connection.execute(
            insert(IssuedNumber),
            [{"token": vault.token(purpose="card number", text=number), "key_id": 1} for number in numbers],
        )
    all_of_them = older_rows()
    restart_with(NEW_KEYS, app)

    process = rotate_in_a_process(database_url, "--batch", "3")
    while older_rows() > all_of_them - MANY // 10:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    left = older_rows()
    assert 0 < left < all_of_them
    assert kept()
    for number in numbers[:: MANY // 50]:
        with pytest.raises(NumberWasIssued):
            note_number(number)
        db.session.rollback()

    process = rotate_in_a_process(database_url)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert older_rows() == 0
    assert left_behind() == {}
    assert f"PINs under older keys, each renewed when its owner next signs in: {len(PATRONS)}" in printed
    assert kept()
    with reading() as connection:
        held = set(connection.execute(select(IssuedNumber.token)).scalars())
    assert {vault.token(purpose="card number", text=number) for number in numbers} <= held


def test_a_key_that_is_drawn_can_be_put_into_the_settings_as_it_stands(app):
    lines = [app.test_cli_runner().invoke(args=["keys", "new"]).output.strip() for _ in range(2)]
    assert lines[0] != lines[1]
    settings = {
        "VAULT_KEYS": f"{key_line(VAULT_KEYS)},{lines[0]}",
        "DATABASE_URL": "sqlite:///x",
        "SECRET_KEY": "s" * 32,
    }
    doors = {
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "library@example.org",
        "PUBLIC_URL": "https://card.example.org",
    }
    keys = read_settings(settings | doors).vault_keys
    assert list(keys) == [1, 2]
    assert keys[1] == VAULT_KEYS[1]
