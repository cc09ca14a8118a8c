"""A card is replaced; a patron leaves."""

import pytest

from circulation.lending.patrons import drop_settled
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building
from tests.circulation.test_claims import claims
from tests.circulation.test_fees import owe, pay
from tests.circulation.test_interlibrary import WANTED, ask, handle

NEW, CARLA = "N000299999", "N000200003"

# What is agreed and who came in is tested in test_self_service.py.
NO_AGREEMENT = {"agreements": 0, "door_entries": 0, "reminder_choices": 0}


def test_everything_follows_a_replaced_card(mull: Building) -> None:
    owe(mull, 3)
    pay(mull, 1000)
    mull.stock("1", "2")
    mull.lend("1")
    mull.act("holds/reserve", card_number=ANNA, barcode="2")
    ask(mull)
    before = mull.patron()
    moved = mull.act("patrons/rename", old_card_number=ANNA, new_card_number=NEW)["moved"]
    assert moved == {"loans": 1, "holds": 1, "debts": 1, "payments": 1, "requests": 1, "notices": 1} | NO_AGREEMENT
    assert mull.patron(NEW) == {**before, "card_number": NEW}
    assert ANNA not in repr(mull.rows())
    again = mull.act("patrons/rename", old_card_number=ANNA, new_card_number=NEW)["moved"]
    assert set(again.values()) == {0}


def test_what_was_done_with_the_new_card_before_the_library_was_told_stays(mull: Building) -> None:
    mull.stock("1", "2", "3", "4")
    for number, barcodes in ((ANNA, ("1", "2")), (NEW, ("3", "4"))):
        mull.lend(barcodes[0], to=number)
        mull.act("holds/reserve", card_number=number, barcode=barcodes[1])
        mull.act("agreements/note", card_number=number, kind="door", age=30, **STAFF)
    mull.act("patrons/rename", old_card_number=ANNA, new_card_number=NEW)
    assert ANNA not in repr(mull.rows())
    both = mull.patron(NEW)
    assert sorted(loan["barcode"] for loan in both["loans"]) == ["1", "3"]
    assert len(both["holds"]) == 2


@pytest.mark.parametrize("first", [ANNA, NEW])
def test_of_two_holds_for_one_title_the_one_that_is_ready_or_older_stays(mull: Building, first: str) -> None:
    mull.stock("1")
    mull.lend("1", to=CARLA)
    for number in (first, BERIT, ANNA if first == NEW else NEW):
        mull.act("holds/reserve", card_number=number, barcode="1")
    mull.act("loans/return", barcode="1")
    mull.act("patrons/rename", old_card_number=ANNA, new_card_number=NEW)
    (hold,) = mull.patron(NEW)["holds"]
    assert hold["ready"]
    (waits,) = mull.patron(BERIT)["holds"]
    assert waits["queue_position"] == 1


def test_claims_of_one_day_under_both_numbers_are_both_kept(mull: Building) -> None:
    mull.stock("1", "2")
    mull.lend("1")
    mull.lend("2", to=NEW)
    for _ in range(12):
        mull.clock.turn(days=7)
        claims(mull)
    fees = [debt["outstanding"] for number in (ANNA, NEW) for debt in mull.patron(number)["debts"]]
    assert fees.count(5000) == 2
    mull.act("patrons/rename", old_card_number=ANNA, new_card_number=NEW)
    assert sorted(debt["outstanding"] for debt in mull.patron(NEW)["debts"]) == sorted(fees)


def test_a_number_is_not_replaced_by_itself(mull: Building) -> None:
    assert mull.refuse("patrons/rename", old_card_number=ANNA, new_card_number=ANNA) == "same_card_number"


def test_a_patron_who_owes_nothing_leaves_nothing(mull: Building) -> None:
    owe(mull, 3)
    pay(mull, 3000)
    mull.stock("2")
    mull.act("holds/reserve", card_number=ANNA, barcode="2")
    mull.act("holds/reserve", card_number=BERIT, barcode="2")
    ask(mull)
    plan = mull.act("patrons/end", card_number=ANNA, dry_run=True)
    assert ANNA in repr(mull.rows())
    done = mull.act("patrons/end", card_number=ANNA, dry_run=False)
    assert done == {**plan, "dry_run": False}
    erased = {"holds": 1, "requests": 1, "notices": 0, "settled_debts": 1, "payments": 1}
    assert done["erased"] == erased | NO_AGREEMENT
    assert done["kept"] == []
    assert ANNA not in repr(mull.rows())
    (hold,) = mull.patron(BERIT)["holds"]
    assert hold["ready"]


def test_a_dry_run_changes_nothing(mull: Building) -> None:
    mull.stock("2")
    mull.act("holds/reserve", card_number=ANNA, barcode="2")
    before = mull.rows()
    mull.act("patrons/end", card_number=ANNA, dry_run=True)
    assert mull.rows() == before


def test_what_must_be_kept_is_told_with_its_reason_and_goes_by_itself(mull: Building) -> None:
    owe(mull, 3)
    mull.stock("1")
    mull.lend("1")
    handle(mull, ask(mull), "order")
    kept = mull.act("patrons/end", card_number=ANNA, dry_run=False)["kept"]
    assert [(what["kind"], what["count"], what["amount"]) for what in kept] == [
        ("open_loans", 1, None),
        ("unpaid_debts", 1, 3000),
        ("ordered_requests", 1, None),
    ]
    assert all(what["reason"] for what in kept)
    mull.act("loans/return", barcode="1")
    pay(mull, 3000)
    (request,) = mull.act("interlibrary/list", **STAFF)["requests"]
    handle(mull, request["request_id"], "refuse")
    assert mull.act("patrons/end", card_number=ANNA, dry_run=False)["kept"] == []
    assert ANNA not in repr(mull.rows())


def test_settled_debts_forget_their_card_when_the_policys_days_are_over(mull: Building) -> None:
    owe(mull, 3)
    pay(mull, 3000)
    owe(mull, 4, "1002")
    mull.clock.turn(days=60)
    assert drop_settled(database=mull.database, policy=mull.policy, now=mull.clock()) == 0
    mull.clock.turn(days=31)
    assert drop_settled(database=mull.database, policy=mull.policy, now=mull.clock()) == 2
    assert drop_settled(database=mull.database, policy=mull.policy, now=mull.clock()) == 0
    assert mull.column("SELECT card_number FROM debts ORDER BY number") == [None, ANNA]
    assert mull.column("SELECT card_number FROM payments") == [None]


def test_a_family_is_asked_for_in_one_call(mull: Building) -> None:
    mull.stock("1", "2")
    mull.lend("1")
    mull.lend("2", to=BERIT)
    answer = mull.act("patrons/overview", card_numbers=[BERIT, ANNA, NEW, BERIT])
    assert [(p["card_number"], len(p["loans"])) for p in answer["patrons"]] == [(BERIT, 1), (ANNA, 1), (NEW, 0)]
    assert (answer["library"], answer["currency"], answer["today"]) == ("Mull", "SEK", "2026-03-02")
    assert WANTED["title"] not in repr(answer)
