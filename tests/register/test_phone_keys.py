"""Keys that a phone holds: both ends work out the same one, it lasts 90 days, and ends with whatever it hangs on."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.register.card.cards import report_found, report_lost, revoke_device, show_codes
from app.register.card.carrying import carry_cards, list_carried
from app.register.card.families import give_permission, let_carry, list_given, switch, withdraw_permission
from app.register.card.phone_keys import (
    LASTS,
    NoSuchCard,
    NotAPublicKey,
    agree_on_key,
    derive_key,
    end_phone_keys,
    list_phone_keys,
)
from app.register.card.pin_changes import choose_pin, draw_pin
from app.register.card.scans import scan
from app.register.change.deaths import report_death
from app.register.change.freezing import freeze_card, thaw_card
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.sessions import OWN_DEVICE, start_session
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.rules.card.code import step_at, totp_at
from app.rules.card.scan import Reason
from tests.conftest import START
from tests.register.people import CHILD, GUARDIAN, ULLENSAKER, code_on, make_phone, patron_id, terminal


class Phone:
    """The phone's end of the agreement, in Python."""

    def __init__(self, card_number: str, *, now, token: str = "a phone's token") -> None:
        self.owner = patron_id(card_number)
        self.device_id = make_phone(card_number, now=now, token=token).id
        _token, signed_in = start_session(patron_id=self.owner, device_id=self.device_id, lasting=OWN_DEVICE, now=now)
        self.session_id = signed_in.id
        db.session.commit()
        self.heads: dict[int | None, str] = {}
        self.keys: dict[int | None, bytes] = {}

    def agrees(self, *, now, permission: int | None = None) -> None:
        db.session.rollback()
        private = ec.generate_private_key(ec.SECP256R1())
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        agreed = agree_on_key(
            owner_id=self.owner,
            device_id=self.device_id,
            session_id=self.session_id,
            permission_id=permission,
            public_key=public,
            former=self.heads.get(permission),
            now=now,
        )
        db.session.commit()
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), agreed.public_key)
        shared = private.exchange(ec.ECDH(), theirs)
        key = derive_key(shared, public_keys=public + agreed.public_key, number=agreed.head[3:15])
        assert totp_at(key=key, step=0) == agreed.check
        self.heads[permission], self.keys[permission] = agreed.head, key

    def shows(self, *, now, permission: int | None = None) -> str:
        return self.heads[permission] + totp_at(key=self.keys[permission], step=step_at(now))


def reason(code: str, *, now) -> Reason | None:
    db.session.rollback()
    return getattr(scan(payload=code, terminal=terminal(), now=now), "reason", None)


@pytest.fixture(name="phone")
def enrolled_phone(clock) -> Phone:
    made = Phone(GUARDIAN, now=clock())
    made.agrees(now=clock())
    return made


@pytest.fixture(name="permission")
def standing_permission(clock) -> int:
    """The child lets the guardian carry its card, and the guardian has switched that on."""
    give_permission(patron_id=patron_id(CHILD), guardian_card_number=GUARDIAN, may_carry_card=True, now=clock())
    db.session.commit()
    (given,) = list_given(patron_id=patron_id(CHILD))
    switch(guardian_id=patron_id(GUARDIAN), permission_id=given.id, on=True, now=clock())
    db.session.commit()
    return given.id


@pytest.fixture(name="carrying")
def carrying_phone(phone, permission, clock) -> Phone:
    phone.agrees(now=clock(), permission=permission)
    return phone


def test_what_the_phone_works_out_by_itself_is_accepted_once(phone, clock):
    assert reason(phone.shows(now=clock()), now=clock()) is None
    elsewhere = scan(payload=phone.shows(now=clock()), terminal=terminal(2), now=clock())
    assert elsewhere.reason is Reason.REPLAY


def test_the_servers_own_code_for_the_device_goes_on_beside_it(phone, clock):
    drawn = code_on(phone.device_id, now=clock())
    assert drawn[:16] != phone.heads[None]
    assert reason(drawn, now=clock()) is None
    assert reason(phone.shows(now=clock()), now=clock()) is None


def test_it_lasts_ninety_days_and_not_a_second_longer(phone, clock):
    clock.turn(seconds=LASTS.total_seconds() - 1)
    assert reason(phone.shows(now=clock()), now=clock()) is None
    clock.turn(seconds=1)
    assert reason(phone.shows(now=clock()), now=clock()) is Reason.EXPIRED


def test_it_asks_to_be_renewed_after_thirty_days(phone, clock):
    assert [key.renew for key in list_phone_keys(device_id=phone.device_id, now=clock())] == [False]
    clock.turn(days=30)
    assert [key.renew for key in list_phone_keys(device_id=phone.device_id, now=clock())] == [True]
    phone.agrees(now=clock())
    assert [key.renew for key in list_phone_keys(device_id=phone.device_id, now=clock())] == [False, True]
    assert reason(phone.shows(now=clock()), now=clock()) is None


def test_a_phone_that_never_got_the_answer_goes_on_with_its_former_key_for_a_day(phone, clock):
    former = phone.heads[None], phone.keys[None]
    phone.agrees(now=clock())
    phone.heads[None], phone.keys[None] = former
    clock.turn(days=1, seconds=-30)
    assert reason(phone.shows(now=clock()), now=clock()) is None
    clock.turn(seconds=30)
    assert reason(phone.shows(now=clock()), now=clock()) is Reason.EXPIRED


def test_keys_that_no_phone_names_any_more_are_revoked(phone, clock):
    lost = phone.shows(now=clock())
    del phone.heads[None]
    phone.agrees(now=clock())
    assert reason(lost, now=clock()) is Reason.REVOKED
    assert len(list_phone_keys(device_id=phone.device_id, now=clock())) == 1


def test_a_lost_phone_takes_its_keys_with_it(carrying, permission, clock):
    revoke_device(patron_id=patron_id(GUARDIAN), device_id=carrying.device_id, now=clock())
    db.session.commit()
    assert reason(carrying.shows(now=clock()), now=clock()) is Reason.REVOKED
    assert reason(carrying.shows(now=clock(), permission=permission), now=clock()) is Reason.REVOKED


def test_signing_out_ends_the_keys_and_leaves_the_servers_own(carrying, permission, clock):
    end_phone_keys(device_id=carrying.device_id, now=clock())
    db.session.commit()
    assert list_phone_keys(device_id=carrying.device_id, now=clock()) == []
    assert reason(carrying.shows(now=clock(), permission=permission), now=clock()) is Reason.REVOKED
    assert reason(code_on(carrying.device_id, now=clock()), now=clock()) is None


def test_a_new_pin_ends_the_keys_on_every_other_phone(carrying, permission, clock):
    other = Phone(GUARDIAN, now=clock(), token="another phone's token")
    other.agrees(now=clock())
    choose_pin(patron_id=other.owner, pin="6037", session_id=other.session_id, now=clock())
    db.session.commit()
    assert reason(carrying.shows(now=clock()), now=clock()) is Reason.REVOKED
    assert reason(carrying.shows(now=clock(), permission=permission), now=clock()) is Reason.REVOKED
    assert reason(other.shows(now=clock()), now=clock()) is None
    draw_pin(patron_id=other.owner, now=clock())
    db.session.commit()
    clock.turn(seconds=30)
    assert reason(other.shows(now=clock()), now=clock()) is Reason.REVOKED


def test_a_reported_death_takes_a_childs_card_off_the_guardians_phone(carrying, permission, clock):
    report_death(patron_id=carrying.owner, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert reason(carrying.shows(now=clock(), permission=permission), now=clock()) is Reason.REVOKED


@pytest.mark.parametrize("raw", [b"", b"\x04" * 65, b"\x04" + bytes(64), bytes(65), b"\x02" + bytes(32)])
def test_what_is_no_public_key_is_refused(phone, raw, clock):
    with pytest.raises(NotAPublicKey):
        agree_on_key(
            owner_id=phone.owner,
            device_id=phone.device_id,
            session_id=phone.session_id,
            permission_id=None,
            public_key=raw,
            former=None,
            now=clock(),
        )


def test_a_phone_agrees_a_hundred_times_a_day_at_most(phone, clock):
    for _ in range(99):
        phone.agrees(now=clock())
    with pytest.raises(TooManyAttempts):
        phone.agrees(now=clock())


# --- a child's card on a guardian's phone ---


def test_a_childs_card_is_the_childs_and_says_that_a_guardian_carries_it(carrying, permission, clock):
    accepted = scan(payload=carrying.shows(now=clock(), permission=permission), terminal=terminal(), now=clock())
    assert accepted.patron.card_number == CHILD
    assert accepted.patron.carried_by_guardian
    own = scan(payload=carrying.shows(now=clock()), terminal=terminal(), now=clock())
    assert own.patron.card_number == GUARDIAN
    assert not own.patron.carried_by_guardian


def end_by_withdrawing(permission, now):
    withdraw_permission(patron_id=patron_id(CHILD), permission_id=permission, now=now)


def end_by_the_child(permission, now):
    let_carry(patron_id=patron_id(CHILD), permission_id=permission, may=False, now=now)


def end_by_the_guardian(permission, now):
    switch(guardian_id=patron_id(GUARDIAN), permission_id=permission, on=False, now=now)


def end_by_freezing(permission, now):
    freeze_card(patron_id=patron_id(GUARDIAN), now=now)


def end_by_reporting_the_childs_card_lost(permission, now):
    report_lost(patron_id=patron_id(CHILD), now=now)


def end_by_the_childs_list_of_devices(permission, now):
    child = patron_id(CHILD)
    carried = db.select(Credential.device_id).where(Credential.patron_id == child, Credential.key_on_phone.is_(True))
    revoke_device(patron_id=child, device_id=db.session.scalars(carried).one(), now=now)


@pytest.mark.parametrize(
    "end",
    [
        end_by_withdrawing,
        end_by_the_child,
        end_by_the_guardian,
        end_by_freezing,
        end_by_reporting_the_childs_card_lost,
        end_by_the_childs_list_of_devices,
    ],
)
def test_either_side_ends_it_at_once_and_the_phone_gets_no_new_key(carrying, permission, clock, end):
    code = carrying.shows(now=clock(), permission=permission)
    end(permission, clock())
    db.session.commit()
    assert reason(code, now=clock()) is Reason.REVOKED
    with pytest.raises(NoSuchCard):
        carrying.agrees(now=clock(), permission=permission)
    db.session.rollback()


def test_the_guardians_own_card_stays_when_the_child_ends_it(carrying, permission, clock):
    end_by_the_childs_list_of_devices(permission, clock())
    db.session.commit()
    assert reason(carrying.shows(now=clock()), now=clock()) is None


def test_a_frozen_childs_card_is_neither_shown_nor_carried_until_it_is_thawed(carrying, permission, clock):
    child = patron_id(CHILD)
    freeze_card(patron_id=child, now=clock())
    db.session.commit()
    assert list_carried(guardian_id=carrying.owner) == []
    with pytest.raises(NoSuchCard):
        carrying.agrees(now=clock(), permission=permission)
    db.session.rollback()
    thaw_card(patron_id=child, now=clock())
    db.session.commit()
    assert [carried.patron_id for carried in list_carried(guardian_id=carrying.owner)] == [child]


def test_freezing_ends_the_keys_of_phones_and_thawing_brings_none_back(carrying, permission, clock):
    own, childs = carrying.shows(now=clock()), carrying.shows(now=clock(), permission=permission)
    for frozen in (carrying.owner, patron_id(CHILD)):
        freeze_card(patron_id=frozen, now=clock())
        db.session.commit()
        with pytest.raises(NoSuchCard):
            carrying.agrees(now=clock(), permission=None if frozen == carrying.owner else permission)
        db.session.rollback()
        thaw_card(patron_id=frozen, now=clock())
        db.session.commit()
    assert {reason(own, now=clock()), reason(childs, now=clock())} == {Reason.REVOKED}
    assert list_phone_keys(device_id=carrying.device_id, now=clock()) == []
    for again in (None, permission):
        carrying.agrees(now=clock(), permission=again)
    assert len(list_phone_keys(device_id=carrying.device_id, now=clock())) == 2


def test_a_childs_card_that_the_server_draws_goes_with_the_logging_out_too(carrying, permission, clock):
    child = patron_id(CHILD)
    carry_cards(guardian_id=carrying.owner, device_id=carrying.device_id, expires_at=START + LASTS, now=clock())
    db.session.commit()
    (code,) = show_codes(device_id=carrying.device_id, patron_id=child, now=clock())
    assert reason(code.digits, now=clock()) is None
    end_phone_keys(device_id=carrying.device_id, now=clock())
    db.session.commit()
    assert show_codes(device_id=carrying.device_id, patron_id=child, now=clock()) == []
    assert reason(code.digits, now=clock()) is Reason.REVOKED


def test_a_phone_may_keep_no_key_that_has_ended(phone, clock):
    assert len(list_phone_keys(device_id=phone.device_id, now=START + LASTS - timedelta(seconds=1))) == 1
    assert list_phone_keys(device_id=phone.device_id, now=START + LASTS) == []


def test_a_childs_card_that_is_found_again_must_be_put_on_the_guardians_phone_anew(carrying, permission, clock):
    report_lost(patron_id=patron_id(CHILD), now=clock())
    db.session.commit()
    report_found(patron_id=patron_id(CHILD), now=clock())
    db.session.commit()
    assert reason(carrying.shows(now=clock(), permission=permission), now=clock()) is Reason.REVOKED
    carrying.agrees(now=clock(), permission=permission)
    assert reason(carrying.shows(now=clock(), permission=permission), now=clock()) is None


@pytest.mark.parametrize(("may_carry", "switched_on"), [(False, True), (True, False), (False, False)])
def test_nobody_carries_a_card_without_both_sides(phone, clock, may_carry, switched_on):
    give_permission(patron_id=patron_id(CHILD), guardian_card_number=GUARDIAN, may_carry_card=may_carry, now=clock())
    db.session.commit()
    (given,) = list_given(patron_id=patron_id(CHILD))
    switch(guardian_id=patron_id(GUARDIAN), permission_id=given.id, on=switched_on, now=START)
    db.session.commit()
    with pytest.raises(NoSuchCard):
        phone.agrees(now=clock(), permission=given.id)
    db.session.rollback()


def test_a_permission_of_somebody_else_carries_nothing(permission, clock):
    stranger = Phone(CHILD, now=clock(), token="another phone's token")
    for number in (permission, permission + 1000):
        with pytest.raises(NoSuchCard):
            stranger.agrees(now=clock(), permission=number)
        db.session.rollback()


def test_the_key_is_not_in_the_database(phone, clock):
    sealed = db.session.scalars(db.select(Credential.sealed_key)).all()
    db.session.rollback()
    assert phone.keys[None] not in b"".join(sealed)
    assert timedelta(days=90) == LASTS
