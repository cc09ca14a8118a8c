"""No PIN that a stranger would try first is chosen or drawn; every other one may be."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.pins.pin_choice import COMMON, Fault, Guessable, draw_good_pin, find_fault

SOMEBODY = Guessable(date(1983, 8, 5), ("N000106188", "+4799912345", "2050"))
EVERY_PIN = [f"{number:04d}" for number in range(10_000)]
DAYS = st.dates(date(1900, 1, 1), date(2026, 12, 31))


def fault_of(pin: str, of: Guessable = SOMEBODY) -> Fault | None:
    return find_fault(pin, of=of)


@pytest.mark.parametrize(
    "pin",
    [
        "0000",
        "9999",
        "1234",
        "0123",
        "4321",
        "9876",
        "7890",
        "8901",
        "2468",
        "1212",
        "6969",
        "1122",
        "1221",
        "1900",
        "1999",
        "2000",
        "2026",
        "2580",
        "0852",
        "1478",
        "1236",
        "7913",
        "1397",
        "5683",
        "1004",
        "0007",
    ],
)
def test_what_many_people_choose_is_refused(pin):
    assert fault_of(pin) is Fault.COMMON


@pytest.mark.parametrize(
    "pin",
    ["0508", "0805", "1983", "0583", "0883", "8305", "8308", "5883", "8583", "3508", "5819", "0819"],
)
def test_the_birth_date_is_refused_however_it_is_written(pin):
    assert fault_of(pin) in (Fault.BIRTH_DATE, Fault.COMMON)
    assert find_fault(pin, of=Guessable(date(1967, 11, 24), ())) in (None, Fault.COMMON)


@pytest.mark.parametrize("pin", ["0001", "0106", "6188", "4799", "9991", "2345", "2050"])
def test_parts_of_own_numbers_are_refused(pin):
    assert fault_of(pin) is not None


@pytest.mark.parametrize("pin", ["0618", "6188", "9123"])
def test_an_own_number_is_named_as_the_reason(pin):
    numbers = ("N000106188", "+4799912345")
    assert find_fault(pin, of=Guessable(date(1950, 4, 27), numbers)) is Fault.OWN_NUMBER


@pytest.mark.parametrize("pin", ["", "471", "47190", "٤٧١٩", " 4719", "471x"])
def test_what_is_no_pin_is_no_good_one(pin):
    assert fault_of(pin) is Fault.NOT_FOUR_DIGITS


@given(day=DAYS)
def test_day_month_and_year_are_refused_in_every_order(day):
    of = Guessable(day, ())
    parts = [f"{day:%d}", f"{day:%m}", f"{day:%y}"]
    for first in parts:
        for second in parts:
            if first is not second:
                assert find_fault(first + second, of=of) is not None
    assert find_fault(f"{day.year:04d}", of=of) is not None


@given(day=DAYS, numbers=st.lists(st.from_regex(r"[N+]?[0-9]{0,12}", fullmatch=True), max_size=3))
def test_the_list_leaves_nine_of_ten_pins_and_what_is_drawn_is_never_on_it(day, numbers):
    of = Guessable(day, tuple(numbers))
    asked: list[str] = []

    def choose(good):
        asked.extend(good)
        return good[-1]

    assert find_fault(draw_good_pin(of=of, choose=choose), of=of) is None
    assert len(asked) > 9_000


def test_drawing_is_among_every_good_pin_once():
    drawn_from: list[str] = []
    draw_good_pin(of=SOMEBODY, choose=lambda good: drawn_from.extend(good) or good[0])
    assert drawn_from == [pin for pin in EVERY_PIN if fault_of(pin) is None]


def test_the_common_ones_are_few():
    assert 500 < len(COMMON) < 700
