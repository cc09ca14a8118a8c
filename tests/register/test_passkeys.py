"""Passkeys in the register: who has which, and what takes them away."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.register.card.cards import replace_card, report_found, report_lost
from app.register.card.pin_changes import choose_pin, draw_pin
from app.register.change.deaths import report_death, withdraw_death_report
from app.register.change.freezing import freeze_card
from app.register.leaving.own_data import read_own_data
from app.register.sign_in.ceremonies import PasskeyRefused, creation_options
from app.register.sign_in.devices import admit_device
from app.register.sign_in.passkeys import (
    MOST,
    NoSuchPasskey,
    TooManyPasskeys,
    add_passkey,
    check_new_passkey,
    handle_for,
    list_passkeys,
    remove_passkey,
    rename_passkey,
)
from app.register.sign_in.sessions import OWN_DEVICE, start_session
from app.register.store.transaction import db, writing
from app.register.tables.devices import Passkey
from tests.authenticator import Authenticator
from tests.register.passkeys import ADDRESS, PARTY, add, draw_challenge, kinds, sign
from tests.register.people import CHILD, GUARDIAN, ULLENSAKER, count_rows, erase, patron_id


def test_a_passkey_signs_its_patron_in_without_any_number(clock):
    phone = Authenticator()
    add(phone, now=clock())

    clock.turn(seconds=86_400)

    assert sign(phone, now=clock()) == patron_id(GUARDIAN)
    (shown,) = list_passkeys(patron_id=patron_id(GUARDIAN))
    assert (shown.label, shown.backed_up, shown.last_used_on) == ("Firefox, Android", True, clock().date())


def test_its_owner_is_told_when_one_is_added_and_when_it_is_removed(clock):
    add(Authenticator(), now=clock())
    (shown,) = list_passkeys(patron_id=patron_id(GUARDIAN))
    with writing():
        remove_passkey(patron_id=patron_id(GUARDIAN), passkey_id=shown.id, now=clock())

    assert kinds() == ["passkey-added", "passkey-removed"]


def test_a_removed_passkey_is_refused_from_that_second_on(clock):
    phone = Authenticator()
    add(phone, now=clock())
    (shown,) = list_passkeys(patron_id=patron_id(GUARDIAN))
    with writing():
        remove_passkey(patron_id=patron_id(GUARDIAN), passkey_id=shown.id, now=clock())

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())
    with pytest.raises(NoSuchPasskey), writing():
        remove_passkey(patron_id=patron_id(GUARDIAN), passkey_id=shown.id, now=clock())


def test_nobody_removes_or_renames_a_passkey_of_somebody_else(clock):
    add(Authenticator(), now=clock())
    (shown,) = list_passkeys(patron_id=patron_id(GUARDIAN))

    with pytest.raises(NoSuchPasskey), writing():
        remove_passkey(patron_id=patron_id(CHILD), passkey_id=shown.id, now=clock())
    with pytest.raises(NoSuchPasskey), writing():
        rename_passkey(patron_id=patron_id(CHILD), passkey_id=shown.id, label="mine")
    assert list_passkeys(patron_id=patron_id(GUARDIAN)) == [shown]


def test_each_of_two_phones_is_removed_alone(clock):
    phone, tablet = Authenticator(), Authenticator()
    add(phone, now=clock(), label="phone")
    add(tablet, now=clock(), label="tablet")
    newest, oldest = list_passkeys(patron_id=patron_id(GUARDIAN))
    assert (newest.label, oldest.label) == ("tablet", "phone")
    with writing():
        remove_passkey(patron_id=patron_id(GUARDIAN), passkey_id=oldest.id, now=clock())

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())
    assert sign(tablet, now=clock()) == patron_id(GUARDIAN)


def test_a_phone_holds_the_passkeys_of_a_child_and_its_guardian_apart(clock):
    phone = Authenticator()
    add(phone, GUARDIAN, now=clock())
    add(phone, CHILD, now=clock())
    guardians, childs = phone.passkeys

    assert guardians.user_handle != childs.user_handle
    assert sign(phone, now=clock(), passkey=guardians) == patron_id(GUARDIAN)
    assert sign(phone, now=clock(), passkey=childs) == patron_id(CHILD)
    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock(), passkey=guardians, owner=CHILD)


def test_the_user_handle_is_random_and_the_same_for_all_of_a_patrons_passkeys(clock):
    phone, tablet = Authenticator(), Authenticator()
    add(phone, now=clock())
    add(tablet, now=clock())

    assert phone.passkeys[0].user_handle == tablet.passkeys[0].user_handle
    assert handle_for(patron_id=patron_id(CHILD)) != handle_for(patron_id=patron_id(CHILD))


def test_a_phone_is_asked_to_make_no_second_passkey(clock):
    phone = Authenticator()
    add(phone, now=clock())

    with pytest.raises(AssertionError, match="InvalidStateError"):
        add(phone, now=clock())


def test_a_patron_has_a_few_passkeys_at_most(clock):
    for _ in range(MOST):
        add(Authenticator(), now=clock())

    with pytest.raises(TooManyPasskeys):
        add(Authenticator(), now=clock())
    assert count_rows("passkeys") == MOST


def test_one_that_is_registered_is_not_registered_again(clock):
    phone, challenge, owner = Authenticator(), draw_challenge(), patron_id(GUARDIAN)
    options = creation_options(PARTY, handle=handle_for(patron_id=owner), name="Kari", known=[], challenge=challenge)
    answer = phone.create(options)
    db.session.rollback()
    created = check_new_passkey(answer=answer, challenge=challenge, party=PARTY, address=ADDRESS, now=clock())
    with writing():
        add_passkey(patron_id=owner, handle="a", created=created, label="a", now=clock())

    with pytest.raises(PasskeyRefused), writing():
        add_passkey(patron_id=patron_id(CHILD), handle="b", created=created, label="b", now=clock())
    assert [row.patron_id for row in db.session.scalars(select(Passkey))] == [owner]


def test_a_lost_card_takes_its_passkeys_with_it_and_a_replaced_one_does_not(clock):
    phone = Authenticator()
    add(phone, now=clock())
    with writing():
        replace_card(patron_id=patron_id(GUARDIAN), now=clock())
    replaced = sign(phone, now=clock())
    with writing():
        report_lost(patron_id=replaced, now=clock())

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())
    with writing():
        report_found(patron_id=replaced, now=clock())
    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())
    assert count_rows("passkeys") == 0


def test_with_a_frozen_card_one_signs_in_to_thaw_it(clock):
    phone = Authenticator()
    add(phone, now=clock())
    with writing():
        freeze_card(patron_id=patron_id(GUARDIAN), now=clock())

    assert sign(phone, now=clock()) == patron_id(GUARDIAN)


def test_nobody_signs_in_as_somebody_who_is_reported_dead(clock):
    phone = Authenticator()
    add(phone, now=clock())
    reported = {"patron_id": patron_id(GUARDIAN), "library_id": ULLENSAKER, "now": clock()}
    with writing():
        report_death(**reported)

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())
    with writing():
        withdraw_death_report(**reported)
    assert sign(phone, now=clock()) == patron_id(GUARDIAN)


def test_a_new_pin_by_a_link_removes_passkeys_and_one_that_was_changed_does_not(clock):
    phone, owner = Authenticator(), patron_id(GUARDIAN)
    add(phone, now=clock())
    with writing():
        device = admit_device(patron_id=owner, token="a phone's", label="Firefox, Android", now=clock())
        _, session = start_session(lasting=OWN_DEVICE, patron_id=owner, device_id=device.id, now=clock())
        choose_pin(patron_id=owner, pin="6071", session_id=session.id, now=clock())
    assert sign(phone, now=clock()) == owner
    with writing():
        draw_pin(patron_id=owner, now=clock())

    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())


def test_erasing_its_patron_leaves_nothing_of_a_passkey(clock):
    phone = Authenticator()
    add(phone, now=clock())
    erase(now=clock())

    assert count_rows("passkeys") == 0
    with pytest.raises(PasskeyRefused):
        sign(phone, now=clock())


def test_a_patron_reads_all_that_is_kept_of_a_passkey(clock):
    phone = Authenticator()
    add(phone, now=clock())

    (kept,) = read_own_data(patron_id=patron_id(GUARDIAN))["passkeys"]
    assert set(kept) == {column.name for column in Passkey.__table__.columns}
    assert kept["user_handle"] == phone.passkeys[0].user_handle


def test_a_use_of_a_passkey_is_a_use_of_the_card(clock):
    phone = Authenticator()
    add(phone, now=clock())
    clock.turn(seconds=timedelta(days=3).total_seconds())
    sign(phone, now=clock())

    used = read_own_data(patron_id=patron_id(GUARDIAN))["patrons"][0]["last_used_on"]
    assert used == clock().date()
