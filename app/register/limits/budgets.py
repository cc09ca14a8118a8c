"""How many tries are left. A try is taken before it is made, in a transaction of its own, and survives a restart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain

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
# Between the look and the taking somebody else may have taken the last of one way, but there is the next.
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """Where a counter stands, and when it starts anew (UTC)."""

    taken: int
    free_at: datetime


Try = tuple[Budget, str]
"""A budget, and in clear whose it is. Only a keyed hash of that is stored."""


@dataclass(frozen=True, slots=True)
class FirstOf:
    """Ways to make one try, each some budgets. The first that has room is taken, and only that."""

    ways: tuple[tuple[Try, ...], ...]


Need = Try | FirstOf


class _Subjects(dict[tuple[str, str], str]):
    """Under what each budget's counter stands, by purpose and whose: worked out once a call, and kept no longer."""

    def __missing__(self, key: tuple[str, str]) -> str:
        purpose, whose = key
        self[key] = subject = vault.subject(f"{purpose}:{whose}")
        return subject

    def of(self, attempt: Try) -> str:
        budget, whose = attempt
        return self[budget.purpose, whose]


class TooManyAttempts(RuleBroken):
    """A budget is used up. `retry_after` is in seconds; `purpose` is the budget's, the first of several ways'."""

    def __init__(self, retry_after: int, purpose: str = "") -> None:
        super().__init__()
        self.retry_after = retry_after
        self.purpose = purpose


def from_source(budget: Budget, address: str) -> list[Try]:
    """Return what a try from a network address costs: a budget of its source, and for IPv6 one of the /48 around it."""
    source = source_of(address)
    near = (budget, source.near)
    if source.wide == source.near:
        return [near]
    return [(replace(budget, purpose=f"{budget.purpose} wide", limit=WIDE * budget.limit), source.wide), near]


def count_try(connection: Connection, *, purpose: str, subject: str, seconds: int, now: datetime) -> Counted:
    """Add one to a counter that starts anew `seconds` after its first try, and return where it stands."""
    budget = Budget(purpose, limit=0, seconds=seconds)
    return _add(connection, {subject: (budget, 1)}, now=now)[subject]


def take_tries(*, tries: Sequence[Need], now: datetime) -> list[Try]:
    """Take one from each budget, or from none: a try that is refused at one of them counts nowhere.

    Returns what was taken, for `give_back_tries`. Raises TooManyAttempts for the first in the order given that is used
    up.
    """
    refusal, subjects = TooManyAttempts(retry_after=1), _Subjects()
    with autonomous() as connection:
        for _ in range(_LOOKS):
            standing = _look(connection, tries, subjects, now=now)
            chosen = list(chain.from_iterable(_choose(need, standing, now=now) for need in tries))
            used_up = _take(connection, chosen, standing, now=now)
            if used_up is None:
                return chosen
            refusal = used_up
    raise refusal


def give_back_tries(*, tries: Sequence[Try]) -> None:
    """Give back what `take_tries` took: the try turned out to be a right one, and only failures count."""
    with autonomous() as connection:
        _add(connection, _per_subject(tries, -1, _Subjects()), now=_LONG_AGO)


def give_back_right_tries(*, tries: Sequence[Try], card: str, address: str, now: datetime) -> None:
    """Give back the tries of a card that signed in rightly, and count it among those that did at its source today.

    An empty address is none: a machine's, whose budgets do not grow.
    """
    source = source_of(address)
    places = {source.near, source.wide} if address else set()
    subjects = _Subjects()
    marks = {subjects.of((_RIGHT_CARD, f"{_day(now)} {place} {card}")): place for place in places}
    with autonomous() as connection:
        changes = _per_subject(tries, -1, subjects) | dict.fromkeys(marks, (_RIGHT_CARD, 1))
        counted = _add(connection, changes, now=now)
        first = [place for subject, place in marks.items() if counted[subject].taken == 1]
        if first:
            cards: list[Try] = [(_RIGHT_CARDS, f"{_day(now)} {place}") for place in first]
            _add(connection, _per_subject(cards, 1, subjects), now=now)


def _per_subject(tries: Iterable[Try], change: int, subjects: _Subjects) -> dict[str, tuple[Budget, int]]:
    changes: dict[str, tuple[Budget, int]] = {}
    for each in tries:
        subject = subjects.of(each)
        changes[subject] = (each[0], changes.get(subject, (each[0], 0))[1] + change)
    return changes


def _day(instant: datetime) -> str:
    return instant.astimezone(UTC).date().isoformat()


def _cards_at(whose: str, now: datetime) -> list[Try]:
    """Return the counters of today's and yesterday's right cards: a school's morning begins with what it had."""
    return [(_RIGHT_CARDS, f"{_day(now - timedelta(days=ago))} {whose}") for ago in (0, 1)]


def _budgets_in(needs: Iterable[Need]) -> Iterable[Try]:
    for need in needs:
        yield from chain.from_iterable(need.ways) if isinstance(need, FirstOf) else (need,)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where the counters stand that a try may need, by subject."""

    counters: Mapping[str, tuple[int, datetime]]
    subjects: _Subjects

    def room(self, attempt: Try, *, now: datetime) -> datetime | None:
        """Return None where the budget has room, or when it starts anew."""
        counted = self._counted(attempt, now=now)
        return counted.free_at if counted.taken >= self.limit(attempt, now=now) else None

    def limit(self, attempt: Try, *, now: datetime) -> int:
        budget, whose = attempt
        if not budget.per_card:
            return budget.limit
        cards = max(self.counters.get(self.subjects.of(each), (0, now))[0] for each in _cards_at(whose, now))
        return budget.limit + int(budget.per_card * cards)

    def _counted(self, attempt: Try, *, now: datetime) -> Counted:
        window = timedelta(seconds=attempt[0].seconds)
        taken, since = self.counters.get(self.subjects.of(attempt), (0, now))
        stale = since <= now - window or is_ahead(since, now=now)
        return Counted(0 if stale else taken, since + window)


def _look(connection: Connection, needs: Sequence[Need], subjects: _Subjects, *, now: datetime) -> _Standing:
    """Read the counters, so that a flood that is refused writes nothing."""
    wanted = list(_budgets_in(needs))
    wanted += [each for budget, whose in wanted if budget.per_card for each in _cards_at(whose, now)]
    keys = list(dict.fromkeys((each[0].purpose, subjects.of(each)) for each in wanted))
    asked = {f"purpose{number}": purpose for number, (purpose, _) in enumerate(keys)}
    asked |= {f"subject{number}": subject for number, (_, subject) in enumerate(keys)}
    rows = connection.execute(_find(len(keys)), asked)
    return _Standing({row.subject: (row.taken, row.since) for row in rows}, subjects)


@lru_cache
def _find(keys: int) -> TextualSelect:
    either = " OR ".join(f"(purpose = :purpose{n} AND subject = :subject{n})" for n in range(keys))
    found = text(f"SELECT subject, taken, since FROM attempt_counts WHERE {either}")  # noqa: S608 - numbers alone
    return found.columns(subject=String, taken=Integer, since=UtcInstant)


def _choose(need: Need, standing: _Standing, *, now: datetime) -> tuple[Try, ...]:
    """Return the first way that has room. Raises TooManyAttempts where none has."""
    ways = need.ways if isinstance(need, FirstOf) else ((need,),)
    waits: list[datetime] = []
    for way in ways:
        full = [free_at for each in way if (free_at := standing.room(each, now=now)) is not None]
        if not full:
            return way
        waits.append(max(full))
    raise _refusal(ways[0][0], min(waits), now=now)


def _refusal(attempt: Try, free_at: datetime, *, now: datetime) -> TooManyAttempts:
    # A window that a clock began which was a little fast lasts no longer than any other.
    seconds = min(int((free_at - now).total_seconds()), attempt[0].seconds)
    return TooManyAttempts(retry_after=max(1, seconds), purpose=attempt[0].purpose)


def _take(
    connection: Connection, chosen: Sequence[Try], standing: _Standing, *, now: datetime
) -> TooManyAttempts | None:
    """Take the tries; where others were faster, give all of them back and return the refusal."""
    counted = _add(connection, _per_subject(chosen, 1, standing.subjects), now=now)
    for each in chosen:
        stands = counted[standing.subjects.of(each)]
        if stands.taken > standing.limit(each, now=now):
            _add(connection, _per_subject(chosen, -1, standing.subjects), now=_LONG_AGO)
            return _refusal(each, stands.free_at, now=now)
    return None


def _add(connection: Connection, changes: Mapping[str, tuple[Budget, int]], *, now: datetime) -> dict[str, Counted]:
    """Change counters in one atomic statement, by subject; however many ask at once, each gets a number of its own.

    What is given back (a change below zero) leaves the window as it is.
    """
    if not changes:
        return {}
    # Always in one order, so that no two statements wait for each other.
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
