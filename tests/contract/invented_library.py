"""What a library that is not ours knows, for the servers that answer as Koha and as a SIP2 server do."""

from abc import abstractmethod
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from tests.contract.world import NOW, TITLE, Lent, World


@dataclass
class Checkout:
    number: int
    barcode: str
    title: str
    card_number: str
    due_on: date
    renewals: int = 0


@dataclass
class Reserve:
    number: int
    barcode: str
    title: str
    card_number: str
    ready: bool
    place: str = "MULL"
    paused: bool = False
    resumes_on: str | None = None


@dataclass
class Shelves:
    """Loans, holds and fees. Loans are renewed for 28 days, unless somebody waits or it was done twice."""

    checkouts: dict[int, Checkout] = field(default_factory=dict)
    reserves: list[Reserve] = field(default_factory=list)
    fees: list[tuple[str, str, int]] = field(default_factory=list)
    cards: dict[str, int] = field(default_factory=dict)
    numbers: count = field(default_factory=lambda: count(1000))

    def patron_id(self, card_number: str) -> int:
        """Who has had anything here is a patron."""
        return self.cards.setdefault(card_number, len(self.cards) + 1)

    def check_out(self, card_number: str, title: str, due_on: date) -> Checkout:
        self.patron_id(card_number)
        number = next(self.numbers)
        self.checkouts[number] = Checkout(number, f"B{number}", title, card_number, due_on)
        return self.checkouts[number]

    def of(self, card_number: str) -> list[Checkout]:
        return [checkout for checkout in self.checkouts.values() if checkout.card_number == card_number]

    def reason_against(self, checkout: Checkout) -> str | None:
        if any(reserve.barcode == checkout.barcode for reserve in self.reserves):
            return "on_reserve"
        return "too_many" if checkout.renewals >= 2 else None

    def renew(self, checkout: Checkout) -> None:
        checkout.due_on = NOW.date() + timedelta(days=28 + 7 * (checkout.renewals + 1))
        checkout.renewals += 1


class InventedWorld(World):
    """The acts of a World on such shelves."""

    def __init__(self) -> None:
        self.shelves = Shelves()

    @abstractmethod
    def loan_id(self, checkout: Checkout) -> str:
        """Return what this kind of system calls a loan."""

    def lend(self, card_number: str, title: str = TITLE, *, days_ago: int = 0) -> Lent:
        due_on = NOW.date() + timedelta(days=28 - days_ago)
        return Lent(self.loan_id(self.shelves.check_out(card_number, title, due_on)), title, due_on)

    def checkout_of(self, lent: Lent) -> Checkout:
        return next(c for c in self.shelves.checkouts.values() if self.loan_id(c) == lent.loan_id)

    def take_back(self, lent: Lent) -> None:
        checkout = self.checkout_of(lent)
        del self.shelves.checkouts[checkout.number]
        for reserve in self.shelves.reserves:
            reserve.ready = reserve.ready or reserve.barcode == checkout.barcode

    def want(self, lent: Lent, card_number: str) -> None:
        checkout = self.checkout_of(lent)
        self.shelves.patron_id(card_number)
        number = len(self.shelves.reserves) + 1
        self.shelves.reserves.append(Reserve(number, checkout.barcode, checkout.title, card_number, False))

    def charge(self, card_number: str) -> None:
        self.shelves.patron_id(card_number)
        self.shelves.fees.append((card_number, "NEW_CARD", 2500))

    def due_on(self, lent: Lent) -> date:
        return self.checkout_of(lent).due_on
