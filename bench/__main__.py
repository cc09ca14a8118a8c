"""`./manage bench`, with the name of one measurement or all that need no more than minutes: print tables for docs."""

import argparse
from collections.abc import Sequence

from bench.compare import Size
from bench.flood import bench_flood
from bench.history import describe_ratios, record
from bench.kiosks import bench_kiosks
from bench.loans import bench_loans
from bench.login import bench_login
from bench.machine import describe_machine, machine_load
from bench.neighbours import bench_neighbours
from bench.numbers import LARGE, bench_numbers
from bench.pages import bench_pages
from bench.register import MANY, bench_register
from bench.scan import bench_scan
from bench.servers import serve_all
from bench.sizes.table import SIZES, bench_sizes
from bench.spray import Spray, bench_spray

_BENCHES = {"scan": bench_scan, "login": bench_login, "pages": bench_pages, "kiosks": bench_kiosks}
_ASKED_FOR = ("flood", "spray", "sizes", "desk", "paint", "numbers")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure what it names, or everything."""
    parser = argparse.ArgumentParser(prog="./manage bench", description="Measure the portal beside a bare answer.")
    parser.add_argument(
        "what",
        nargs="?",
        choices=[*_BENCHES, "loans", "neighbours", *_ASKED_FOR],
        help="what to measure; everything but flood, spray, sizes, desk, paint and numbers where none is named",
    )
    parser.add_argument("--people", type=int, default=100_000, help="patrons in the register, each with a card")
    parser.add_argument("--many", type=int, default=MANY, help="patrons in the large register that pages is about")
    parser.add_argument("--large", type=int, default=LARGE, help="patrons in the large register that numbers is about")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured, in turns")
    parser.add_argument("--seconds", type=float, default=3.0, help="a round's length")
    parser.add_argument("--requests", type=int, default=4_000, help="a round's requests, where they come first")
    parser.add_argument("--guesses", type=int, default=1_000_000, help="wrong PINs of the spray, within a turned day")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="patrons in each register of sizes")
    parser.add_argument("--acts", type=int, default=200, help="how many of each act sizes measures in each register")
    parser.add_argument("--server", default="", help="sizes: a PostgreSQL (postgresql+psycopg://…/) that keeps them")
    parser.add_argument("--locked", action="store_true", help="sizes: rewrite the tables without pg_repack as well")
    parser.add_argument("--record", action="store_true", help="add the ratios of scan and login to docs/benchmarks.csv")
    asked = parser.parse_args(arguments)
    needed = (asked.rounds + 1) * asked.requests
    if asked.what in (None, "scan", "login") and asked.people < needed:
        parser.error(
            f"scan and login ask for somebody else each time: {asked.rounds} rounds of {asked.requests} requests, and"
            f" one to warm up, need --people {needed}, or fewer --rounds or --requests"
        )
    load = machine_load()
    size = Size(people=asked.people, rounds=asked.rounds, seconds=asked.seconds, requests=asked.requests)
    print(describe_machine(), end="\n\n", flush=True)
    if asked.what not in ("loans", "neighbours", *_ASKED_FOR):
        with serve_all(people=size.people) as served:
            for name, bench in _BENCHES.items():
                if asked.what in (None, name):
                    found = bench(served, size)
                    if asked.record:
                        record(describe_ratios(found or {}, load=load))
    if asked.what in (None, "pages"):
        bench_register(size, many=asked.many)
    if asked.what in (None, "loans"):
        bench_loans(size)
    if asked.what in (None, "neighbours"):
        bench_neighbours(size)
    if asked.what == "flood":
        bench_flood(size)
    if asked.what == "sizes":
        bench_sizes(sizes=asked.sizes, count=asked.acts, server=asked.server, locked=asked.locked)
    if asked.what == "desk":
        # Only this and paint need a browser, which an operator's machine has not.
        from bench.desk import bench_desk

        bench_desk(rounds=size.rounds)
    if asked.what == "paint":
        from bench.paint import bench_paint

        bench_paint(rounds=size.rounds)
    if asked.what == "numbers":
        bench_numbers(people=asked.large, rounds=size.rounds)
    if asked.what == "spray":
        bench_spray(Spray(guesses=asked.guesses))


if __name__ == "__main__":
    main()
