"""How many tries are left. A try is counted before it is made, in a transaction of its own, durably."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain

from prometheus_client import Counter
from sqlalchemy import Connection, Integer, String, TextualSelect, bindparam, text

from app.register.keys.vault import vault
from app.register.store.transaction import autonomous
from app.register.tables.columns import UtcInstant
from app.rules.clocks import LEEWAY, is_ahead
from app.rules.errors import RuleBroken
from app.rules.pins.pin import WIDE, Budget
from app.rules.pins.source import source_of

_RIGHT_CARD = Budget("right card", limit=0, seconds=24 * 3600)
_RIGHT_CARDS = Budget("right cards", limit=0, seconds=24 * 3600)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Another request may take the last try of one way between reading and counting; then the next way is tried.
_ROUNDS = 3

_refusals = Counter("lanekort_budget_refusals", "Tries refused because a budget is used up", ("purpose",))


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter's value, and when it is reset (UTC)."""

    taken: int
    free_at: datetime


Try = tuple[Budget, str]
"""A budget, and whose it is, in clear. Only a keyed hash of that is stored."""


@dataclass(frozen=True, slots=True)
class FirstOf:
    """Alternative ways to make one try, each of several budgets. The first with room is counted, and only that."""

    ways: tuple[tuple[Try, ...], ...]


Need = Try | FirstOf


def _subject(attempt: Try) -> str:
    budget, whose = attempt
    return vault.subject(f"{budget.purpose}:{whose}")


class TooManyAttempts(RuleBroken):
    """A budget is used up. `retry_after` is in seconds; `purpose` is the budget's, of several ways the first's."""

    def __init__(self, retry_after: int, purpose: str = "") -> None:
        super().__init__()
        self.retry_after = retry_after
        self.purpose = purpose


def from_source(budget: Budget, address: str) -> list[Try]:
    """Return the tries that a request from a network address costs: of its source, and for IPv6 also of its /48."""
    source = source_of(address)
    near = (budget, source.near)
    if source.wide == source.near:
        return [near]
    return [(replace(budget, purpose=f"{budget.purpose} wide", limit=WIDE * budget.limit), source.wide), near]


def count_try(connection: Connection, *, purpose: str, subject: str, seconds: int, now: datetime) -> Counted:
    """Add one to a counter that is reset `seconds` after its first try, and return it."""
    budget = Budget(purpose, limit=0, seconds=seconds)
    return _add(connection, {subject: (budget, 1)}, now=now)[subject]


def take_tries(*, tries: Sequence[Need], now: datetime) -> list[Try]:
    """Count one try in each budget, or in none of them if one is used up.

    Returns what was counted, for `give_back_tries`. Raises TooManyAttempts for the first budget in the order given that
    is used up.
    """
    refusal = TooManyAttempts(retry_after=1)
    with autonomous() as connection:
        for _ in range(_ROUNDS):
            counters = _read(connection, tries, now=now)
            chosen = list(chain.from_iterable(counters.choose(need) for need in tries))
            used_up = _take(connection, chosen, counters, now=now)
            if used_up is None:
                return chosen
            refusal = used_up
    raise refusal


def give_back_tries(*, tries: Sequence[Try]) -> None:
    """Give back what `take_tries` counted: only failures count."""
    with autonomous() as connection:
        _add(connection, _per_subject(tries, -1), now=_LONG_AGO)


def give_back_right_tries(*, tries: Sequence[Try], card: str, address: str, now: datetime) -> None:
    """Give back the tries of a card that signed in, and count the card among those that did at its source today.

    The address is empty for a machine, whose budgets do not grow.
    """
    source = source_of(address)
    places = {source.near, source.wide} if address else set()
    marks = {_subject((_RIGHT_CARD, f"{_day(now)} {place} {card}")): place for place in places}
    with autonomous() as connection:
        counted = _add(connection, _per_subject(tries, -1) | dict.fromkeys(marks, (_RIGHT_CARD, 1)), now=now)
        first = [place for subject, place in marks.items() if counted[subject].taken == 1]
        if first:
            _add(connection, _per_subject([(_RIGHT_CARDS, f"{_day(now)} {place}") for place in first], 1), now=now)


def _per_subject(tries: Iterable[Try], change: int) -> dict[str, tuple[Budget, int]]:
    changes: dict[str, tuple[Budget, int]] = {}
    for each in tries:
        subject = _subject(each)
        changes[subject] = (each[0], changes.get(subject, (each[0], 0))[1] + change)
    return changes


def _day(instant: datetime) -> str:
    return instant.astimezone(UTC).date().isoformat()


def _cards_at(whose: str, now: datetime) -> list[Try]:
    """Return the counters of today's and yesterday's cards, so that a school's morning does not start at zero."""
    return [(_RIGHT_CARDS, f"{_day(now - timedelta(days=ago))} {whose}") for ago in (0, 1)]


def _budgets_in(needs: Iterable[Need]) -> Iterable[Try]:
    for need in needs:
        yield from chain.from_iterable(need.ways) if isinstance(need, FirstOf) else (need,)


@dataclass(frozen=True, slots=True)
class _Counters:
    """The counters that a try may need, by subject, as they were at `now`."""

    values: Mapping[str, tuple[int, datetime]]
    now: datetime

    def choose(self, need: Need) -> tuple[Try, ...]:
        """Return the first way with room. Raises TooManyAttempts where none has."""
        ways = need.ways if isinstance(need, FirstOf) else ((need,),)
        waits: list[datetime] = []
        for way in ways:
            full = [self._counted(each).free_at for each in way if self._counted(each).taken >= self.limit(each)]
            if not full:
                return way
            waits.append(max(full))
        raise _refusal(ways[0][0], min(waits), now=self.now)

    def limit(self, attempt: Try) -> int:
        budget, whose = attempt
        if not budget.per_card:
            return budget.limit
        cards = max(self.values.get(_subject(each), (0, self.now))[0] for each in _cards_at(whose, self.now))
        return budget.limit + int(budget.per_card * cards)

    def _counted(self, attempt: Try) -> Counted:
        window = timedelta(seconds=attempt[0].seconds)
        taken, since = self.values.get(_subject(attempt), (0, self.now))
        is_stale = since <= self.now - window or is_ahead(since, now=self.now)
        return Counted(0 if is_stale else taken, since + window)


def _read(connection: Connection, needs: Sequence[Need], *, now: datetime) -> _Counters:
    """Read the counters first, so that refused requests write nothing."""
    wanted = list(_budgets_in(needs))
    wanted += [each for budget, whose in wanted if budget.per_card for each in _cards_at(whose, now)]
    keys = list(dict.fromkeys((each[0].purpose, _subject(each)) for each in wanted))
    asked = {f"purpose{number}": purpose for number, (purpose, _) in enumerate(keys)}
    asked |= {f"subject{number}": subject for number, (_, subject) in enumerate(keys)}
    return _Counters({row.subject: (row.taken, row.since) for row in connection.execute(_find(len(keys)), asked)}, now)


@lru_cache
def _find(keys: int) -> TextualSelect:
    either = " OR ".join(f"(purpose = :purpose{n} AND subject = :subject{n})" for n in range(keys))
    found = text(f"SELECT subject, taken, since FROM attempt_counts WHERE {either}")  # noqa: S608 - numbers alone
    return found.columns(subject=String, taken=Integer, since=UtcInstant)


def _refusal(attempt: Try, free_at: datetime, *, now: datetime) -> TooManyAttempts:
    _refusals.labels(attempt[0].purpose).inc()
    # No longer than the window, also where a fast clock began it.
    seconds = min(int((free_at - now).total_seconds()), attempt[0].seconds)
    return TooManyAttempts(retry_after=max(1, seconds), purpose=attempt[0].purpose)


def _take(
    connection: Connection, chosen: Sequence[Try], counters: _Counters, *, now: datetime
) -> TooManyAttempts | None:
    """Count the tries; if other requests used up a budget meanwhile, give all of them back and return the refusal."""
    counted = _add(connection, _per_subject(chosen, 1), now=now)
    for each in chosen:
        own = counted[_subject(each)]
        if own.taken > counters.limit(each):
            _add(connection, _per_subject(chosen, -1), now=_LONG_AGO)
            return _refusal(each, own.free_at, now=now)
    return None


def _add(connection: Connection, changes: Mapping[str, tuple[Budget, int]], *, now: datetime) -> dict[str, Counted]:
    """Change counters by subject, in one atomic statement, and return them. A change below zero keeps the window."""
    if not changes:
        return {}
    # In one order, against deadlocks.
    ordered = sorted(changes.items())
    asked: dict[str, object] = {"now": now, "ahead": max(now, _LONG_AGO) + LEEWAY}
    for number, (subject, (budget, change)) in enumerate(ordered):
        asked |= {f"purpose{number}": budget.purpose, f"subject{number}": subject, f"change{number}": change}
        asked[f"first{number}"] = max(0, change)
        asked[f"old{number}"] = now - timedelta(seconds=budget.seconds)
    rows = connection.execute(_statement(len(ordered)), asked)
    return {
        row.subject: Counted(row.taken, row.since + timedelta(seconds=changes[row.subject][0].seconds)) for row in rows
    }


@lru_cache
def _statement(rows: int) -> TextualSelect:
    numbers = range(rows)
    values = ", ".join(f"(:purpose{n}, :subject{n}, :now, :first{n})" for n in numbers)
    change = " ".join(f"WHEN :subject{n} THEN :change{n}" for n in numbers)
    old = " ".join(f"WHEN :subject{n} THEN :old{n}" for n in numbers)
    change, old = (f"CASE attempt_counts.subject {cases} END" for cases in (change, old))
    stale = f"({change} > 0 AND (attempt_counts.since <= {old} OR attempt_counts.since > :ahead))"
    statement = text(
        f"""
        INSERT INTO attempt_counts (purpose, subject, since, taken) VALUES {values}
        ON CONFLICT (purpose, subject) DO UPDATE SET
            taken = CASE WHEN {stale} THEN excluded.taken
                         WHEN attempt_counts.taken + {change} > 0 THEN attempt_counts.taken + {change} ELSE 0 END,
            since = CASE WHEN {stale} THEN excluded.since ELSE attempt_counts.since END
        RETURNING subject, taken, since
        """  # noqa: S608 - put together from the constants above and numbers
    )
    instants = [bindparam(name, type_=UtcInstant()) for name in ("now", "ahead", *(f"old{n}" for n in numbers))]
    numbers_ = [bindparam(f"{name}{n}", type_=Integer()) for name in ("change", "first") for n in numbers]
    return statement.bindparams(*instants, *numbers_).columns(subject=String, taken=Integer, since=UtcInstant)
