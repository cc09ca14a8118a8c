"""What a draft would change, counted: of loans, cards, copies, holds, requests, agreements, debts and entries."""

from typing import Any

from tests.circulation.conftest import ANNA, BERIT, STAFF, Building
from tests.circulation.writing_rules import FRIDAY, change, document, revision


def test_a_comparison_counts_and_stores_nothing(mull: Building) -> None:
    mull.stock("1", "2", "3", category="dvd")
    mull.stock("4", "5")
    for barcode in ("1", "2", "3", "4"):
        mull.lend(barcode)
    mull.act("rules/draft", revision=0, document=change(mull, overdue_per_day_ore=1500, loan_days=10), **STAFF)
    before = mull.rows()
    found = mull.act("rules/compare", valid_from=FRIDAY, **STAFF)
    assert (found["loans"], found["due_otherwise"], found["dearer"], found["cheaper"]) == (4, 3, 3, 0)
    assert mull.rows() == before
    mull.act("rules/draft", revision=1, document=change(mull, "book", overdue_per_day_ore=100), **STAFF)
    found = mull.act("rules/compare", valid_from=FRIDAY, **STAFF)
    assert (found["due_otherwise"], found["dearer"], found["cheaper"]) == (0, 0, 1)
    mull.clock.turn(days=7 + 5)  # three films: 150 kronor
    rules = document(mull)
    rules["blocks"]["debt_above_ore"] = 14_900
    del rules["categories"]["cd_book"]
    mull.act("rules/draft", revision=2, document=rules, **STAFF)
    found = mull.act("rules/compare", valid_from="2026-03-20", **STAFF)
    assert (found["cards_blocked"], found["cards_freed"], found["copies"]) == (1, 0, 0)


def compared(mull: Building, rules: dict[str, Any], valid_from: str = FRIDAY) -> dict[str, int]:
    """What a draft would change, of that which there is."""
    mull.act("rules/draft", revision=revision(mull), document=rules, **STAFF)
    found = mull.act("rules/compare", valid_from=valid_from, **STAFF)
    return {name: number for name, number in found.items() if number and name not in ("loans", "days_late")}


def test_a_comparison_counts_what_each_kind_of_rule_would_change(mull: Building) -> None:
    mull.stock("1", "2")
    mull.stock("3", category="dvd", price=9900)
    mull.stock("4", category="dvd")
    for barcode in ("1", "2", "3"):
        mull.lend(barcode)
    mull.clock.turn(days=1)
    mull.act("loans/renew", card_number=ANNA, loan_id=mull.patron()["loans"][0]["loan_id"])
    for barcode in ("1", "4"):
        mull.act("holds/reserve", card_number=BERIT, barcode=barcode)
    for kind in ("door", "tablet"):
        mull.act("agreements/note", card_number=ANNA, kind=kind, age=30, **STAFF)
    mull.act("door/enter", card_number=ANNA, age=30, door="main")
    wanted = {"title": "Nils Holgersson", "author": "Lagerlöf, Selma", "category": "book", "publication_year": 1906}
    mull.act("interlibrary/ask", card_number=ANNA, idempotency_key="request-1", **wanted)
    mull.act("cards/replacement", card_number=BERIT, idempotency_key="card-0001", **STAFF)
    paid = {"amount": 2500, "currency": "SEK", "idempotency_key": "payment-1"}
    mull.act("fees/pay", card_number=BERIT, **paid, **STAFF)
    mull.clock.turn(days=10)

    def changed(table: str, **values: object) -> dict[str, int]:
        rules = document(mull)
        rules[table] |= values
        return compared(mull, rules, "2026-03-20")

    assert compared(mull, change(mull, "book", replacement_charge_ore=1), "2026-03-20") == {
        "billed_less": 2,
        "lost_cheaper": 2,
    }
    assert compared(mull, change(mull, "dvd", replacement_charge_ore=1), "2026-03-20") == {}
    rules = document(mull)
    rules["claims"][2]["fee_ore"] = 9000
    assert compared(mull, rules, "2026-03-20") == {"billed_more": 3}
    assert changed("renewals", max=1) == {"renewable_no_more": 1}
    assert changed("reminders", days_before_due=[3, 5]) == {"reminded_otherwise": 2}
    assert changed("holds", max_open=1) == {"holds_above": 1}
    assert changed("holds", fetch_days=5) == {"holds_kept_otherwise": 1}
    assert changed("interlibrary", fee_ore=3000) == {"requests_dearer": 1}
    assert changed("interlibrary", categories=["magazine"]) == {"requests_refused": 1}
    assert changed("retention", settled_debts_days=3) == {"debts_forgotten": 1}
    assert changed("self_service", kinds=["door", "ebook"]) == {"agreements_ended": 1}
    rules = document(mull)
    rules["self_service"]["entries_days"] = 3
    assert compared(mull, rules, "2026-03-14") == {"entries_forgotten": 1}
    assert changed("calendar", closed_dates=["03-30", "04-09"]) == {"due_otherwise": 2}
    # No loan and no card is about these.
    assert changed("cards", replacement_ore=9900) == changed("self_service", door_min_age=18) == {}
