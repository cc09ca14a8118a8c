"""What happened at the demonstration's libraries in the last year, invented."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from app.demo.accounts import LIBRARIES
from app.register.store.transaction import writing
from app.register.totals.counting import add_totals
from app.register.totals.reading import first_year
from app.rules.card.scan import Reason
from app.rules.library.figures import CHOSEN, CONFIRMED, LOOKED_UP, MADE, PHONE, WALLET, Kind
from app.rules.people.ages import day_in_norway

_DAYS: Final = 400
_OPEN: Final = ("10", "11", "12", "13", "14", "15", "16", "17", "18")
_PER_HOUR: Final = {"Mull": 4}
_OTHERS_PER_HOUR: Final = 12
_REASONS: Final = ((Reason.REPLAY, 0.02), (Reason.CLOCK, 0.01), (Reason.MISREAD, 0.008), (Reason.EXPIRED, 0.004))


@writing()
def seed_numbers(*, now: datetime) -> None:
    """Add totals of the year before today, where there are none. The same day gives the same numbers."""
    today = day_in_norway(now)
    for library_id in LIBRARIES:
        if first_year(library_id=library_id) in (None, today.year):
            chance = Random(library_id)  # noqa: S311 - nothing that must not be guessed
            for number in range(1, _DAYS):
                add_totals(_day(library_id, today - timedelta(days=number), chance))


def _day(library_id: str, day: date, chance: Random) -> dict[tuple[str, date, Kind, str], int]:
    usual = _PER_HOUR.get(library_id, _OTHERS_PER_HOUR) * (0.6 if day.month == 7 else 1.0)
    in_use = {(library_id, day, Kind.ACTIVE, ""): round(usual * 30) * 10} if day.day == 1 else {}
    if day.weekday() == 6:
        return in_use
    hours = {hour: round(chance.triangular(0, 2 * usual, usual if hour < "15" else 1.3 * usual)) for hour in _OPEN}
    shown = sum(hours.values())
    wallets, looked_up = round(shown * 0.17), round(shown * 0.09)
    issued = round(chance.triangular(0, usual * 0.5, usual * 0.1))
    chosen = round(chance.triangular(0, usual * 0.3, 0))
    counted = {(Kind.HOUR, hour): number for hour, number in hours.items()} | {
        (Kind.MEANS, PHONE): shown - wallets - looked_up,
        (Kind.MEANS, WALLET): wallets,
        (Kind.MEANS, LOOKED_UP): looked_up,
        (Kind.CARD, ""): issued,
        (Kind.ACTIVATION, ""): issued + round(chance.triangular(0, usual * 0.4, 0)),
        (Kind.ONLINE, CHOSEN): chosen,
        (Kind.ONLINE, CONFIRMED): chosen - (chance.random() < 0.2 and chosen > 0),
        (Kind.ONLINE, MADE): chosen - (chance.random() < 0.3 and chosen > 0),
    }
    counted |= {(Kind.REFUSAL, each.value): round(shown * share * chance.uniform(0, 2)) for each, share in _REASONS}
    return in_use | {(library_id, day, kind, part): int(number) for (kind, part), number in counted.items() if number}
