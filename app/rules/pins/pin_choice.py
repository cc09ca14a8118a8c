"""PINs that are too easy to guess, for anybody or for one patron. They are neither chosen nor drawn.

Sources. The blocklist: Markert et al., "This PIN Can
Be Easily Guessed" (IEEE S&P 2020); birth dates: Bonneau et al., "A birthday present every eleven wallets?" (FC 2012).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise, permutations, product
from typing import Final

from app.rules.errors import RuleBroken
from app.rules.pins.pin import is_pin

_LENGTH = 4
_EVERY_PIN = tuple(f"{number:04d}" for number in range(10_000))

# The rows of a keypad. A PIN of adjacent keys, in a line or with one turn, is common.
_KEYS = {key: (row, column) for row, keys in enumerate(("123", "456", "789", " 0 ")) for column, key in enumerate(keys)}
_CORNERS = frozenset("1379")
_CROSS = frozenset("2468")
# Words on a keypad (5683 is LOVE), and other PINs at the top of lists of stolen ones.
_FAMOUS = frozenset({"5683", "1004", "0007", "0070", "1007", "4711", "1337", "3141", "2718", "1123", "1230", "0911"})


class Fault(StrEnum):
    """Why a PIN may not be chosen."""

    NOT_FOUR_DIGITS = "not-four-digits"
    COMMON = "common"
    BIRTH_DATE = "birth-date"
    OWN_NUMBER = "own-number"
    AS_BEFORE = "as-before"


class PinNotGood(RuleBroken):
    """The PIN may not be chosen."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Guessable:
    """What the finder of a patron's wallet knows. `numbers`: card number, telephone, postcode."""

    birth_date: date
    numbers: tuple[str, ...]


def find_fault(pin: str, *, of: Guessable) -> Fault | None:
    """Return why the PIN is too easy to guess; None if it is good."""
    if not is_pin(pin):
        return Fault.NOT_FOUR_DIGITS
    if pin in COMMON:
        return Fault.COMMON
    if pin in _parts_of_date(of.birth_date):
        return Fault.BIRTH_DATE
    return Fault.OWN_NUMBER if pin in _parts_of_numbers(of.numbers) else None


def draw_good_pin(*, of: Guessable, choose: Callable[[Sequence[str]], str]) -> str:
    """Draw one of all good PINs. `choose` picks one of a sequence, such as `secrets.choice`."""
    bad = COMMON | _parts_of_date(of.birth_date) | _parts_of_numbers(of.numbers)
    return choose([pin for pin in _EVERY_PIN if pin not in bad])


def _is_common(pin: str) -> bool:
    start, end = pin[:2], pin[2:]
    twice = end in (start, start[::-1]) or (start[0] == start[1] and end[0] == end[1])
    is_year = start in ("19", "20")
    return twice or is_year or _is_row(pin) or _is_on_keys(pin) or pin in _FAMOUS


def _is_row(pin: str) -> bool:
    # 1234, 9876, 2468 and 0000, round the end too: 8901.
    steps = {(int(later) - int(earlier)) % 10 for earlier, later in pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 2, 8, 9}


def _is_on_keys(pin: str) -> bool:
    if len(set(pin)) == _LENGTH and set(pin) in (_CORNERS, _CROSS):
        return True
    places = [_KEYS[key] for key in pin]
    moves = [(to[0] - at[0], to[1] - at[1]) for at, to in pairwise(places)]
    if any(abs(down) + abs(right) != 1 for down, right in moves):
        return False
    # Side by side all the way, and no more than one turn: 2580, 1478, 1236.
    return sum(earlier != later for earlier, later in pairwise(moves)) <= 1


COMMON: Final = frozenset(pin for pin in _EVERY_PIN if _is_common(pin))
"""PINs that are easy to guess for anybody: patterns, years, and adjacent keys."""


def _parts_of_date(day: date) -> frozenset[str]:
    # Every four consecutive digits of the date, in any order of its parts and in short and long forms.
    days, months = {f"{day:%d}", str(day.day)}, {f"{day:%m}", str(day.month)}
    years = {f"{day.year:04d}", f"{day.year % 100:02d}"}
    written = [
        "".join(parts)
        for count in (2, 3)
        for chosen in permutations((days, months, years), count)
        for parts in product(*chosen)
    ]
    return frozenset(part for text in written for part in _windows(text))


def _parts_of_numbers(numbers: Sequence[str]) -> frozenset[str]:
    digits = ("".join(filter(str.isdecimal, number)) for number in numbers)
    return frozenset(part for number in digits for part in _windows(number))


def _windows(digits: str) -> Iterator[str]:
    return (digits[start : start + _LENGTH] for start in range(len(digits) - _LENGTH + 1))
