"""What tests of acts at the same moment share."""

from typing import Any

from tests.circulation.conftest import ANNA, Building

Act = tuple[str, dict[str, Any]]


def card(number: int) -> str:
    return f"N{number:09}"


def lend_late_film(mull: Building, barcode: str = "1001", to: str = ANNA) -> None:
    mull.stock(barcode, category="dvd")
    mull.lend(barcode, to=to)
    mull.clock.turn(days=7 + 10)
