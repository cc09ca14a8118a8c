"""Ask many libraries at once what a family has there. Nothing is kept: the next page asks again."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial

from app.ils.budget import BUDGET_SECONDS, start
from app.ils.port import Account, LibrarySystem, Unavailable
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


def ask_libraries(
    *, systems: Systems, wanted: Mapping[str, Sequence[str]], timeout: float = BUDGET_SECONDS
) -> Overview:
    """Ask each library once about all the card numbers `wanted` from it, all libraries at the same time.

    Returns after `timeout` seconds at the latest: a library that has not answered by then counts as unavailable, and
    its call is left to end by itself. Raises nothing that a library could cause.
    """
    unconnected = tuple(library_id for library_id in wanted if systems.get(library_id) is None)
    calls = {
        library_id: start(partial(_ask, system, cards))
        for library_id, cards in wanted.items()
        if (system := systems.get(library_id)) is not None and cards
    }
    wait(calls.values(), timeout=timeout)
    accounts: dict[str, tuple[Account, ...]] = {}
    unavailable = []
    for library_id, call in calls.items():
        error = call.exception() if call.done() else Unavailable("too_slow")
        if error is None:
            accounts[library_id] = call.result()
            continue
        unavailable.append(library_id)
        # An error's own words might quote an answer; its kind does not.
        reason = error.reason if isinstance(error, Unavailable) else type(error).__name__
        _log.warning("library unavailable: %s (%s)", library_id, reason)
    return Overview(accounts, tuple(unavailable), unconnected)


def _ask(system: LibrarySystem, card_numbers: Sequence[str]) -> tuple[Account, ...]:
    return tuple(system.accounts(card_numbers=card_numbers))
