"""What a late film costs where closed days are free: as many open days as lie between due date and return."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from circulation.factory import migrate_all
from circulation.policy.library import WEEKDAYS, Calendar
from circulation.settings import Settings
from tests.circulation.conftest import ANNA, NOON, PASSWORD, USER, Building
from tests.conftest import Clock

FRIDAY, DAY = date(2026, 3, 6), timedelta(days=1)
A_DAY_LATE = 1000
WEEKEND = ("saturday", "sunday")
EASTER = ("2026-04-02", "2026-04-03", "2026-04-05", "2026-04-06")


@pytest.fixture
def mull(tmp_path: Path) -> Iterator[Building]:
    url = f"sqlite:///{tmp_path / 'mull.sqlite'}"
    migrate_all(Settings({"Mull": url}, USER, PASSWORD))
    building = Building(url, Clock(NOON))
    yield building
    building.database.close()


@pytest.mark.parametrize(
    ("weekdays", "closed", "grace", "due", "back", "days"),
    [
        # The library is open on the due date and then closed; the film comes on the first open day.
        (WEEKEND, (), 0, FRIDAY, FRIDAY + 3 * DAY, 1),
        (("sunday",), (), 0, FRIDAY + DAY, FRIDAY + 3 * DAY, 1),
        ((), ("2026-03-07", "2026-03-08", "2026-03-09"), 0, FRIDAY, FRIDAY + 4 * DAY, 1),
        (("sunday",), EASTER, 0, date(2026, 4, 1), date(2026, 4, 7), 2),  # Easter Saturday is open
        (WEEKEND, EASTER, 0, date(2026, 4, 1), date(2026, 4, 7), 1),
        (WEEKEND, ("12-24", "12-25", "12-31", "01-01"), 0, date(2026, 12, 23), date(2026, 12, 28), 1),
        # It comes while the library is closed, into the box at the door.
        (WEEKEND, (), 0, FRIDAY, FRIDAY + DAY, 0),
        (WEEKEND, (), 0, FRIDAY, FRIDAY + 2 * DAY, 0),
        (WEEKEND, EASTER, 0, date(2026, 4, 1), date(2026, 4, 6), 0),
        # Several closed spans, and a new year.
        (WEEKEND, (), 0, FRIDAY, FRIDAY + 17 * DAY, 11),
        (WEEKEND, ("2026-03-11",), 0, FRIDAY, FRIDAY + 10 * DAY, 5),
        (WEEKEND, ("12-24", "12-25", "12-31", "01-01"), 0, date(2026, 12, 23), date(2027, 1, 4), 4),
        (("monday", *WEEKEND), (), 0, FRIDAY, FRIDAY + 4 * DAY, 1),
        # A holiday on a weekend is free once.
        (WEEKEND, ("2026-03-07",), 0, FRIDAY, FRIDAY + 3 * DAY, 1),
        # Days of grace are open days too.
        (WEEKEND, (), 1, FRIDAY, FRIDAY + 3 * DAY, 0),
        (WEEKEND, (), 1, FRIDAY, FRIDAY + 4 * DAY, 1),
        (WEEKEND, (), 2, FRIDAY, FRIDAY + 4 * DAY, 0),
        (WEEKEND, EASTER, 1, date(2026, 4, 1), date(2026, 4, 7), 0),
        # On time.
        (WEEKEND, (), 0, FRIDAY, FRIDAY, 0),
        (WEEKEND, (), 0, FRIDAY, FRIDAY - DAY, 0),
    ],
)
def test_closed_days_are_free_and_open_ones_are_not(
    mull: Building, weekdays: tuple[str, ...], closed: tuple[str, ...], grace: int, due: date, back: date, days: int
) -> None:
    yearly = frozenset((int(day[:2]), int(day[3:])) for day in closed if len(day) == 5)
    single = frozenset(date.fromisoformat(day) for day in closed if len(day) == 10)
    calendar = Calendar(frozenset(map(WEEKDAYS.index, weekdays)), yearly, single)
    policy = replace(mull.policy, charge_closed_days=False, grace_days=grace, calendar=calendar)
    libraries = mull.app.extensions["circulation"]
    libraries["Mull"] = replace(libraries["Mull"], policy=policy)
    mull.stock("film", category="dvd")
    mull.clock.turn(days=(due - 7 * DAY - mull.today()).days)
    mull.lend("film")
    fee = days * A_DAY_LATE
    assert mull.patron()["loans"][0]["due_on"] == due.isoformat()
    told = mull.act("loans/cost", card_number=ANNA, on=back.isoformat())
    mull.clock.turn(days=(back - mull.today()).days)
    running = mull.patron()["running_fees"]
    assert (told["fees"], running, mull.act("loans/return", barcode="film")["overdue_fee"]) == (fee, fee, fee)
