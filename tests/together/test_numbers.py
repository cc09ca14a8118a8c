"""Biblioteket's numbers: what an administrator reads of a month and a year, in pictures, tables and a file."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta

import httpx
import pytest
from apiflask import APIFlask
from bs4 import Tag
from flask.testing import FlaskClient

from app.ils.circulation.system import CirculationSystem
from app.ils.systems import Systems
from app.register.store.transaction import writing
from app.register.totals.counting import add_totals
from app.rules.card.scan import Reason
from app.rules.library.figures import CHOSEN, CONFIRMED, HOURS, LOOKED_UP, MADE, PHONE, WALLET, Kind, last_month
from circulation.lending.transaction import Transaction
from circulation.totals import count
from tests.conftest import Clock
from tests.doors.visits import desk_log_in, read_page
from tests.together.numbers import FILE, PAGE, ULLENSAKER, lent, table, week_rows
from tests.town import Town

YEAR = 2025


def happened(app: APIFlask, **counts: int) -> None:
    """Let things happen in June 2025, so many of each: `card=7`, `REPLAY=3`."""
    words: dict[str, tuple[Kind, str]] = {
        "card": (Kind.CARD, ""),
        "phone": (Kind.MEANS, PHONE),
        "wallet": (Kind.MEANS, WALLET),
        "looked_up": (Kind.MEANS, LOOKED_UP),
        "chosen": (Kind.ONLINE, CHOSEN),
        "confirmed": (Kind.ONLINE, CONFIRMED),
        "made": (Kind.ONLINE, MADE),
        **{reason.value: (Kind.REFUSAL, reason.value) for reason in Reason},
        **{f"at_{hour}": (Kind.HOUR, hour) for hour in HOURS},
    }
    with app.app_context(), writing():
        add_totals({(ULLENSAKER, date(YEAR, 6, 3), *words[name]): number for name, number in counts.items()})


def read_month(browser: FlaskClient, month: int = 6) -> Tag:
    return read_page(browser.get(f"{PAGE}?year={YEAR}&month={month}"))


def test_a_month_is_read_in_tables_with_a_picture_each(
    app: APIFlask,
    administrator: FlaskClient,
    town: Town,
    clock: Clock,
) -> None:
    happened(app, card=12, phone=300, wallet=40, looked_up=6, REPLAY=9, CLOCK=7, at_10=200, at_11=146)
    lent(town, clock, date(YEAR, 6, 3), book=80, dvd=20)
    lent(town, clock, date(YEAR, 6, 4), book=60)
    page = read_month(administrator)
    key = table(page, "key")
    assert (key["Cards issued"], key["Cards shown here"], key["Loans"]) == ("12", "346", "160")
    assert table(page, "means") == {
        "On the phone": "300",
        "In a wallet": "40",
        "Plastic card or photo id, at the desk": "6",
    }
    assert set(table(page, "loan").values()) >= {"140", "20"}
    assert table(page, "loan-days")["3"] == "100"
    assert {svg["role"] for svg in page.select("svg.chart")} == {"img"}
    assert all(svg["aria-label"] for svg in page.select("svg.chart"))
    assert len(page.select("svg.chart")) >= 4


def test_a_count_under_five_is_not_told_nor_what_would_tell_it(app: APIFlask, administrator: FlaskClient) -> None:
    happened(app, phone=300, wallet=3, looked_up=6)
    shown = table(read_month(administrator), "means")
    assert shown["In a wallet"] == "under 5"
    assert shown["On the phone"] == "299 to 302"


def test_where_orders_online_stop_is_told(app: APIFlask, administrator: FlaskClient) -> None:
    happened(app, chosen=40, confirmed=33, made=20)
    shown = table(read_month(administrator), "online")
    assert list(shown.values()) == ["7", "13", "20"]


def test_a_year_adds_its_months_up_and_answers_the_national_statistics(
    app: APIFlask,
    administrator: FlaskClient,
    town: Town,
    clock: Clock,
) -> None:
    for month in (2, 5, 9):
        lent(town, clock, date(YEAR, month, 3), book=80, dvd=20)
    page = read_page(administrator.get(f"{PAGE}?year={YEAR}&month=0"))
    assert table(page, "key")["Loans"] == "300"
    assert table(page, "loan-months")["February"] == "100"
    words = page.get_text(" ", strip=True)
    assert "Førstegangslån, fysiske medier 300" in words
    assert "Utlån i alt, førstegangslån og fornyelser 300" in words
    assert "Besøkende –" in words


def test_a_month_that_is_over_has_its_weeks_too(app: APIFlask, administrator: FlaskClient) -> None:
    happened(app, card=12)
    weeks = week_rows(read_month(administrator))
    assert weeks["Cards issued"] == ["0 to 9", "10 to 19", "0 to 9", "0 to 9", "0 to 9", "0 to 9"]


@pytest.mark.parametrize(("today", "newest"), [("2026-06-01", "2026-04-01"), ("2026-06-02", "2026-05-01")])
def test_a_month_is_shown_from_the_second_day_after_it(today: str, newest: str) -> None:
    assert last_month(date.fromisoformat(today)) == date.fromisoformat(newest)


def test_the_file_has_what_the_page_has_and_no_formula(
    app: APIFlask,
    administrator: FlaskClient,
    town: Town,
    clock: Clock,
) -> None:
    happened(app, phone=300, wallet=3, looked_up=6)
    lent(town, clock, date(YEAR, 6, 3), book=80)
    with town.library(ULLENSAKER).database.writing() as session:
        tx = Transaction(session, town.library(ULLENSAKER).policy_at(clock()), clock())
        then = Transaction(session, tx.policy, clock().replace(year=YEAR, month=6, day=4))
        count(then, "loan", "=1+1", 20)
    answer = administrator.get(f"{FILE}?year={YEAR}&month=6")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="2025-06.csv"'
    head, *rows = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";")
    assert len(head) == 6
    by_part = {(row[1], row[2]): row[3:] for row in rows}
    assert by_part["Cards shown here", "In a wallet"] == ["under 5", "1", "4"]
    assert by_part["Cards shown here", "On the phone"] == ["299 to 302", "299", "302"]
    assert by_part["Loans", "'=1+1"] == ["20", "20", "20"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_another_librarys_numbers_are_not_among_them(app: APIFlask, administrator: FlaskClient) -> None:
    with app.app_context(), writing():
        add_totals({("Mull", date(YEAR, 6, 3), Kind.CARD, ""): 77})
    assert "77" not in table(read_month(administrator), "key").values()


def test_for_other_staff_the_numbers_are_not_there(desk: FlaskClient) -> None:
    assert desk.get(PAGE).status_code == desk.get(FILE).status_code == 404


def test_a_silent_loans_system_leaves_the_registers_numbers(app: APIFlask, administrator: FlaskClient) -> None:
    happened(app, card=12)

    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone")

    gone = CirculationSystem(
        client=httpx.Client(transport=httpx.MockTransport(refuse)),
        url="http://gone.invalid",
        library_id=ULLENSAKER,
        user="u",
        password="p",
    )
    app.extensions["ils"] = Systems({ULLENSAKER: gone})
    page = read_month(administrator)
    assert table(page, "key")["Cards issued"] == "12"
    assert "We could not fetch the numbers of loans." in page.get_text()


def test_a_period_that_makes_no_sense_is_the_newest_month(administrator: FlaskClient) -> None:
    for asked in ("year=x", "year=1&month=99", "year=9999&month=1", "year=2026&month=-3"):
        assert administrator.get(f"{PAGE}?{asked}").status_code == 200


def test_the_demonstration_has_a_year_of_numbers(app: APIFlask, administrator: FlaskClient, clock: Clock) -> None:
    from app.demo.numbers import seed_numbers

    with app.app_context():
        seed_numbers(now=clock())
        seed_numbers(now=clock() + timedelta(days=0))
    page = read_page(administrator.get(PAGE))
    assert table(page, "key")["Cards shown here"] not in ("0", "under 5")
    assert page.select_one("#week") is not None


def test_numbers_are_read_by_whoever_signs_in_there(new_browser: Callable[..., FlaskClient]) -> None:
    browser = new_browser()
    assert browser.get(PAGE).status_code == 302
    assert desk_log_in(browser).status_code == 302
