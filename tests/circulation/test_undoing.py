"""What was lent or returned by mistake a moment ago is as it was, on SQLite and on PostgreSQL."""

from typing import Any

import pytest

from circulation.lending.claims import run_claims
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building


def take_back(mull: Building, back: dict[str, Any], barcode: str = "1001") -> dict[str, Any]:
    """The call that undoes a return, with what the return answered."""
    kept = {name: back[name] for name in ("card_number", "lent_on", "due_on", "renewals")}
    debt = {"debt_id": back["debt"]["debt_id"]} if back["debt"] else {}
    return {**kept, **debt, "barcode": barcode, **STAFF}


def test_an_undone_check_out_leaves_no_trace(mull: Building) -> None:
    mull.stock("1001")
    before = mull.rows()
    mull.lend("1001")
    shown = mull.act("loans/undo-checkout", card_number=ANNA, barcode="1001", was_held=False, **STAFF)
    assert (shown["title"], shown["on_loan"]) == ("Gösta Berlings saga", False)
    assert mull.rows() == before


def test_a_check_out_that_ended_a_hold_is_undone_with_the_hold(mull: Building) -> None:
    mull.stock("1001")
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    lent = mull.act("loans/checkout", card_number=ANNA, barcode="1001")
    assert lent["hold_ended"]
    mull.act("loans/undo-checkout", card_number=ANNA, barcode="1001", was_held=True, **STAFF)
    assert [hold["ready"] for hold in mull.patron()["holds"]] == [True]
    assert [hold["ready"] for hold in mull.patron(BERIT)["holds"]] == [False]


def test_an_undone_check_out_goes_to_who_waits(mull: Building) -> None:
    mull.stock("1001", "1002", edition="saga")
    mull.lend("1001", BERIT)
    mull.lend("1002")
    mull.act("holds/reserve", card_number="N000200003", barcode="1001")
    mull.act("loans/undo-checkout", card_number=ANNA, barcode="1002", was_held=False, **STAFF)
    assert mull.act("items/show", barcode="1002", **STAFF)["hold"]["card_number"] == "N000200003"


@pytest.mark.parametrize("case", ["renewed", "yesterday", "another", "returned"])
def test_a_check_out_that_was_changed_since_is_not_undone(mull: Building, case: str) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001", BERIT if case == "another" else ANNA)
    if case in ("renewed", "yesterday"):
        mull.clock.turn(days=1)
    if case == "renewed":
        mull.act("loans/renew", card_number=ANNA, loan_id=loan_id)
    if case == "returned":
        mull.act("loans/return", barcode="1001")
    undo = {"card_number": ANNA, "barcode": "1001", "was_held": False}
    assert mull.refuse("loans/undo-checkout", **undo, **STAFF) == "cannot_undo"


def test_an_undone_return_is_the_loan_that_it_was(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    before = mull.patron()
    back = mull.act("loans/return", barcode="1001", **STAFF)
    assert back["undoable"]
    again = mull.act("loans/undo-return", **take_back(mull, back))["loan"]
    assert {**again, "loan_id": ""} == {**before["loans"][0], "loan_id": ""}


def test_the_fee_of_an_undone_late_return_is_gone(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=28 + 3)
    back = mull.act("loans/return", barcode="1001", **STAFF)
    assert back["overdue_fee"] == 600
    mull.act("loans/undo-return", **take_back(mull, back))
    patron = mull.patron()
    assert (patron["debts"], patron["running_fees"], len(patron["loans"])) == ([], 600, 1)


def test_a_return_whose_fee_was_paid_is_not_undone(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=28 + 3)
    back = mull.act("loans/return", barcode="1001", **STAFF)
    paid = {"card_number": ANNA, "amount": 600, "currency": "SEK", "idempotency_key": "payment-1"}
    mull.act("fees/pay", **paid, **STAFF)
    assert mull.refuse("loans/undo-return", **take_back(mull, back)) == "cannot_undo"


def test_a_return_is_not_undone_when_somebody_else_has_the_copy(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    back = mull.act("loans/return", barcode="1001", **STAFF)
    mull.lend("1001", BERIT)
    assert mull.refuse("loans/undo-return", **take_back(mull, back)) == "cannot_undo"


def test_who_waited_for_a_copy_waits_again_after_an_undone_return(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    back = mull.act("loans/return", barcode="1001", **STAFF)
    assert back["hold"]["card_number"] == BERIT
    mull.act("loans/undo-return", **take_back(mull, back))
    assert [hold["ready"] for hold in mull.patron(BERIT)["holds"]] == [False]
    assert mull.rows()["notices"] == []


def test_a_return_after_a_claim_is_not_offered_to_be_undone(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=28 + 40)
    run_claims(database=mull.database, policy=mull.policy, now=mull.clock())
    assert not mull.act("loans/return", barcode="1001", **STAFF)["undoable"]


def test_only_staff_see_for_whom_a_copy_is_set_aside(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    back = mull.act("loans/return", barcode="1001")
    assert (back["hold_waiting"], back["hold"]) == (True, None)
    assert mull.refuse("items/show", barcode="1001") == "staff_only"


def test_a_copy_is_shown_without_who_has_it(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    shown = mull.act("items/show", barcode="1001", **STAFF)
    assert (shown["on_loan"], shown["due_on"], shown["waiting"], shown["hold"]) == (True, "2026-03-30", 0, None)
    assert ANNA not in repr(shown)
    assert mull.refuse("items/show", barcode="2001", **STAFF) == "unknown_item"
