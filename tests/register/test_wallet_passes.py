"""Passes in wallets: each a credential of its own, which ends with whatever ends the patron's others."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.register.card.cards import report_found, report_lost, revoke_device
from app.register.card.scans import Accepted, scan
from app.register.card.sign_ins import end_other_sign_ins
from app.register.card.wallet_passes import (
    ROTATING_LASTS,
    STATIC_LASTS,
    StaticCodesNotAllowed,
    WalletPass,
    allowed_passes,
    issue_pass,
)
from app.register.change.freezing import freeze_card, thaw_card
from app.register.leaving.erasure import erase_patron
from app.register.limits.budgets import TooManyAttempts
from app.register.log.access_log import Terminal
from app.register.patron.libraries import change_setting
from app.register.patron.patrons import NoSuchPatron
from app.register.sign_in.devices import list_devices
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.messages import Message
from app.rules.card.code import Kind, step_at, totp_at
from app.rules.card.scan import Reason
from app.rules.card.status import CardRefused
from tests.register.people import GUARDIAN, MULLSJO, ULLENSAKER, make_phone, patron_id, terminal


def rotating(clock, *, channel: str | None = None) -> WalletPass:
    db.session.rollback()
    made = issue_pass(kind=Kind.ROTATING, patron_id=patron_id(GUARDIAN), channel=channel, now=clock())
    db.session.commit()
    return made


def static(clock) -> WalletPass:
    db.session.rollback()
    made = issue_pass(kind=Kind.STATIC, patron_id=patron_id(GUARDIAN), channel=None, now=clock())
    db.session.commit()
    return made


def allow(library_id: str = ULLENSAKER, *, allowed: bool = True) -> None:
    change_setting(library_id=library_id, name="static_codes", value=allowed)
    db.session.commit()


def shown(made: WalletPass, clock) -> str:
    if made.head.startswith("922"):
        return made.head
    return made.head + totp_at(key=made.key, step=step_at(clock()))


def answer(made: WalletPass, clock, *, at: Terminal | None = None) -> Reason | str:
    """Return why a terminal refuses the pass, or the label of the device that it accepts."""
    db.session.rollback()
    found = scan(payload=shown(made, clock), terminal=at or terminal(), now=clock())
    return found.patron.device_label if isinstance(found, Accepted) else found.reason


def labels(clock) -> list[str]:
    return [device.label for device in list_devices(patron_id=patron_id(GUARDIAN), now=clock())]


def test_a_rotating_pass_has_a_number_and_a_key_that_no_other_device_has(clock):
    phone = make_phone(GUARDIAN, now=clock())
    first, second = rotating(clock), rotating(clock)
    credentials = db.session.scalars(select(Credential).where(Credential.patron_id == patron_id(GUARDIAN))).all()
    assert len({credential.number for credential in credentials}) == len(credentials) == 3
    assert len({bytes(credential.sealed_key) for credential in credentials}) == 3
    assert first.key != second.key
    assert len(first.key) == 20
    assert phone.id not in {credential.device_id for credential in credentials if credential.key_on_phone}


def test_a_rotating_pass_is_accepted_and_named_for_a_year(clock):
    made = rotating(clock)
    assert answer(made, clock) == "Google Wallet"
    clock.turn(seconds=(ROTATING_LASTS - timedelta(minutes=1)).total_seconds())
    assert answer(made, clock) == "Google Wallet"
    clock.turn(seconds=60)
    assert answer(made, clock) is Reason.EXPIRED


def test_a_static_pass_is_accepted_for_90_days_where_the_library_takes_such_codes(clock):
    allow()
    made = static(clock)
    assert len(made.head) == 16
    assert answer(made, clock) == "Apple Wallet"
    clock.turn(seconds=(STATIC_LASTS - timedelta(minutes=1)).total_seconds())
    assert answer(made, clock) == "Apple Wallet"
    clock.turn(seconds=60)
    assert answer(made, clock) is Reason.EXPIRED


def test_a_static_pass_is_refused_elsewhere_and_at_home_once_the_library_takes_them_no_more(clock):
    allow()
    made = static(clock)
    assert answer(made, clock, at=terminal(library_id=MULLSJO)) is Reason.STATIC_FORBIDDEN
    allow(allowed=False)
    assert answer(made, clock) is Reason.STATIC_FORBIDDEN
    with pytest.raises(StaticCodesNotAllowed):
        static(clock)


def test_a_library_that_takes_no_static_codes_has_no_static_passes(clock):
    assert not allowed_passes(patron_id=patron_id(GUARDIAN)).static
    with pytest.raises(StaticCodesNotAllowed):
        static(clock)
    db.session.rollback()
    assert db.session.scalar(select(Credential.id).where(Credential.kind == Kind.STATIC.value)) is None


def test_passes_are_listed_among_the_devices_and_each_is_revoked_alone(clock):
    allow()
    make_phone(GUARDIAN, now=clock())
    google, apple = rotating(clock), static(clock)
    listed = list_devices(patron_id=patron_id(GUARDIAN), now=clock())
    wallets = {device.label: device.id for device in listed if device.is_wallet}
    assert set(wallets) == {"Google Wallet", "Apple Wallet"}
    assert len(listed) == 3
    revoke_device(patron_id=patron_id(GUARDIAN), device_id=wallets["Apple Wallet"], now=clock())
    db.session.commit()
    assert answer(apple, clock) is Reason.REVOKED
    assert answer(google, clock) == "Google Wallet"
    assert "Apple Wallet" not in labels(clock)


def test_the_pass_before_lasts_a_day_more(clock):
    first = rotating(clock)
    second = rotating(clock)
    assert answer(first, clock) == "Google Wallet"
    clock.turn(days=1)
    assert answer(first, clock) is Reason.EXPIRED
    assert answer(second, clock) == "Google Wallet"
    assert labels(clock) == ["Google Wallet"]


def test_a_pass_in_one_wallet_does_not_end_that_in_the_other(clock):
    allow()
    google = rotating(clock)
    static(clock)
    clock.turn(days=2)
    assert answer(google, clock) == "Google Wallet"


def test_passes_that_take_each_others_place_have_the_same_holder_which_names_nobody(clock):
    first, second = rotating(clock), rotating(clock)
    assert first.holder == second.holder
    assert len(first.holder) == 32
    assert GUARDIAN[1:] not in first.holder


@pytest.mark.parametrize("ended", ["lost", "signed out elsewhere"])
def test_passes_end_with_the_patrons_other_devices(clock, ended):
    made, owner = rotating(clock), patron_id(GUARDIAN)
    if ended == "lost":
        report_lost(patron_id=owner, now=clock())
    else:
        end_other_sign_ins(patron_id=owner, session_id=0, here=None, now=clock())
    db.session.commit()
    assert answer(made, clock) is Reason.REVOKED
    if ended == "lost":
        report_found(patron_id=owner, now=clock())
        db.session.commit()
        assert answer(made, clock) is Reason.REVOKED


def test_freezing_ends_a_pass_for_good_and_a_new_one_is_made_after_thawing(clock):
    made, owner = rotating(clock), patron_id(GUARDIAN)
    freeze_card(patron_id=owner, now=clock())
    db.session.commit()
    assert answer(made, clock) is Reason.REVOKED
    with pytest.raises(CardRefused):
        rotating(clock)
    db.session.rollback()
    thaw_card(patron_id=owner, now=clock())
    db.session.commit()
    assert answer(made, clock) is Reason.REVOKED
    assert answer(rotating(clock), clock) == "Google Wallet"


def test_nothing_is_left_of_the_passes_of_somebody_who_is_erased(clock):
    made, owner = rotating(clock), patron_id(GUARDIAN)
    erase_patron(patron_id=owner, reason="asked", now=clock())
    db.session.commit()
    assert answer(made, clock) is Reason.UNKNOWN
    with pytest.raises(NoSuchPatron):
        issue_pass(kind=Kind.ROTATING, patron_id=owner, channel=None, now=clock())


def test_nobody_gets_a_pass_for_a_card_that_is_lost(clock):
    report_lost(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    with pytest.raises(CardRefused):
        rotating(clock)


def test_ten_passes_a_day_are_enough(clock):
    for _ in range(10):
        rotating(clock)
    with pytest.raises(TooManyAttempts):
        rotating(clock)
    clock.turn(days=1)
    rotating(clock)


def test_the_patron_is_told_of_a_pass_where_a_machine_can_tell_them(clock):
    rotating(clock)
    assert db.session.scalars(select(Message.kind)).all() == []
    rotating(clock, channel="email")
    assert db.session.execute(select(Message.kind, Message.channel)).all() == [("new-wallet", "email")]


def test_the_key_of_a_pass_is_in_no_text_of_it(clock):
    made = rotating(clock)
    assert made.key.hex() not in repr(made)
    assert repr(made.key) not in repr(made)
