"""Lånernummer: `N` and nine digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.card.number import NotACardNumber, group_card_number, parse_card_number

NUMBERS = st.integers(0, 10**9 - 1).map("N{:09d}".format)


@given(number=NUMBERS)
def test_a_number_as_it_is_printed_is_read(number):
    assert parse_card_number(number) == number


@given(number=NUMBERS)
def test_the_ways_in_which_people_type_it_are_forgiven(number):
    for typed in (number.lower(), number[1:], f" {number} ", group_card_number(number), f"n {number[1:]}"):
        assert parse_card_number(typed) == number


def test_the_number_is_read_aloud_in_groups_of_three():
    assert group_card_number("N000106188") == "N 000 106 188"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "N",
        "N00010618",
        "N0001061888",
        "M000106188",
        "NN00106188",
        "N00010618x",
        "N-000106188",
        "0001061888",
        "N00010618²",
        "ɴ000106188",
        "9" * 100_000,
    ],
)
def test_anything_else_is_no_card_number(text):
    with pytest.raises(NotACardNumber):
        parse_card_number(text)


@given(text=st.text(max_size=12))
def test_whatever_is_accepted_has_the_one_form(text):
    try:
        number = parse_card_number(text)
    except NotACardNumber:
        return
    assert number.isascii()
    assert (number[0], len(number), number[1:].isdigit()) == ("N", 10, True)
