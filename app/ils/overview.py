"""Ask many libraries at the same time. Nothing is kept: the next page asks again."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial

from app.ils.budget import BUDGET_SECONDS, start
from app.ils.circulation.system import CirculationSystem
from app.ils.port import Account, LibrarySystem, T, Unavailable
from app.ils.systems import Systems

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overview:
    """The accounts by library, in the order asked; the libraries that do not answer now, and those that the settings
    connect to no system."""

    accounts: Mapping[str, tuple[Account, ...]]
    unavailable: tuple[str, ...]
    unconnected: tuple[str, ...]

    def of(self, card_number: str) -> list[tuple[str, Account]]:
        """Return one card's accounts, each with its library's id."""
        return [
            (library_id, account)
            for library_id, accounts in self.accounts.items()
            for account in accounts
            if account.card_number == card_number
        ]


@dataclass(frozen=True, slots=True)
class Keeps:
    """What a library must keep: how many of a kind, and for debts the amount in the smallest unit of its currency.

    The kinds are those of our circulation: open_loans, unpaid_debts (`count` 0 where it is unknown), ordered_requests.
    """

    kind: str
    count: int
    amount: int | None = None
    currency: str = ""


def ask_libraries(
    *, systems: Systems, wanted: Mapping[str, Sequence[str]], timeout: float = BUDGET_SECONDS
) -> Overview:
    """Ask each library once for all the card numbers `wanted` from it.

    Returns after `timeout` seconds at the latest: a library that has not answered by then counts as unavailable, and
    its call is left to end by itself. Raises nothing that a library could cause.
    """
    accounts: dict[str, tuple[Account, ...]] = {}
    unavailable = []
    for library_id, call in _ask_each(_accounts, systems, wanted, timeout).items():
        error = call.exception() if call.done() else Unavailable("too_slow")
        if error is None:
            accounts[library_id] = call.result()
            continue
        unavailable.append(library_id)
        # An error's own words might quote an answer; its kind does not.
        reason = error.reason if isinstance(error, Unavailable) else type(error).__name__
        _log.warning("library unavailable: %s (%s)", library_id, reason)
    unconnected = tuple(library_id for library_id in wanted if systems.get(library_id) is None)
    return Overview(accounts, tuple(unavailable), unconnected)


def ask_what_is_kept(
    *, systems: Systems, library_ids: Collection[str], card_number: str, timeout: float = BUDGET_SECONDS
) -> Mapping[str, tuple[Keeps, ...]]:
    """Return what each library must keep of somebody who is about to be erased; nothing is changed.

    A library that is not connected or does not answer within `timeout` seconds is left out. Raises nothing that a
    library could cause.
    """
    calls = _ask_each(_kept, systems, {each: [card_number] for each in library_ids}, timeout)
    return _answered(calls)


def find_copies(
    *, systems: Systems, library_ids: Collection[str], barcode: str, staff: str, timeout: float = BUDGET_SECONDS
) -> Mapping[str, str]:
    """Return the title of the copy with this barcode, by the id of each library that has one in its own stock.

    A library that does not answer within `timeout` seconds is left out. Raises nothing that a library could cause.
    """

    def find(system: LibrarySystem, _cards: Sequence[str]) -> str:
        if not isinstance(system, CirculationSystem):
            return ""
        item = system.show_item(barcode=barcode, staff=staff)
        return "" if item.interlibrary else item.title

    calls = _ask_each(find, systems, dict.fromkeys(library_ids, (barcode,)), timeout)
    return {library_id: title for library_id, title in _answered(calls).items() if title}


def _ask_each(
    question: Callable[[LibrarySystem, Sequence[str]], T],
    systems: Systems,
    cards: Mapping[str, Sequence[str]],
    timeout: float,
) -> dict[str, Future[T]]:
    calls = {
        library_id: start(partial(question, system, numbers))
        for library_id, numbers in cards.items()
        if (system := systems.get(library_id)) is not None and numbers
    }
    wait(calls.values(), timeout=timeout)
    return calls


def _answered(calls: Mapping[str, Future[T]]) -> dict[str, T]:
    return {library_id: call.result() for library_id, call in calls.items() if call.done() and call.exception() is None}


def _accounts(system: LibrarySystem, card_numbers: Sequence[str]) -> tuple[Account, ...]:
    return tuple(system.accounts(card_numbers=card_numbers))


def _kept(system: LibrarySystem, card_numbers: Sequence[str]) -> tuple[Keeps, ...]:
    (card_number,) = card_numbers
    if isinstance(system, CirculationSystem):
        kept = system.end_patron(card_number=card_number, dry_run=True).kept
        currency = system.rules().currency if any(one.amount for one in kept) else ""
        return tuple(Keeps(one.kind, one.count, one.amount, currency) for one in kept)
    # Of other systems only the account is known.
    (account,) = system.accounts(card_numbers=card_numbers)
    if account.debt_total is None or account.unread_loans != 0 or account.unread_holds != 0:
        raise Unavailable("bad_answer")
    kept_here = (
        Keeps("open_loans", len(account.loans)),
        Keeps("unpaid_debts", len(account.fees), account.debt_total or None, account.currency),
        Keeps("ordered_requests", len(account.requests)),
    )
    return tuple(one for one in kept_here if one.count or one.amount)
