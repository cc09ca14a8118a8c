"""What the tests of a library's numbers do and read."""

from datetime import date

from bs4 import Tag

from circulation.lending.transaction import Transaction
from circulation.totals import count
from tests.conftest import Clock
from tests.town import Town

PAGE, FILE = "/desk/library/numbers", "/desk/library/numbers.csv"
ULLENSAKER = "2023500"


def lent(town: Town, clock: Clock, day: date, **counts: int) -> None:
    """Let loans by category be counted on a day."""
    library = town.library(ULLENSAKER)
    now = clock().replace(year=day.year, month=day.month, day=day.day)
    with library.database.writing() as session:
        tx = Transaction(session, library.policy_at(now), now)
        for category, number in counts.items():
            count(tx, "loan", category, number)


def table(page: Tag, name: str) -> dict[str, str]:
    """The rows of the figure with this id: count by label."""
    caption = page.find(id=f"{name}-caption")
    assert caption is not None, name
    rows = caption.find_parent("table").select("tbody tr")  # type: ignore[union-attr]
    return {row.th.get_text(strip=True): row.td.get_text(strip=True) for row in rows}  # type: ignore[union-attr]


def week_table(page: Tag) -> Tag:
    found = page.find(id="weeks")
    assert found is not None
    table = found.find_next("table")
    assert isinstance(table, Tag)
    return table


def week_rows(page: Tag) -> dict[str, list[str]]:
    rows = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in week_table(page).select("tbody tr")]
    return {row[0]: row[1:] for row in rows}
