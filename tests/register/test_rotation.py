"""A new key: everything that stood under the old one stands under the new, nothing is lost, and all of it works on."""

from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, insert, select, text, update

from app.demo.accounts import MACHINES, PATRONS
from app.register.keys.rotation import count_older, count_older_pins, list_renewables, renew
from app.register.keys.vault import vault
from app.register.patron.numbers import NumberWasIssued, note_number
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.staff.machines import FORMER_PASSWORD, MachineRefused, rotate_password
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.library import Machine
from app.register.tables.messages import PinOrder
from app.register.tables.patrons import IssuedNumber, NationalIdToken
from tests.conftest import START
from tests.register.people import GUARDIAN, LOST, PINS, patron_id, read_register, reading
from tests.register.rotating import NEW_KEYS, enter, left_behind, restart_with, rotate


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
    if column.table.name.startswith(("access_log", "key_proofs", "push_messages")):
        # Its proofs and links name their keys, and are never made anew. Notifications are encrypted for their browser.
        return False
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
