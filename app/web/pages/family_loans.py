"""What a patron and those who permit it have at their libraries, asked for now and kept nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.ils.overview import ask_libraries
from app.ils.port import Account, Block, Hold, Loan, Request, due_order
from app.register.card.families import Seen, view_family
from app.register.patron.patrons import list_affiliations
from app.web.clock import now
from app.web.gate import library_systems

_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class AtLibrary:
    """What one person has at one library."""

    library_id: str
    library: str
    account: Account


@dataclass(frozen=True, slots=True)
class PersonsLoans:
    """One person on the page; `permission_id` is None for oneself."""

    permission_id: int | None
    name: str
    libraries: Sequence[AtLibrary]

    @property
    def loans(self) -> list[tuple[AtLibrary, Loan]]:
        """Return the loans at all libraries, the first due date first."""
        return sorted(
            ((at, loan) for at in self.libraries for loan in at.account.loans), key=lambda at: due_order(at[1])
        )

    @property
    def holds(self) -> list[tuple[AtLibrary, Hold]]:
        """Return the reservations, those first that are ready."""
        return sorted(
            ((at, hold) for at in self.libraries for hold in at.account.holds), key=lambda at: not at[1].ready
        )

    @property
    def ready(self) -> list[tuple[AtLibrary, Hold]]:
        """Return the reservations that can be collected, those first that are kept the shortest."""
        found = [(at, hold) for at, hold in self.holds if hold.ready]
        return sorted(found, key=lambda at: at[1].fetch_before or date.max)

    @property
    def requests(self) -> list[tuple[AtLibrary, Request]]:
        """Return what the libraries are asked to fetch from others."""
        return [(at, request) for at in self.libraries for request in at.account.requests]

    @property
    def blocks(self) -> list[tuple[AtLibrary, Block]]:
        """Return where the card may not borrow, and why."""
        return [(at, block) for at in self.libraries for block in at.account.blocks]

    @property
    def owed(self) -> list[tuple[str, int, int]]:
        """Return what is owed, currency by currency: booked already, and grown so far on what is overdue."""
        accounts = [at.account for at in self.libraries]
        sums = [
            (
                currency,
                sum(account.debt_total or 0 for account in accounts if account.currency == currency),
                sum(account.running_fees for account in accounts if account.currency == currency),
            )
            for currency in dict.fromkeys(account.currency for account in accounts)
        ]
        return [(currency, booked, running) for currency, booked, running in sums if booked or running]

    @property
    def unknown_debts(self) -> list[str]:
        """Return the libraries where it is unknown what is owed."""
        return [at.library for at in self.libraries if at.account.debt_total is None]

    @property
    def is_partly_unread(self) -> bool:
        """Tell whether a library has loans or reservations that could not be read."""
        return any(at.account.unread_loans != 0 or at.account.unread_holds != 0 for at in self.libraries)

    def due_soon(self, day: date) -> list[tuple[AtLibrary, Loan]]:
        """Return what is overdue or due within a week of `day`, the first due date first."""
        return [(at, loan) for at, loan in self.loans if loan.overdue or _is_due_in_a_week(loan, day)]

    def next_due(self, day: date) -> date | None:
        """Return the first due date that is later than what `due_soon` has; None where there is none."""
        return min(
            (loan.due_on for _at, loan in self.loans if loan.due_on and not _is_due_in_a_week(loan, day)), default=None
        )

    def must_act(self, day: date) -> bool:
        """Tell whether anything is overdue, due within a week, ready, owed or blocked."""
        return bool(self.due_soon(day) or self.ready or self.owed or self.blocks)


def _is_due_in_a_week(loan: Loan, day: date) -> bool:
    return loan.due_on is not None and (loan.due_on - day).days <= _A_WEEK


@dataclass(frozen=True, slots=True)
class FamilyQuestion:
    """Whose loans are asked for, and which card numbers at which library. `libraries` has their names by id."""

    seen: Sequence[Seen]
    libraries: Mapping[str, str]
    wanted: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FamilyLoans:
    """What the libraries answered, oneself first, and the names of those that do not answer or are not connected."""

    people: Sequence[PersonsLoans]
    unavailable: Sequence[str]
    unconnected: Sequence[str]


def look_at_family(*, patron_id: int) -> FamilyQuestion:
    """Return what is to be asked about a patron and those who permit it; access to the others is logged first."""
    seen = view_family(guardian_id=patron_id, now=now())
    joined = list_affiliations(patron_ids=[person.patron_id for person in seen])
    names = {library_id: name for libraries in joined.values() for library_id, name in libraries.items()}
    wanted = {
        library_id: [person.card_number for person in seen if library_id in joined[person.patron_id]]
        for library_id in names
    }
    return FamilyQuestion(seen, names, wanted)


def ask_family(question: FamilyQuestion) -> FamilyLoans:
    """Ask each library once, and return what they answered within the time that a page waits."""
    overview = ask_libraries(systems=library_systems(), wanted=question.wanted)
    names = question.libraries
    people = []
    for person in question.seen:
        at = [AtLibrary(each, names[each], account) for each, account in overview.of(person.card_number)]
        people.append(PersonsLoans(permission_id=person.permission_id, name=person.name, libraries=at))
    return FamilyLoans(
        people,
        [names[library_id] for library_id in overview.unavailable],
        [names[library_id] for library_id in overview.unconnected],
    )
