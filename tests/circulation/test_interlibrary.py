"""Titles from other libraries: the rules answer at once, staff do the rest, and nothing of it stays."""

from typing import Any

import pytest

from tests.circulation.conftest import ANNA, BERIT, STAFF, Building

WANTED: dict[str, Any] = {
    "card_number": ANNA,
    "title": "Fångaren i dimman",
    "author": "Sten, Karla",
    "publication_year": 2020,
    "category": "book",
    "idempotency_key": "request-1",
}


def ask(mull: Building, **changes: object) -> str:
    request_id: str = mull.act("interlibrary/ask", **{**WANTED, **changes})["request"]["request_id"]
    return request_id


def handle(mull: Building, request_id: str, action: str, **fields: object) -> dict[str, Any]:
    return mull.act("interlibrary/handle", request_id=request_id, action=action, **fields, **STAFF)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category": "dvd"}, "category_not_lent"),
        ({"category": "cd_book"}, "category_not_lent"),
        ({"publication_year": 2026}, "too_recent"),
        ({"publication_year": 2025}, "too_recent"),
        ({"title": "gösta BERLINGS  saga!", "author": "Selma Lagerlöf"}, "owned_here"),
    ],
)
def test_a_request_against_the_rules_is_refused_with_the_reason(
    mull: Building, changes: dict[str, object], code: str
) -> None:
    mull.stock("1001")
    mull.lend("1001", to=BERIT)
    assert mull.refuse("interlibrary/ask", **{**WANTED, **changes}) == code


def test_another_authors_book_of_the_same_title_may_be_asked_for(mull: Building) -> None:
    mull.stock("1001")
    ask(mull, title="Gösta Berlings saga", author="Någon Annan")


def test_a_blocked_patron_is_refused(mull: Building) -> None:
    mull.stock("1001", category="dvd")
    mull.lend("1001")
    mull.clock.turn(days=28)
    assert mull.refuse("interlibrary/ask", **WANTED) == "blocked"


def test_a_repeated_request_is_one_request(mull: Building) -> None:
    first = mull.act("interlibrary/ask", **WANTED)
    again = mull.act("interlibrary/ask", **WANTED)
    assert (again["request"], again["repeated"]) == (first["request"], True)
    assert mull.refuse("interlibrary/ask", **{**WANTED, "title": "En annan"}) == "key_reused"
    assert mull.refuse("interlibrary/ask", **{**WANTED, "idempotency_key": "request-2"}) == "already_asked"


def test_requests_are_limited_in_the_summer(mull: Building) -> None:
    mull.clock.turn(days=100)
    ask(mull)
    second = {**WANTED, "title": "En annan", "idempotency_key": "request-2"}
    assert mull.refuse("interlibrary/ask", **second) == "summer_limit"


def test_a_request_becomes_a_loan_with_its_fee_and_then_nothing(mull: Building) -> None:
    before = mull.rows()
    request_id = ask(mull)
    listed = mull.act("interlibrary/list", **STAFF)["requests"]
    assert [(r["request_id"], r["card_number"], r["state"]) for r in listed] == [(request_id, ANNA, "asked")]
    assert handle(mull, request_id, "order")["request"]["state"] == "ordered"
    arrived = handle(mull, request_id, "arrive", barcode="FL-77", due_on="2026-03-20")
    loan = arrived["loan"]
    assert (loan["title"], loan["due_on"], loan["interlibrary"]) == ("Fångaren i dimman", "2026-03-20", True)
    assert (arrived["debt"]["kind"], arrived["debt"]["amount"]) == ("interlibrary", 2500)
    assert [row["barcode"] for row in mull.act("interlibrary/list", **STAFF)["on_loan"]] == ["FL-77"]
    mull.clock.turn(days=3)
    assert mull.refuse("loans/renew", card_number=ANNA, loan_id=loan["loan_id"]) == "not_renewable"
    assert mull.act("loans/return", barcode="FL-77")["interlibrary"]
    after = mull.rows()
    assert len(after.pop("debts")) == 1
    for table in ("debts", "daily_totals"):
        before.pop(table)
    # What is counted names no card and no copy.
    assert "FL-77" not in repr(after.pop("daily_totals"))
    assert after == before


def test_an_arrived_copy_may_be_for_the_librarys_own_period(mull: Building) -> None:
    request_id = ask(mull)
    handle(mull, request_id, "order")
    assert handle(mull, request_id, "arrive", barcode="FL-77")["loan"]["due_on"] == "2026-03-30"


def test_a_refused_request_is_gone_and_told_without_its_title(mull: Building) -> None:
    handle(mull, ask(mull), "refuse")
    rows = mull.rows()
    assert rows["interlibrary_requests"] == []
    assert mull.column("SELECT kind FROM notices") == ["interlibrary_refused"]
    assert "Fångaren" not in repr(rows)


def test_a_patron_may_withdraw_until_it_is_ordered(mull: Building) -> None:
    request_id = ask(mull)
    assert mull.refuse("interlibrary/cancel", card_number=BERIT, request_id=request_id) == "unknown_request"
    mull.act("interlibrary/cancel", card_number=ANNA, request_id=request_id)
    request_id = ask(mull)
    handle(mull, request_id, "order")
    assert mull.refuse("interlibrary/cancel", card_number=ANNA, request_id=request_id) == "wrong_state"


def test_staff_cannot_handle_a_request_out_of_order(mull: Building) -> None:
    mull.stock("1001")
    request_id = ask(mull)

    def refuse(action: str, **fields: object) -> str:
        return mull.refuse("interlibrary/handle", request_id=request_id, action=action, **fields, **STAFF)

    assert refuse("arrive", barcode="FL-77") == "wrong_state"
    handle(mull, request_id, "order")
    assert refuse("order") == "wrong_state"
    assert refuse("arrive") == "invalid_field"
    assert refuse("arrive", barcode="1001") == "barcode_in_use"
    assert refuse("arrive", barcode="FL-77", due_on="2026-03-01") == "date_in_past"
    assert refuse("order", due_on="2026-03-20") == "invalid_field"
    assert mull.refuse("interlibrary/handle", request_id=request_id, action="refuse") == "staff_only"
    assert mull.refuse("interlibrary/handle", request_id="0" * 32, action="refuse", **STAFF) == "unknown_request"


def test_a_copy_of_another_library_cannot_be_lent_on_or_reserved(mull: Building) -> None:
    request_id = ask(mull)
    handle(mull, request_id, "order")
    handle(mull, request_id, "arrive", barcode="FL-77")
    assert mull.refuse("loans/checkout", card_number=BERIT, barcode="FL-77") == "on_loan"
    assert mull.refuse("holds/reserve", card_number=BERIT, barcode="FL-77") == "unknown_item"


def test_a_lost_copy_of_another_library_is_charged_and_forgotten(mull: Building) -> None:
    request_id = ask(mull)
    handle(mull, request_id, "order")
    handle(mull, request_id, "arrive", barcode="FL-77")
    assert mull.act("loans/lost", barcode="FL-77", **STAFF)["total"] == 30000
    assert "Fångaren" not in repr(mull.rows())
