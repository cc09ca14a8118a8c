"""Money at the desk: payments, waivers, replacement cards and the blocks that follow."""

from circulation.policy.library import load_policy
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building

MULL = load_policy("Mull")


def owe(mull: Building, days_late: int, barcode: str = "1001") -> None:
    """A film that came back late: 10 kronor a day."""
    mull.stock(barcode, title="Vargarna vid Nässjön", category="dvd")
    mull.lend(barcode)
    mull.clock.turn(days=7 + days_late)
    mull.act("loans/return", barcode=barcode)


def pay(mull: Building, amount: int, key: str = "payment-1", card_number: str = ANNA) -> dict[str, object]:
    return mull.act("fees/pay", card_number=card_number, amount=amount, currency="SEK", idempotency_key=key, **STAFF)


def refuse_payment(mull: Building, amount: int, key: str = "payment-1", **changes: str) -> str:
    body = {"card_number": ANNA, "currency": "SEK", **STAFF, **changes}
    return mull.refuse("fees/pay", amount=amount, idempotency_key=key, **body)


def test_exactly_200_kronor_does_not_block_and_one_more_does(mull: Building) -> None:
    owe(mull, 20)
    assert mull.patron()["debt_total"] == 20000
    assert mull.patron()["blocks"] == []
    owe(mull, 1, "1002")
    assert mull.patron()["blocks"] == [{"reason": "debt", "amount": 21000}]


def test_a_block_lifts_when_enough_is_paid(mull: Building) -> None:
    owe(mull, 21)
    mull.stock("2", "3")
    answer = mull.post("loans/checkout", card_number=ANNA, barcode="2").get_json()
    assert (answer["code"], answer["blocks"]) == ("blocked", [{"reason": "debt", "amount": 21000}])
    assert mull.refuse("holds/reserve", card_number=ANNA, barcode="2") == "blocked"
    assert pay(mull, 1000)["debt_total"] == 20000
    mull.lend("2")


def test_fees_that_still_run_count_towards_the_block(mull: Building) -> None:
    mull.stock("1001", category="dvd")
    mull.stock("1002", "1003")
    mull.lend("1001")
    loan_id = mull.lend("1002")
    mull.clock.turn(days=7 + 20)
    assert mull.patron()["blocks"] == []
    mull.clock.turn(days=1)
    patron = mull.patron()
    assert (patron["debt_total"], patron["running_fees"]) == (0, 21000)
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="1003") == "blocked"
    assert mull.refuse("loans/renew", card_number=ANNA, loan_id=loan_id) == "blocked"


def test_a_payment_goes_to_the_oldest_debt_first(mull: Building) -> None:
    owe(mull, 2)
    owe(mull, 3, "1002")
    pay(mull, 2500)
    assert [(debt["amount"], debt["outstanding"]) for debt in mull.patron()["debts"]] == [(3000, 2500)]


def test_a_repeated_payment_is_one_payment(mull: Building) -> None:
    owe(mull, 5)
    first = pay(mull, 2000)
    before = mull.rows()
    again = pay(mull, 2000)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["payment"] == first["payment"]
    assert mull.rows() == before


def test_a_key_serves_one_payment_only(mull: Building) -> None:
    owe(mull, 5)
    pay(mull, 2000)
    assert refuse_payment(mull, 1000) == "key_reused"
    assert refuse_payment(mull, 2000, card_number=BERIT) == "key_reused"


def test_amounts_that_cannot_be_are_refused(mull: Building) -> None:
    owe(mull, 5)
    assert [refuse_payment(mull, amount) for amount in (0, -1, -2000, 10**12)] == ["invalid_field"] * 4
    assert refuse_payment(mull, 5001) == "overpaid"
    assert refuse_payment(mull, 1000, currency="NOK") == "wrong_currency"
    assert refuse_payment(mull, 1000, card_number=BERIT) == "overpaid"


def test_money_is_for_staff(mull: Building) -> None:
    owe(mull, 5)
    (debt,) = mull.patron()["debts"]
    patron = {"role": "patron", "staff": ""}
    assert refuse_payment(mull, 1000, **patron) == "staff_only"
    body = {"card_number": ANNA, "debt_id": debt["debt_id"], "reason": "goodwill"}
    assert mull.refuse("fees/waive", **body) == "staff_only"
    assert mull.refuse("fees/waive", role="staff", **body) == "invalid_field"
    assert mull.refuse("loans/lost", barcode="1001") == "staff_only"
    assert mull.refuse("cards/replacement", card_number=ANNA, idempotency_key="card-0001") == "staff_only"


def test_a_debt_is_waived_with_a_reason_once(mull: Building) -> None:
    owe(mull, 30)
    (debt,) = mull.patron()["debts"]
    body = {"card_number": ANNA, "debt_id": debt["debt_id"], "reason": "illness", **STAFF}
    assert mull.refuse("fees/waive", **{**body, "reason": "returned Gösta Berlings saga"}) == "invalid_field"
    assert mull.refuse("fees/waive", **{**body, "card_number": BERIT}) == "unknown_debt"
    assert mull.act("fees/waive", **body)["debt_total"] == 0
    assert mull.patron()["blocks"] == []
    assert mull.refuse("fees/waive", **body) == "already_settled"
    assert mull.column("SELECT waived_by FROM debts") == ["desk-1"]


def test_a_replacement_card_costs_25_kronor_once(mull: Building) -> None:
    body = {"card_number": ANNA, "idempotency_key": "card-0001", **STAFF}
    first = mull.act("cards/replacement", **body)
    again = mull.act("cards/replacement", **body)
    assert (first["debt"]["amount"], first["debt"]["kind"]) == (2500, "replacement_card")
    assert (again["debt"], again["repeated"]) == (first["debt"], True)
    assert mull.patron()["debt_total"] == 2500
    assert mull.refuse("cards/replacement", **{**body, "card_number": BERIT}) == "key_reused"


def test_the_price_of_a_return_is_told_beforehand(mull: Building) -> None:
    mull.stock("1001", category="dvd", title="Vargarna vid Nässjön")
    mull.stock("1002", shelf_code="Hcf")
    film = mull.lend("1001")
    mull.lend("1002")
    cost = mull.act("loans/cost", card_number=ANNA, on="2026-05-06")
    assert {loan["title"]: (loan["fee"], loan["days_overdue"]) for loan in cost["loans"]} == {
        "Vargarna vid Nässjön": (58000, 58),
        "Gösta Berlings saga": (0, 37),
    }
    assert (cost["fees"], cost["claim_fees"], cost["total"]) == (58000, 5000, 63000)
    one = mull.act("loans/cost", card_number=ANNA, on="2026-03-09", loan_id=film)
    assert (one["total"], len(one["loans"])) == (0, 1)
    assert mull.refuse("loans/cost", card_number=ANNA, on="2026-03-01") == "date_in_past"
    assert mull.refuse("loans/cost", card_number=BERIT, on="2026-03-09", loan_id=film) == "unknown_loan"
