"""The opening hours that the library tells the public decide on due dates and the door, each from its day on."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circulation.policy.hours import Exceptional, OpeningHours, Week, lets_in, read_day
from circulation.policy.library import load_policy
from circulation.policy.rules import LoanFacts, due_day, is_open, next_open_day, overdue_fee, renewed_due_day
from circulation.policy.self_service import is_door_open
from circulation.rulebook.told_hours import with_hours
from tests.circulation.conftest import STAFF, Building

OSLO = ZoneInfo("Europe/Oslo")
ULLENSAKER, MULL = load_policy("2023500"), load_policy("Mull")
OPEN, CLOSED = "staffed 10:00-19:00, unstaffed 06:00-23:00", ""
MONDAY = date(2026, 3, 2)


def told(*days: str, since: date = MONDAY, exceptions: tuple[Exceptional, ...] = ()) -> OpeningHours:
    week = tuple(read_day(day) for day in (*days, *[CLOSED] * 7)[:7])
    return OpeningHours((Week(since, week),) if days else (), exceptions)


def week(*days: str, since: str = "2026-03-02") -> dict[str, Any]:
    return {"since": since, "days": [*days, *[CLOSED] * 7][:7]}


def closed(first: date, last: date, spans: str = "", *, yearly: bool = False) -> Exceptional:
    return Exceptional(first, last, yearly, read_day(spans))


def test_a_due_date_moves_past_days_without_staff() -> None:
    policy = with_hours(MULL, told(OPEN, OPEN, CLOSED, "unstaffed 06:00-23:00", OPEN))
    assert due_day(policy=policy, category="book", lent_on=date(2026, 3, 4)) == date(2026, 4, 3)  # from a Wednesday
    assert due_day(policy=policy, category="book", lent_on=date(2026, 3, 6)) == date(2026, 4, 3)
    # Days before the first week are those of the policy.
    assert due_day(policy=policy, category="dvd", lent_on=date(2026, 2, 21)) == date(2026, 2, 28)


def test_a_library_that_never_has_staff_is_open_when_the_door_opens() -> None:
    policy = with_hours(MULL, told(*["unstaffed 06:00-23:00"] * 6))
    assert [is_open(calendar=policy.calendar, day=MONDAY + timedelta(days=n)) for n in (0, 5, 6)] == [True, True, False]


def test_exceptions_win_over_the_week_and_over_the_policys_closed_dates() -> None:
    hours = told(
        *[OPEN] * 7,
        exceptions=(
            closed(date(2026, 4, 2), date(2026, 4, 6)),
            closed(date(2020, 12, 23), date(2021, 1, 2), yearly=True),
            closed(date(2026, 12, 31), date(2026, 12, 31), "staffed 10:00-13:00"),
        ),
    )
    calendar = with_hours(ULLENSAKER, hours).calendar
    days = [date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 7), date(2026, 12, 30), date(2026, 12, 31)]
    assert [is_open(calendar=calendar, day=day) for day in days] == [True, False, True, False, True]
    # What the policy closes every year stays closed until an exception says otherwise.
    assert not is_open(calendar=calendar, day=date(2026, 5, 17))


def test_a_library_closed_for_good_moves_no_due_date_for_ever() -> None:
    calendar = with_hours(MULL, told(CLOSED)).calendar
    assert next_open_day(calendar=calendar, day=MONDAY) == MONDAY


def test_closed_days_are_free_of_fees_where_the_policy_says_so() -> None:
    policy = with_hours(replace(MULL, charge_closed_days=False), told(OPEN, OPEN, CLOSED, CLOSED, OPEN))
    loan = LoanFacts("book", "Hc", date(2026, 3, 10))
    assert overdue_fee(policy=policy, loan=loan, on=date(2026, 3, 17)) == 3 * 200


def test_the_door_opens_in_the_hours_that_were_told() -> None:
    hours = told("staffed 10:00-19:00, unstaffed 20:00-02:00", exceptions=(closed(date(2026, 3, 9), date(2026, 3, 9)),))
    offer = MULL.self_service

    def opens(day: int, hour: int) -> bool:
        return is_door_open(offer=offer, zone=OSLO, now=datetime(2026, 3, day, hour, 30, tzinfo=OSLO), hours=hours)

    assert [opens(2, hour) for hour in (9, 10, 19, 20, 23)] == [False, True, False, True, True]
    assert [opens(3, hour) for hour in (1, 2)] == [True, False]
    assert not opens(9, 12)
    assert opens(1, 12)  # a Sunday before the first week: the policy's own hours


@pytest.mark.parametrize(("night", "minutes"), [(date(2026, 3, 28), 7 * 60), (date(2026, 10, 24), 9 * 60)])
def test_nights_of_daylight_saving_are_an_hour_shorter_or_longer(night: date, minutes: int) -> None:
    hours = told(*[CLOSED] * 7, exceptions=(closed(night, night, "unstaffed 22:00-06:00"),), since=date(2026, 1, 1))
    start = datetime.combine(night, time(12), OSLO).astimezone(UTC)
    found = [lets_in(hours=hours, zone=OSLO, now=start + timedelta(minutes=minute)) for minute in range(24 * 60)]
    assert found.count(True) == minutes


@given(st.lists(st.sampled_from([OPEN, CLOSED, "unstaffed 06:00-23:00"]), min_size=7, max_size=7), st.dates())
def test_a_due_date_is_never_on_a_closed_day_and_never_later_than_the_next_open_one(days: list[str], day: date) -> None:
    day = min(day, date(9990, 1, 1))
    calendar = with_hours(MULL, told(*days, since=date(1, 1, 1))).calendar
    moved = next_open_day(calendar=calendar, day=day)
    if is_open(calendar=calendar, day=moved):
        between = range((moved - day).days)
        assert not any(is_open(calendar=calendar, day=day + timedelta(days=number)) for number in between)
    else:
        assert moved == day
        assert days == [CLOSED] * 7


def test_what_is_lent_keeps_its_due_date_and_the_next_follows_the_new_hours(mull: Building) -> None:
    mull.stock("1", "2")
    mull.lend("1")
    before = mull.rows()["loans"]
    answer = mull.act("hours/tell", **STAFF, version=7, weeks=[week(CLOSED, OPEN)], exceptions=[])
    assert answer == {"version": 7}
    assert mull.rows()["loans"] == before
    lent = mull.act("loans/checkout", card_number="N000200001", barcode="2")["loan"]
    assert lent["due_on"] == "2026-03-31"  # 28 days end on a Monday
    rules = mull.client.get("/circulation/v1/Mull/rules", auth=("portal", "a password for the tests")).get_json()
    assert rules["calendar"]["closed_weekdays"] == [
        "monday", "wednesday", "thursday", "friday", "saturday", "sunday"
    ]  # fmt: skip
    assert rules["calendar"]["staffed_hours"] == ["tu 10:00-19:00"]


def test_a_week_is_valid_from_its_day(mull: Building) -> None:
    mull.stock("1", "2")
    told_weeks = [week(*[OPEN] * 7), week(CLOSED, OPEN, since="2026-03-31")]
    mull.act("hours/tell", **STAFF, version=1, weeks=told_weeks, exceptions=[])
    assert mull.act("loans/checkout", card_number="N000200001", barcode="1")["loan"]["due_on"] == "2026-03-30"
    mull.clock.turn(days=7)
    assert mull.act("loans/checkout", card_number="N000200001", barcode="2")["loan"]["due_on"] == "2026-04-07"


def test_an_older_version_changes_nothing(mull: Building) -> None:
    mull.act("hours/tell", **STAFF, version=7, weeks=[week(OPEN)], exceptions=[])
    before = mull.rows()["told_hours"]
    assert mull.act("hours/tell", **STAFF, version=6, weeks=[], exceptions=[]) == {"version": 7}
    assert mull.rows()["told_hours"] == before
    mull.act("hours/tell", **STAFF, version=7, weeks=[], exceptions=[])
    assert mull.rows()["told_hours"] != before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weeks", [{"since": "2026-03-02", "days": [OPEN]}]),
        ("weeks", [week("10-19")]),
        ("weeks", [week(OPEN, since="2026-02-30")]),
        ("weeks", [week(OPEN) | {"more": 1}]),
        ("exceptions", [{"first": "2026-03-02", "last": "2026-03-02", "yearly": "no", "hours": ""}]),
        ("version", 0),
    ],
)
def test_what_is_not_of_its_form_is_refused_by_field(mull: Building, field: str, value: Any) -> None:
    body = {"version": 1, "weeks": [], "exceptions": [], field: value}
    answer = mull.post("hours/tell", **STAFF, **body)
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)
    assert mull.refuse("hours/tell", version=1, weeks=[], exceptions=[]) == "staff_only"


def test_the_door_follows_what_was_told(mull: Building) -> None:
    mull.act("agreements/note", **STAFF, card_number="N000200001", kind="door", age=40)
    came = {"door": "north", "card_number": "N000200001", "age": 40}
    assert mull.act("door/enter", **came) == {"outcome": "opened"}
    mull.act("hours/tell", **STAFF, version=1, weeks=[week("unstaffed 06:00-09:00")], exceptions=[])
    assert mull.act("door/enter", **came) == {"outcome": "outside_hours"}


def test_a_renewal_follows_the_hours_too() -> None:
    policy = with_hours(MULL, told(CLOSED, OPEN))
    renewed = renewed_due_day(policy=policy, category="book", due_on=date(2026, 3, 3), today=MONDAY)
    assert renewed == date(2026, 3, 31)
