"""A PIN is four ASCII digits, and guesses are few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.pins.pin import ALL, CARD_DAY, CARD_SOON, CARD_SPARE, SOURCE, STRICT_ALL, is_pin


@given(number=st.integers(0, 9999))
def test_four_digits_are_a_pin(number):
    assert is_pin(f"{number:04d}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "471",
        "47191",
        " 4719",
        "4719\n",
        "47 19",
        "471x",
        "-471",
        "٤٧١٩",
        "４７１９",
        "471²",
        "471\x00",
        "4" * 100_000,
    ],
)
def test_anything_else_is_no_pin(text):
    assert not is_pin(text)


def test_a_month_of_guessing_at_one_card_finds_its_pin_less_than_once_in_twenty():
    assert (CARD_DAY.limit + CARD_SPARE.limit) * 30 < 10_000 / 20
    # All of a door's own tries may come at once; what the doors share has to be waited for.
    assert CARD_SOON.limit <= CARD_DAY.limit < CARD_DAY.limit + CARD_SPARE.limit < SOURCE.limit < ALL.limit


def test_a_day_of_one_guess_on_each_of_many_cards_finds_fewer_than_thirty_pins():
    guesses_a_day = ALL.limit * 86400 / ALL.seconds + STRICT_ALL.limit * 86400 / STRICT_ALL.seconds
    assert guesses_a_day / 10_000 < 30
