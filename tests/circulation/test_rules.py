"""The rules against dates that are known to be hard."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circulation.errors import Refused
from circulation.policy.library import Calendar, Policy, Summer, load_policy
from circulation.policy.rules import (
    LoanFacts,
    blocks,
    claims_due,
    decide_interlibrary,
    due_day,
    local_day,
    next_open_day,
    overdue_fee,
    renewed_due_day,
)

MULL = load_policy("Mull")
ULLENSAKER = load_policy("2023500")


def fee(category: str, shelf_code: str, late: int, policy: Policy = MULL) -> int:
    due = date(2026, 2, 20)
    return overdue_fee(policy=policy, loan=LoanFacts(category, shelf_code, due), on=due + timedelta(days=late))


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), date(2026, 3, 28)),  # the night before summer time: UTC+1
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), date(2026, 3, 29)),  # a day of 23 hours: UTC+2 from 01:00 UTC
        (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), date(2026, 10, 25)),  # a day of 25 hours
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), date(2026, 10, 26)),
        (datetime(2027, 12, 31, 23, 0, tzinfo=UTC), date(2028, 1, 1)),
        (datetime(2028, 2, 28, 23, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_the_day_is_the_librarys_own(instant: datetime, day: date) -> None:
    assert local_day(policy=MULL, now=instant) == day


@given(st.integers(946_684_800, 3_786_912_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_the_day_follows_the_european_summer_time_rule(instant: datetime) -> None:
    def last_sunday(month: int) -> datetime:
        end = datetime(instant.year, month, 31, 1, tzinfo=UTC)
        return end - timedelta(days=(end.weekday() + 1) % 7)

    summer = last_sunday(3) <= instant < last_sunday(10)
    assert local_day(policy=MULL, now=instant) == (instant + timedelta(hours=2 if summer else 1)).date()


def test_a_clock_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        local_day(policy=MULL, now=datetime(2026, 3, 2))  # noqa: DTZ001 the point of the test


@pytest.mark.parametrize(
    ("category", "lent", "due"),
    [
        ("book", date(2028, 2, 1), date(2028, 2, 29)),
        ("book", date(2027, 2, 1), date(2027, 3, 1)),
        ("magazine", date(2026, 12, 24), date(2027, 1, 7)),
        ("new_popular", date(2026, 3, 20), date(2026, 4, 3)),
        ("dvd", date(2028, 2, 23), date(2028, 3, 1)),
    ],
)
def test_loan_periods_cross_leap_days_and_years(category: str, lent: date, due: date) -> None:
    assert due_day(policy=MULL, category=category, lent_on=lent) == due


def test_a_due_date_on_a_closed_day_moves_to_the_next_open_one() -> None:
    # 28 days after 26 November is Christmas Eve; then Christmas, a closed Saturday and a Sunday.
    assert due_day(policy=ULLENSAKER, category="book", lent_on=date(2026, 11, 26)) == date(2026, 12, 28)


@pytest.mark.parametrize(
    ("category", "shelf_code", "late", "owed"),
    [
        ("book", "Hc", 0, 0),
        ("book", "Hc", -5, 0),
        ("book", "Hc", 1, 200),
        ("book", "Hc", 365, 73000),
        ("book", "Hcf", 100, 0),
        ("book", "Hcg", 100, 0),
        ("book", "Hcf.01", 100, 0),
        ("book", " hcg ", 100, 0),
        ("book", "uHc", 10, 2000),
        ("book", "uHcf", 10, 2000),
        ("book", "Hce", 10, 2000),
        ("new_popular", "Hc", 10, 2000),
        ("dvd", "Imdb", 10, 10000),
        ("dvd", "Hcf", 10, 10000),
        ("magazine", "Rb", 400, 0),
        ("map", "Nb", 10, 0),
    ],
)
def test_overdue_fees_follow_the_published_page(category: str, shelf_code: str, late: int, owed: int) -> None:
    assert fee(category, shelf_code, late) == owed


def test_there_is_a_cap_only_where_the_policy_says_so() -> None:
    assert fee("dvd", "", 4000) == 4_000_000
    capped = replace(MULL, categories=MappingProxyType({"dvd": replace(MULL.categories["dvd"], overdue_max=5000)}))
    assert [fee("dvd", "", late, capped) for late in (4, 5, 6, 4000)] == [4000, 5000, 5000, 5000]


def test_grace_days_are_not_charged() -> None:
    graced = replace(MULL, grace_days=3)
    assert [fee("book", "Hc", late, graced) for late in (0, 3, 4, 10)] == [0, 0, 200, 1400]


def test_closed_days_are_free_where_the_policy_says_so() -> None:
    calendar = Calendar(frozenset({6}), frozenset({(2, 24)}), frozenset({date(2026, 2, 25)}))
    lenient = replace(MULL, charge_closed_days=False, calendar=calendar)
    # Due on Friday 20 February 2026. Sunday 22, Tuesday 24 and Wednesday 25 are closed.
    assert [fee("book", "Hc", late, lenient) // 200 for late in range(8)] == [0, 1, 1, 2, 2, 2, 3, 4]
    assert [fee("book", "Hc", late, replace(lenient, charge_closed_days=True)) // 200 for late in range(4)] == [
        0,
        1,
        2,
        3,
    ]


@given(
    weekdays=st.frozensets(st.integers(0, 6), max_size=6),
    yearly=st.frozensets(st.tuples(st.integers(1, 12), st.integers(1, 28)) | st.just((2, 29)), max_size=40),
    due=st.dates(date(2015, 1, 1), date(2040, 1, 1)),
    late=st.integers(-30, 1500),
    grace=st.integers(0, 10),
)
def test_any_calendar_counts_like_a_finger_on_the_calendar(
    weekdays: frozenset[int], yearly: frozenset[tuple[int, int]], due: date, late: int, grace: int
) -> None:
    policy = replace(MULL, charge_closed_days=False, grace_days=grace, calendar=Calendar(weekdays, yearly, frozenset()))
    open_days = 0
    for step in range(1, late + 1):
        day = due + timedelta(days=step)
        if day.weekday() not in weekdays and (day.month, day.day) not in yearly:
            open_days += 1
    loan = LoanFacts("dvd", "", due)
    owed = overdue_fee(policy=policy, loan=loan, on=due + timedelta(days=late))
    assert owed == max(0, open_days - grace) * 1000
    assert overdue_fee(policy=policy, loan=loan, on=due + timedelta(days=late + 1)) >= owed
    moved = next_open_day(calendar=policy.calendar, day=due)
    assert moved >= due
    assert moved.weekday() not in weekdays


def test_a_card_is_blocked_exactly_above_the_limit() -> None:
    assert blocks(policy=MULL, debt=20000, unpaid_invoice=0) == ()
    assert [block.reason for block in blocks(policy=MULL, debt=20001, unpaid_invoice=0)] == ["debt"]
    assert [block.reason for block in blocks(policy=MULL, debt=5000, unpaid_invoice=5000)] == ["invoice"]


def test_claims_fall_on_days_that_follow_from_the_due_date() -> None:
    due = date(2026, 1, 1)
    for late, levels in ((13, []), (14, [1]), (28, [1, 2]), (55, [1, 2]), (56, [1, 2, 3]), (900, [1, 2, 3])):
        found = claims_due(policy=MULL, due_on=due, today=due + timedelta(days=late))
        assert [step.level for step, _ in found] == levels
    assert found[2][1] == date(2026, 2, 26)


def test_renewing_never_shortens_a_loan() -> None:
    long = date(2026, 12, 31)
    assert renewed_due_day(policy=MULL, category="dvd", due_on=long, today=date(2026, 3, 2)) == long


def why(**changes: object) -> str:
    request: dict[str, object] = {
        "policy": MULL,
        "category": "book",
        "publication_year": 2020,
        "owned": False,
        "open_requests": 0,
        "today": date(2026, 3, 2),
    }
    try:
        decide_interlibrary(**{**request, **changes})  # type: ignore[arg-type]
    except Refused as refused:
        return refused.code
    return "granted"


def test_the_interlibrary_rules_answer_with_their_reason() -> None:
    assert why() == "granted"
    assert why(owned=True) == "owned_here"
    assert [why(publication_year=year) for year in (2024, 2025, 2026, 2027)] == ["granted", *["too_recent"] * 3]
    assert why(publication_year=2025, today=date(2027, 1, 1)) == "granted"
    assert [why(category=kind) for kind in ("cd_book", "dvd", "magazine", "?")] == ["category_not_lent"] * 4
    assert why(policy=replace(MULL, interlibrary=None)) == "category_not_lent"


def test_requests_are_limited_in_the_summer_only() -> None:
    days = {date(2026, 5, 31): "granted", date(2026, 6, 1): "summer_limit", date(2026, 8, 31): "summer_limit"}
    days[date(2026, 9, 1)] = "granted"
    assert {day: why(today=day, open_requests=1) for day in days} == days
    assert why(today=date(2026, 7, 1), open_requests=0) == "granted"


def test_a_season_may_run_over_new_year() -> None:
    assert MULL.interlibrary is not None
    winter = replace(MULL, interlibrary=replace(MULL.interlibrary, summer=Summer((12, 1), (1, 31), 0)))
    days = [date(2026, 11, 30), date(2026, 12, 1), date(2027, 1, 31), date(2027, 2, 1)]
    answers = [why(policy=winter, today=day) for day in days]
    assert answers == ["granted", "summer_limit", "summer_limit", "granted"]
