"""An act that is asked for again because its answer was lost is done once, on SQLite and on PostgreSQL."""

import pytest

from circulation.lending.patrons import drop_keys
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building

KEY = "0123456789abcdef0123456789abcdef"


def test_a_return_that_is_asked_for_again_does_not_end_the_next_patrons_loan(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.act("loans/return", barcode="1001", idempotency_key=KEY, **STAFF)
    mull.lend("1001", BERIT)
    assert mull.refuse("loans/return", barcode="1001", idempotency_key=KEY, **STAFF) == "done_before"
    assert len(mull.patron(BERIT)["loans"]) == 1


def test_a_check_out_that_is_asked_for_again_lends_nothing_that_has_come_back(mull: Building) -> None:
    mull.stock("1001")
    mull.act("loans/checkout", card_number=ANNA, barcode="1001", idempotency_key=KEY)
    mull.act("loans/return", barcode="1001", **STAFF)
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="1001", idempotency_key=KEY) == "done_before"
    assert mull.patron()["loans"] == []


def test_an_act_that_was_refused_may_be_asked_for_again(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001", BERIT)
    again = {"card_number": ANNA, "barcode": "1001", "idempotency_key": KEY}
    assert mull.refuse("loans/checkout", **again) == "on_loan"
    mull.act("loans/return", barcode="1001", **STAFF)
    assert not mull.act("loans/checkout", **again)["repeated"]


def test_staff_are_told_whether_an_act_was_done(mull: Building) -> None:
    mull.stock("1001")
    asked = {"barcode": "1001", "idempotency_key": KEY, **STAFF}
    assert not mull.act("items/show", **asked)["done"]
    mull.act("loans/checkout", card_number=ANNA, barcode="1001", idempotency_key=KEY)
    assert mull.act("items/show", **asked)["done"]


@pytest.mark.parametrize(("days", "kept"), [(0, 1), (1, 1), (2, 0)])
def test_a_key_says_nothing_but_its_day_and_is_forgotten_after_a_day(mull: Building, days: int, kept: int) -> None:
    mull.stock("1001")
    mull.act("loans/checkout", card_number=ANNA, barcode="1001", idempotency_key=KEY)
    assert mull.rows()["done_acts"] == [(KEY, mull.today())]
    mull.clock.turn(days=days)
    drop_keys(database=mull.database, policy=mull.policy, now=mull.clock())
    assert len(mull.rows()["done_acts"]) == kept
