"""A card is replaced; a patron leaves."""

from circulation.patrons import drop_settled
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building
from tests.circulation.test_fees import owe, pay
from tests.circulation.test_interlibrary import WANTED, ask, handle

NEW = "N000299999"

# What is agreed and who came in is tested in test_self_service.py.
NO_AGREEMENT = {"agreements": 0, "door_entries": 0}


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


def test_two_patrons_are_never_made_one(mull: Building) -> None:
    mull.stock("1", "2")
    mull.lend("1")
    mull.lend("2", to=BERIT)
    assert mull.refuse("patrons/rename", old_card_number=ANNA, new_card_number=BERIT) == "card_number_in_use"
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
