"""Measures several servers in turns, so that other load on the machine affects all alike, and prints a table."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.load import Answer, Round, send, write_request

BARE = "bare answer"
CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: people in the register, rounds, and a round's end, whichever comes first."""

    people: int
    rounds: int
    seconds: float
    requests: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio to the bare answer: median, lowest and highest of the rounds; and the 99th percentile in ms."""

    median: float
    lowest: float
    highest: float
    p99: float


Turn = Callable[[], Round]
"""Send one round, and make sure of every answer."""


class WrongAnswer(Exception):
    """A server was fast and wrong."""


def bare_turn(port: int, size: Size, *, path: str, connections: int = CONNECTIONS) -> Turn:
    """Return a turn of the bare answer."""
    requests = [write_request("GET", path)] * size.requests

    def turn() -> Round:
        done = send(port, requests, connections=connections, seconds=size.seconds)
        expect(done, lambda answer: answer.status == 200)
        return done

    return turn


def expect(done: Round, is_right: Callable[[Answer], bool]) -> None:
    """Raise WrongAnswer where the round has none, or one that is not right."""
    wrong = [answer for answer in done.answers if not is_right(answer)]
    if wrong or not done.answers:
        shown = wrong[0].raw.decode(errors="replace") if wrong else "none came"
        raise WrongAnswer(f"{len(wrong)} of {len(done.answers)} answers are wrong, such as: {shown}")


def take_turns(turns: Mapping[str, Turn], *, rounds: int) -> dict[str, list[Round]]:
    """Run each turn once to warm up, and then in so many rounds. Returns the rounds of each, without the first."""
    for turn in turns.values():
        turn()
    done: dict[str, list[Round]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            done[name].append(turn())
    return done


def print_table(done: Mapping[str, list[Round]], *, against: str) -> dict[str, Ratio]:
    """Print a row for each: median of the rounds' rates, latencies of all rounds, and the ratio to `against`.

    The ratio is the median over the rounds, each against its own neighbour; the lowest and highest show the noise.
    Returns the ratios by row.
    """
    found: dict[str, Ratio] = {}
    width = max(len(name) for name in done)
    print(f"{'':{width}}  answers/s   p50 ms   p95 ms   p99 ms  ratio (lowest, highest)")
    for name, rounds in done.items():
        rate = statistics.median(each.rate for each in rounds)
        latencies = sorted(latency for each in rounds for latency in each.latencies)
        p50, p95, p99 = (1000 * quantile(latencies, share) for share in (0.50, 0.95, 0.99))
        ratios = [each.rate / bare.rate for each, bare in zip(rounds, done[against], strict=True)]
        found[name] = Ratio(statistics.median(ratios), min(ratios), max(ratios), p99)
        ratio = f"{found[name].median:.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
        print(f"{name:{width}}  {rate:9.0f} {p50:8.1f} {p95:8.1f} {p99:8.1f}  {ratio}")
    print(flush=True)
    return found


def quantile(ascending: list[float], share: float) -> float:
    """Return the value below which such a share of them lies."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]
