"""Claims, invoices and reminders: made once, whenever and however often the daily command runs."""

import random
from datetime import timedelta

import pytest

from circulation.lending.claims import run_claims
from circulation.lending.reminders import run_reminders
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building


def claims(mull: Building) -> int:
    return run_claims(database=mull.database, policy=mull.policy, now=mull.clock())


def reminders(mull: Building) -> int:
    return run_reminders(database=mull.database, policy=mull.policy, now=mull.clock())


def pay_all(mull: Building, card_number: str = ANNA) -> None:
    total = mull.patron(card_number)["debt_total"]
    mull.act(
        "fees/pay", card_number=card_number, amount=total, currency="SEK", idempotency_key=f"all-{total:08}", **STAFF
    )


def test_claims_are_made_on_their_days_and_once(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.lend("1001")
    made = {}
    for late in (13, 14, 15, 28, 56, 57):
        now = mull.clock.instant + timedelta(days=28 + late)
        made[late] = [run_claims(database=mull.database, policy=mull.policy, now=now) for _ in range(2)]
    assert made == {13: [0, 0], 14: [1, 0], 15: [0, 0], 28: [1, 0], 56: [1, 0], 57: [0, 0]}
    assert sorted(mull.column("SELECT step FROM notices")) == [1, 2, 3]


def test_the_third_claim_is_an_invoice_with_50_kronor_and_blocks(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf", price=9000)
    mull.stock("1002")
    mull.lend("1001")
    mull.clock.turn(days=28 + 55)
    claims(mull)
    assert mull.patron()["blocks"] == []
    mull.clock.turn(days=1)
    claims(mull)
    patron = mull.patron()
    assert {(debt["kind"], debt["amount"]) for debt in patron["debts"]} == {
        ("claim_fee", 5000),
        ("replacement_charge", 9000),
    }
    assert patron["blocks"] == [{"reason": "invoice", "amount": 14000}]
    assert patron["loans"][0]["claim_level"] == 3
    assert mull.refuse("loans/checkout", card_number=ANNA, barcode="1002") == "blocked"


def test_returning_an_invoiced_loan_leaves_the_50_kronor_and_paying_lifts_the_block(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.lend("1001")
    mull.clock.turn(days=28 + 60)
    claims(mull)
    mull.act("loans/return", barcode="1001")
    patron = mull.patron()
    assert [(debt["kind"], debt["outstanding"]) for debt in patron["debts"]] == [("claim_fee", 5000)]
    assert patron["blocks"] == [{"reason": "invoice", "amount": 5000}]
    assert mull.column("SELECT loan_id FROM debts WHERE loan_id IS NOT NULL") == []
    pay_all(mull)
    assert mull.patron()["blocks"] == []
    mull.lend("1001")


def test_paying_the_invoice_ends_the_loan_and_lifts_the_block(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.stock("1002")
    mull.lend("1001")
    mull.clock.turn(days=28 + 60)
    claims(mull)
    pay_all(mull)
    patron = mull.patron()
    assert (patron["loans"], patron["debts"], patron["blocks"]) == ([], [], [])
    assert mull.column("SELECT state FROM items WHERE barcode = '1001'") == ["lost"]
    mull.lend("1002")


def test_paying_for_several_loans_books_the_fee_of_the_oldest_first(mull: Building) -> None:
    for number in range(6):
        mull.stock(f"{number}", category="dvd")
        mull.lend(f"{number}")
        mull.clock.turn(days=1)
    mull.clock.turn(days=80)
    claims(mull)
    pay_all(mull)
    fees = [debt["amount"] for debt in mull.patron()["debts"] if debt["kind"] == "overdue"]
    assert len(fees) == 6
    assert fees == sorted(fees, reverse=True)


def test_an_invoice_for_several_loans_names_the_oldest_first(mull: Building) -> None:
    for number in range(6):
        mull.stock(f"{number}", shelf_code="Hcf", price=1000 * (6 - number))
        mull.lend(f"{number}")
        mull.clock.turn(days=1)
    mull.clock.turn(days=100)
    claims(mull)
    prices = mull.column("SELECT amount FROM debts WHERE kind = 'replacement_charge' ORDER BY number")
    assert prices == [6000, 5000, 4000, 3000, 2000, 1000]


def test_a_copy_marked_lost_after_its_invoice_is_not_charged_twice(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.lend("1001")
    mull.clock.turn(days=28 + 60)
    claims(mull)
    assert mull.act("loans/lost", barcode="1001", **STAFF)["debts"] == []
    assert mull.patron()["debt_total"] == 35000


def test_a_waived_invoice_is_not_made_again(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.lend("1001")
    mull.clock.turn(days=28 + 60)
    claims(mull)
    for debt in mull.patron()["debts"]:
        mull.act("fees/waive", card_number=ANNA, debt_id=debt["debt_id"], reason="hardship", **STAFF)
    mull.clock.turn(days=1)
    assert claims(mull) == 0
    assert mull.patron()["debts"] == []


def test_one_letter_for_loans_of_one_day_costs_once(mull: Building) -> None:
    mull.stock("1001", "1002", shelf_code="Hcf")
    mull.lend("1001")
    mull.lend("1002")
    mull.clock.turn(days=1)
    mull.stock("1003", shelf_code="Hcf")
    mull.lend("1003")
    mull.clock.turn(days=28 + 60)
    claims(mull)
    assert mull.column("SELECT amount FROM debts WHERE kind = 'claim_fee'") == [5000, 5000]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_owed_does_not_depend_on_when_the_command_ran(mull: Building, seed: int) -> None:
    dice = random.Random(seed)
    for number in range(6):
        mull.stock(f"{number}", category=dice.choice(["book", "dvd"]), shelf_code=dice.choice(["Hc", "Hcf"]))
        mull.lend(f"{number}", to=dice.choice([ANNA, BERIT]))
        mull.clock.turn(days=dice.randrange(3))
    start = mull.clock.instant
    horizon = 100
    told = {
        card: mull.act("loans/cost", card_number=card, on=str(mull.today() + timedelta(days=horizon)))
        for card in (ANNA, BERIT)
    }
    run_days = sorted(dice.choices(range(horizon), k=dice.randrange(5)))
    for day in [*run_days, horizon, horizon]:
        mull.clock.instant = start + timedelta(days=day)
        claims(mull)
    for card in (ANNA, BERIT):
        patron = mull.patron(card)
        replacements = sum(debt["amount"] for debt in patron["debts"] if debt["kind"] == "replacement_charge")
        assert patron["running_fees"] == told[card]["fees"]
        assert patron["debt_total"] - replacements == told[card]["claim_fees"]


def test_a_reminder_is_made_once_and_goes_with_the_loan(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001")
    mull.clock.turn(days=24)
    assert reminders(mull) == 0
    mull.clock.turn(days=1)
    assert [reminders(mull), reminders(mull)] == [1, 0]
    mull.clock.turn(days=1)
    assert reminders(mull) == 0
    assert "Gösta" not in repr(mull.rows()["notices"])
    mull.act("loans/return", barcode="1001")
    assert mull.rows()["notices"] == []


def test_a_renewed_loan_is_reminded_of_anew(mull: Building) -> None:
    mull.stock("1001")
    loan_id = mull.lend("1001")
    mull.clock.turn(days=26)
    assert reminders(mull) == 1
    mull.act("loans/renew", card_number=ANNA, loan_id=loan_id)
    assert reminders(mull) == 0
    assert mull.rows()["notices"] == []
    mull.clock.turn(days=26)
    assert reminders(mull) == 1


def coming(mull: Building) -> list[dict]:
    return mull.act("claims/list", **STAFF)["claims"]


def test_a_claim_is_listed_for_a_week_before_it_is_made(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.lend("1001")
    mull.clock.turn(days=28 + 14 - 8)
    assert coming(mull) == []
    mull.clock.turn(days=1)
    (claim,) = coming(mull)
    assert (claim["barcode"], claim["level"], claim["card_number"], claim["stopped"]) == ("1001", 1, ANNA, None)
    mull.clock.turn(days=7)
    assert claim["on"] == coming(mull)[0]["on"]
    assert claims(mull) == 1
    # The next is two weeks away.
    assert coming(mull) == []


def test_a_stopped_claim_is_not_made_until_it_is_resumed(mull: Building) -> None:
    mull.stock("1001", "1002", shelf_code="Hcf")
    mull.lend("1001")
    mull.lend("1002")
    mull.clock.turn(days=28 + 14)
    stopped, other = coming(mull)
    mull.act("claims/stop", loan_id=stopped["loan_id"], reason="searching", **STAFF)
    mull.act("claims/stop", loan_id=stopped["loan_id"], reason="agreed", **STAFF)
    assert {claim["loan_id"]: claim["stopped"] and claim["stopped"]["reason"] for claim in coming(mull)} == {
        stopped["loan_id"]: "agreed",
        other["loan_id"]: None,
    }
    assert claims(mull) == 1
    mull.clock.turn(days=14)
    assert claims(mull) == 1
    mull.act("claims/resume", loan_id=stopped["loan_id"], **STAFF)
    assert claims(mull) == 2
    assert mull.column("SELECT count(*) FROM stopped_claims") == [0]


def test_a_stop_goes_with_the_loan(mull: Building) -> None:
    mull.stock("1001", shelf_code="Hcf")
    mull.lend("1001")
    mull.clock.turn(days=28 + 14)
    mull.act("claims/stop", loan_id=coming(mull)[0]["loan_id"], reason="illness", **STAFF)
    mull.act("loans/return", barcode="1001")
    assert mull.column("SELECT count(*) FROM stopped_claims") == [0]


@pytest.mark.parametrize("call", ["claims/stop", "claims/resume"])
def test_what_is_no_loan_cannot_be_stopped(mull: Building, call: str) -> None:
    reason = {"reason": "other"} if call == "claims/stop" else {}
    assert mull.refuse(call, loan_id="0" * 32, **reason, **STAFF) == "unknown_loan"


def test_a_reason_that_nobody_knows_is_refused(mull: Building) -> None:
    assert mull.refuse("claims/stop", loan_id="0" * 32, reason="because", **STAFF) == "invalid_field"
