"""Biblioteket's numbers of a month and a year that go on: weeks that are over, in full tens, and nothing else."""

from datetime import UTC, date, datetime

import pytest
from apiflask import APIFlask
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from sqlalchemy import delete

from app.register.store.transaction import writing
from app.register.totals.counting import add_totals
from app.rules.library.figures import Kind
from circulation.tables import DailyTotal
from tests.conftest import Clock
from tests.doors.visits import read_page
from tests.together.numbers import FILE, PAGE, ULLENSAKER, lent, table, week_rows, week_table
from tests.town import Town


@pytest.fixture
def in_december(clock: Clock) -> None:
    clock.instant = datetime(2026, 12, 16, 10, tzinfo=UTC)


@pytest.fixture
def in_january(clock: Clock) -> None:
    clock.instant = datetime(2027, 1, 5, 10, tzinfo=UTC)


@pytest.mark.usefixtures("in_december")
def test_a_month_that_goes_on_is_shown_by_its_weeks_in_full_tens(
    app: APIFlask,
    administrator: FlaskClient,
    town: Town,
    clock: Clock,
) -> None:
    with app.app_context(), writing():
        for day, number in ((3, 34), (7, 3), (14, 77)):
            add_totals({(ULLENSAKER, date(2026, 12, day), Kind.CARD, ""): number})
    with town.library(ULLENSAKER).database.writing() as session:
        session.execute(delete(DailyTotal))
    lent(town, clock, date(2026, 12, 9), book=58)
    page = read_page(administrator.get(f"{PAGE}?year=2026&month=12"))
    assert page.select_one("#month option[selected]")["value"] == "12"  # type: ignore[index]
    heads = [each.get_text(strip=True) for each in week_table(page).select("thead th")]
    assert heads == ["What", "Week 49 (1–6)", "Week 50 (7–13)"]
    weeks = week_rows(page)
    assert weeks["Cards issued"] == ["30 to 39", "0 to 9"]
    assert weeks["Loans"] == ["0 to 9", "50 to 59"]
    key = table(page, "key")
    assert (key["Cards issued"], key["Loans"]) == ("30 to 48", "50 to 68")
    assert not page.select("svg.chart")
    assert "77" not in page.get_text()


@pytest.mark.usefixtures("in_december")
def test_what_happens_in_a_week_that_goes_on_changes_nothing_that_is_shown(
    app: APIFlask,
    administrator: FlaskClient,
    town: Town,
    clock: Clock,
) -> None:
    asked = [f"{PAGE}?year=2026&month=12", f"{PAGE}?year=2026&month=0", f"{FILE}?year=2026&month=12"]

    def shown() -> list[str]:
        return [BeautifulSoup(administrator.get(each).get_data(), "html.parser").get_text() for each in asked]

    before = shown()
    with app.app_context(), writing():
        add_totals({(ULLENSAKER, date(2026, 12, day), Kind.CARD, ""): 9 for day in (14, 15, 16)})
    lent(town, clock, date(2026, 12, 16), book=58)
    assert shown() == before


@pytest.mark.usefixtures("in_december")
def test_a_year_that_goes_on_has_the_weeks_of_its_month_so_far(
    app: APIFlask,
    administrator: FlaskClient,
) -> None:
    with app.app_context(), writing():
        for day, number in ((date(2026, 4, 3), 100), (date(2026, 12, 3), 34), (date(2026, 12, 16), 77)):
            add_totals({(ULLENSAKER, day, Kind.CARD, ""): number})
    page = read_page(administrator.get(f"{PAGE}?year=2026&month=0"))
    assert table(page, "key")["Cards issued"] == "130 to 148"
    months = table(page, "card-months")
    assert (months["April"], months["December"]) == ("100", "30 to 48")
    assert "November" in months


@pytest.mark.usefixtures("in_january")
def test_in_january_the_year_has_begun(app: APIFlask, administrator: FlaskClient) -> None:
    with app.app_context(), writing():
        add_totals({(ULLENSAKER, date(2027, 1, 2), Kind.CARD, ""): 25})
    page = read_page(administrator.get(f"{PAGE}?year=2027&month=0"))
    assert table(page, "key")["Cards issued"] == "20 to 29"
    page = read_page(administrator.get(f"{PAGE}?year=2027&month=1"))
    assert [each.get_text(strip=True) for each in week_table(page).select("thead th")][1:] == ["Week 53 (1–3)"]
