"""Copies go out and come back, on SQLite and on PostgreSQL."""

import pytest

from circulation.lending.holds import expire_holds
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building
from tests.searching import stands_in


def test_a_book_is_lent_for_four_weeks(mull: Building) -> None:
    mull.stock("1001")
    loan = mull.act("loans/checkout", card_number=ANNA, barcode="1001")["loan"]
    assert (loan["lent_on"], loan["due_on"]) == ("2026-03-02", "2026-03-30")
    assert mull.patron()["loans"] == [loan]


def test_checking_out_the_same_copy_again_changes_nothing(mull: Building) -> None:
    mull.stock("1001")
    first = mull.act("loans/checkout", card_number=ANNA, barcode="1001")
    before = mull.rows()
    again = mull.act("loans/checkout", card_number=ANNA, barcode="1001")
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["loan"] == first["loan"]
    assert mull.rows() == before


def test_a_copy_that_another_has_is_refused(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    assert mull.refuse("loans/checkout", card_number=BERIT, barcode="1001") == "on_loan"


def test_a_copy_of_another_library_is_unknown_here(mull: Building) -> None:
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="2001") == "unknown_item"
    assert mull.refuse("loans/return", barcode="2001") == "unknown_item"


def test_a_returned_loan_leaves_no_trace(mull: Building) -> None:
    mull.stock("1001")
    before = mull.rows()
    mull.lend("1001")
    back = mull.act("loans/return", barcode="1001")
    assert (back["overdue_fee"], back["debt"], back["card_number"]) == (0, None, ANNA)
    after = mull.rows()
    # How many loans there were that day is counted, of no card and no copy.
    assert {(kind, part, total) for _, kind, part, total in after.pop("daily_totals")} == {
        ("loan", "book", 1),
        ("return", "book", 1),
    }
    before.pop("daily_totals")
    assert after == before


def test_a_second_return_is_refused(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.act("loans/return", barcode="1001")
    assert mull.refuse("loans/return", barcode="1001") == "not_on_loan"


def test_a_late_return_leaves_an_amount_without_a_title(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=28 + 3)
    back = mull.act("loans/return", barcode="1001")
    assert back["overdue_fee"] == 600
    debt = back["debt"]
    assert set(debt) == {"debt_id", "kind", "amount", "outstanding", "incurred_on"}
    assert (debt["kind"], debt["amount"], debt["incurred_on"]) == ("overdue", 600, "2026-04-02")
    rows = mull.rows()
    assert rows["loans"] == rows["claims"] == rows["notices"] == []
    assert not stands_in("1001", repr(rows["debts"]))


def test_a_return_on_the_due_date_is_free(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=28)
    assert mull.act("loans/return", barcode="1001")["overdue_fee"] == 0


def test_renewing_counts_from_today(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.clock.turn(days=10)
    loan = mull.act("loans/renew", card_number=ANNA, loan_id=loan_id)["loan"]
    assert (loan["due_on"], loan["renewals_used"], loan["renewals_left"]) == ("2026-04-09", 1, 1)


def test_renewing_twice_on_one_day_uses_one_renewal(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.clock.turn(days=10)
    mull.act("loans/renew", card_number=ANNA, loan_id=loan_id)
    assert mull.refuse("loans/renew", card_number=ANNA, loan_id=loan_id) == "nothing_gained"


def test_another_patrons_loan_cannot_be_renewed(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.clock.turn(days=10)
    assert mull.refuse("loans/renew", card_number=BERIT, loan_id=loan_id) == "unknown_loan"


def test_an_overdue_loan_cannot_be_renewed(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.clock.turn(days=29)
    assert mull.refuse("loans/renew", card_number=ANNA, loan_id=loan_id) == "overdue"


def test_renewals_are_used_up(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    for _ in range(2):
        mull.clock.turn(days=10)
        mull.act("loans/renew", card_number=ANNA, loan_id=loan_id)
    mull.clock.turn(days=10)
    assert mull.refuse("loans/renew", card_number=ANNA, loan_id=loan_id) == "renewals_used_up"


def test_a_reserved_loan_cannot_be_renewed(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    mull.clock.turn(days=10)
    assert mull.refuse("loans/renew", card_number=ANNA, loan_id=loan_id) == "reserved"


def test_renew_all_renews_what_may_be_renewed_and_says_why_not(mull: Building) -> None:
    mull.stock("1001")
    mull.stock("1002", title="Vargarna vid Nässjön", category="dvd")
    mull.lend("1001")
    mull.lend("1002")
    mull.clock.turn(days=8)
    results = mull.act("loans/renew-all", card_number=ANNA)["results"]
    outcome = {result["loan"]["barcode"]: (result["renewed"], result["not_renewable_because"]) for result in results}
    assert outcome == {"1002": (False, "overdue"), "1001": (True, None)}


def test_a_returned_copy_is_set_aside_for_the_first_in_the_queue(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    hold = mull.act("holds/reserve", card_number=BERIT, barcode="1001")["hold"]
    assert (hold["ready"], hold["queue_position"]) == (False, 1)
    assert mull.act("loans/return", barcode="1001")["hold_waiting"]
    (hold,) = mull.patron(BERIT)["holds"]
    assert (hold["ready"], hold["queue_position"], hold["fetch_before"]) == (True, 0, "2026-03-09")
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="1001") == "reserved"
    mull.lend("1001", to=BERIT)
    rows = mull.rows()
    assert rows["holds"] == rows["notices"] == []


def test_a_free_copy_is_set_aside_at_once(mull: Building) -> None:
    mull.stock("1001")
    assert mull.act("holds/reserve", card_number=ANNA, barcode="1001")["hold"]["ready"]
    assert mull.refuse("loans/checkout", card_number=BERIT, barcode="1001") == "reserved"


def test_taking_another_copy_frees_the_one_that_waited(mull: Building) -> None:
    mull.stock("1001", "1002", edition="saga")
    mull.lend("1002", to=BERIT)
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    mull.act("loans/return", barcode="1002")
    mull.lend("1002")
    mull.lend("1001", to=BERIT)
    assert mull.rows()["holds"] == []


def test_a_cancelled_hold_passes_the_copy_on(mull: Building) -> None:
    mull.stock("1001")
    hold_id = mull.act("holds/reserve", card_number=ANNA, barcode="1001")["hold"]["hold_id"]
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    assert mull.refuse("holds/cancel", card_number=BERIT, hold_id=hold_id) == "unknown_hold"
    mull.act("holds/cancel", card_number=ANNA, hold_id=hold_id)
    (hold,) = mull.patron(BERIT)["holds"]
    assert hold["ready"]


def test_a_copy_that_nobody_fetches_passes_on(mull: Building) -> None:
    mull.stock("1001")
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    assert expire_holds(database=mull.database, policy=mull.policy, now=mull.clock.turn(days=7)) == 0
    assert expire_holds(database=mull.database, policy=mull.policy, now=mull.clock.turn(days=1)) == 1
    assert expire_holds(database=mull.database, policy=mull.policy, now=mull.clock()) == 0
    assert mull.patron(ANNA)["holds"] == []
    (hold,) = mull.patron(BERIT)["holds"]
    assert hold["ready"]


def test_holds_have_their_limits(mull: Building) -> None:
    barcodes = [str(number) for number in range(1001, 1012)]
    mull.stock(*barcodes)
    mull.lend("1001")
    assert mull.refuse("holds/reserve", card_number=ANNA, barcode="1001") == "already_on_loan_to_patron"
    for barcode in barcodes[1:]:
        mull.act("holds/reserve", card_number=ANNA, barcode=barcode)
    assert mull.refuse("holds/reserve", card_number=ANNA, barcode="1002") == "already_reserved"
    mull.stock("1099")
    assert mull.refuse("holds/reserve", card_number=ANNA, barcode="1099") == "too_many_holds"


@pytest.mark.parametrize("call", ["lost", "destroyed"])
def test_a_lost_or_destroyed_copy_is_charged(mull: Building, call: str) -> None:
    mull.stock("1001")
    mull.stock("1002", price=12300)
    for barcode in ("1001", "1002"):
        mull.lend(barcode)
    mull.clock.turn(days=30)
    answer = mull.act(f"loans/{call}", barcode="1001", **STAFF)
    assert [(debt["kind"], debt["amount"]) for debt in answer["debts"]] == [
        ("replacement_charge", 30000),
        ("overdue", 400),
    ]
    assert mull.act(f"loans/{call}", barcode="1002", **STAFF)["total"] == 12300 + 400
    assert mull.rows()["loans"] == []
    assert mull.refuse("loans/checkout", card_number=BERIT, barcode="1001") == "not_for_loan"
    assert mull.refuse("holds/reserve", card_number=BERIT, barcode="1001") == "not_for_loan"


def test_a_lost_copy_that_turns_up_goes_back_into_stock(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.act("loans/lost", barcode="1001", **STAFF)
    back = mull.act("loans/return", barcode="1001")
    assert (back["card_number"], back["debt"]) == (None, None)
    mull.lend("1001", to=BERIT)


def test_somebody_who_waits_for_a_copy_that_is_lost_keeps_the_place(mull: Building) -> None:
    mull.stock("1001", "1002", edition="saga")
    mull.lend("1002", to=BERIT)
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    mull.act("loans/lost", barcode="1001", **STAFF)
    (hold,) = mull.patron()["holds"]
    assert (hold["ready"], hold["queue_position"]) == (False, 1)
    assert mull.rows()["notices"] == []
    mull.act("loans/return", barcode="1002")
    (hold,) = mull.patron()["holds"]
    assert hold["ready"]


def test_a_copy_of_a_kind_that_the_policy_does_not_lend_is_refused(mull: Building) -> None:
    mull.stock("1001", category="map")
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="1001") == "not_for_loan"
