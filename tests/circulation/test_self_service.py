"""Unstaffed opening, tablets and e-books: by agreement, within the library's rules, and forgotten in time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from circulation.lending.self_service import drop_entries
from circulation.policy.self_service import NOTHING_OFFERED, SelfService, is_door_open, parse_hours
from tests.circulation.conftest import ANNA, BERIT, STAFF, Building

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def offer(*hours: str) -> SelfService:
    return SelfService(kinds=("door",), door_hours=tuple(map(parse_hours, hours)), door_min_age=16, entries_days=14)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-02T05:59", False),
        ("2026-03-02T06:00", True),
        ("2026-03-02T21:59", True),
        ("2026-03-02T22:00", False),
        ("2026-03-07T06:00", False),
        ("2026-03-07T08:00", True),
        # Summer time began at two in the night: the door goes by the clock on the wall.
        ("2026-03-29T08:00", True),
        ("2026-03-29T07:59", False),
    ],
)
def test_a_door_opens_within_its_hours_by_the_clock_of_the_place(at: str, opens: bool) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=STOCKHOLM).astimezone(UTC)
    hours = offer("mo-fr 06:00-22:00", "sa-su 08:00-20:00")
    assert is_door_open(offer=hours, zone=STOCKHOLM, now=now) is opens


def test_a_door_may_be_open_all_day_and_one_without_hours_never_is() -> None:
    midnight = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert is_door_open(offer=offer("mo-su 00:00-24:00"), zone=STOCKHOLM, now=midnight)
    assert not is_door_open(offer=NOTHING_OFFERED, zone=STOCKHOLM, now=midnight)


@pytest.mark.parametrize(
    "text",
    ["", "mo 6:00-22:00", "xx 06:00-22:00", "fr-mo 06:00-22:00", "mo 22:00-06:00", "mo 06:00-24:01", "mo 06:60-07:00"],
)
def test_hours_that_nobody_can_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_hours(text)


@pytest.mark.parametrize("text", ["mo-fr 06:00-22:00", "su 12:00-24:00"])
def test_hours_are_told_as_they_were_written(text: str) -> None:
    assert str(parse_hours(text)) == text


def agree(mull: Building, card_number: str = ANNA, kind: str = "door", age: int = 30) -> None:
    mull.act("agreements/note", card_number=card_number, kind=kind, age=age, **STAFF)


def come(mull: Building, card_number: str = ANNA, age: int = 30) -> str:
    outcome: str = mull.act("door/enter", card_number=card_number, age=age, door="Mull-kiosk1")["outcome"]
    return outcome


def test_the_door_opens_to_somebody_who_has_agreed(mull: Building) -> None:
    assert come(mull) == "no_agreement"
    agree(mull)
    assert come(mull) == "opened"
    assert come(mull, BERIT) == "no_agreement"


def test_the_door_stays_shut_outside_hours(mull: Building) -> None:
    agree(mull)
    mull.clock.turn(seconds=12 * 3600)
    assert come(mull) == "outside_hours"


def test_nobody_under_the_librarys_age_agrees_or_comes_in(mull: Building) -> None:
    assert mull.refuse("agreements/note", card_number=ANNA, kind="door", age=15, **STAFF) == "too_young"
    agree(mull, kind="ebook", age=9)
    agree(mull, age=16)
    assert come(mull, age=15) == "under_age"


def test_a_blocked_card_opens_no_door_and_no_e_book(mull: Building) -> None:
    agree(mull)
    agree(mull, kind="ebook")
    mull.stock("1", price=99_000)
    mull.lend("1")
    mull.act("loans/lost", barcode="1", **STAFF)
    assert come(mull) == "blocked"
    assert mull.act("agreements/check", card_number=ANNA, kind="ebook") == {"allowed": False}


def test_an_agreement_that_was_withdrawn_counts_no_more_until_it_is_made_again(mull: Building) -> None:
    agree(mull)
    mull.act("agreements/withdraw", card_number=ANNA, kind="door", **STAFF)
    mull.act("agreements/withdraw", card_number=ANNA, kind="door", **STAFF)
    assert come(mull) == "withdrawn"
    agree(mull)
    assert come(mull) == "opened"
    assert mull.refuse("agreements/withdraw", card_number=ANNA, kind="tablet", **STAFF) == "unknown_agreement"


def test_a_supplier_hears_yes_or_no(mull: Building) -> None:
    assert mull.act("agreements/check", card_number=ANNA, kind="ebook") == {"allowed": False}
    agree(mull, kind="ebook")
    assert mull.act("agreements/check", card_number=ANNA, kind="ebook") == {"allowed": True}
    assert mull.act("agreements/check", card_number=ANNA, kind="tablet") == {"allowed": False}


def test_what_the_library_does_not_offer_cannot_be_agreed(mull: Building) -> None:
    libraries = mull.app.extensions["circulation"]
    libraries["Mull"] = replace(libraries["Mull"], policy=replace(mull.policy, self_service=NOTHING_OFFERED))
    assert mull.refuse("agreements/note", card_number=ANNA, kind="door", age=30, **STAFF) == "not_offered"


def test_staff_alone_make_and_end_agreements_and_read_the_doors_book(mull: Building) -> None:
    for call in ("agreements/list", "agreements/note", "agreements/withdraw", "door/entries"):
        assert mull.refuse(call, card_number=ANNA, kind="door", age=30) == "staff_only"


def test_every_entry_and_refusal_is_in_the_doors_book(mull: Building) -> None:
    agree(mull)
    come(mull)
    come(mull, BERIT)
    mull.act("door/enter", card_number=ANNA, refused="wrong_pin", door="Mull-kiosk1")
    mull.act("door/enter", refused="code_refused", door="Mull-kiosk1")
    book = mull.act("door/entries", **STAFF)
    assert [(entry["card_number"], entry["outcome"]) for entry in book["entries"]] == [
        (None, "code_refused"),
        (ANNA, "wrong_pin"),
        (BERIT, "no_agreement"),
        (ANNA, "opened"),
    ]
    assert {entry["at"] for entry in book["entries"]} == {"2026-03-02T11:00:00+00:00"}
    assert not book["more"]


def test_the_doors_book_is_leafed_through_page_by_page(mull: Building) -> None:
    for _ in range(60):
        mull.act("door/enter", refused="code_refused", door="Mull-kiosk1")
    first = mull.act("door/entries", **STAFF)
    rest = mull.act("door/entries", before=first["entries"][-1]["number"], **STAFF)
    assert (len(first["entries"]), first["more"], len(rest["entries"]), rest["more"]) == (50, True, 10, False)


def test_the_doors_book_forgets_after_the_librarys_days(mull: Building) -> None:
    come(mull)
    days = timedelta(days=mull.policy.self_service.entries_days)
    assert drop_entries(database=mull.database, policy=mull.policy, now=mull.clock() + days) == 0
    assert drop_entries(database=mull.database, policy=mull.policy, now=mull.clock() + days + timedelta(seconds=1)) == 1
    assert mull.act("door/entries", **STAFF)["entries"] == []


def test_agreements_follow_a_replaced_card_and_go_with_the_patron(mull: Building) -> None:
    agree(mull)
    come(mull)
    mull.act("patrons/rename", old_card_number=ANNA, new_card_number=BERIT)
    assert come(mull, BERIT) == "opened"
    assert come(mull, ANNA) == "no_agreement"
    held = mull.act("agreements/list", card_number=BERIT, **STAFF)
    assert held["agreements"] == [{"kind": "door", "agreed_on": date(2026, 3, 2).isoformat(), "withdrawn_on": None}]
    assert held["offered"] == ["door", "tablet", "ebook"]
    mull.act("patrons/end", card_number=BERIT, dry_run=False)
    assert BERIT not in str(mull.rows())
