"""Ask all libraries at once what they must keep of somebody who is about to be erased. Nothing is changed."""

from collections.abc import Collection, Mapping
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial

from app.ils.budget import BUDGET_SECONDS, start
from app.ils.circulation.system import CirculationSystem
from app.ils.port import LibrarySystem
from app.ils.systems import Systems


@dataclass(frozen=True, slots=True)
class Keeps:
    """What a library must keep: how many of a kind, and for debts the amount in the smallest unit of its currency.

    The kinds are those of our circulation: open_loans, unpaid_debts (`count` 0 where it is not told), ordered_requests.
    """

    kind: str
    count: int
    amount: int | None = None
    currency: str = ""


def ask_what_is_kept(
    *, systems: Systems, library_ids: Collection[str], card_number: str, timeout: float = BUDGET_SECONDS
) -> Mapping[str, tuple[Keeps, ...]]:
    """Return what each library says that it must keep; one that is not connected or does not answer is left out.

    Returns after `timeout` seconds at the latest. Raises nothing that a library could cause.
    """
    calls = {
        library_id: start(partial(_ask, system, card_number))
        for library_id in library_ids
        if (system := systems.get(library_id)) is not None
    }
    wait(calls.values(), timeout=timeout)
    return {library_id: call.result() for library_id, call in calls.items() if call.done() and call.exception() is None}


def _ask(system: LibrarySystem, card_number: str) -> tuple[Keeps, ...]:
    if isinstance(system, CirculationSystem):
        kept = system.end_patron(card_number=card_number, dry_run=True).kept
        currency = system.rules().currency if any(one.amount for one in kept) else ""
        return tuple(Keeps(one.kind, one.count, one.amount, currency) for one in kept)
    # Another system tells what the card has; whoever has neither loans nor debts leaves nothing behind.
    (account,) = system.accounts(card_numbers=[card_number])
    kept_here = (
        Keeps("open_loans", len(account.loans)),
        Keeps("unpaid_debts", len(account.fees), account.debt_total or None, account.currency),
        Keeps("ordered_requests", len(account.requests)),
    )
    return tuple(one for one in kept_here if one.count or one.amount)
