"""`./manage bench sizes`: the same acts in registers of 5,000, 500,000 and 5,500,000 patrons, in one run."""

import statistics
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bench.compare import quantile
from bench.sizes.acts import measure_acts
from bench.sizes.register import Register, open_register
from bench.sizes.rewriting import Waiting, clean, rewrite, rotate
from tests.postgres import running_postgres

SIZES = (5_000, 500_000, 5_500_000)
FLAT = 1.20
# As a server for a country has them, and nothing written twice while the registers are filled.
_SETTINGS = (
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "checkpoint_timeout=15min",
)


def bench_sizes(*, sizes: Sequence[int] = SIZES, count: int, server: str = "", locked: bool = False) -> None:
    """Fill registers of these sizes and print what each act costs in them, so many acts of each.

    `server` is the URL of a PostgreSQL, without a database, whose registers are used again; without it all is thrown
    away. `locked` also rewrites the tables without pg_repack.
    """
    began = monotonic()
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="lanekort-sizes-")))
        server = server or running.enter_context(running_postgres(*_SETTINGS))
        registers = [running.enter_context(open_register(server, people=people, folder=folder)) for people in sizes]
        print(f"{'':22}" + "".join(f"{register.people:>18,}" for register in registers))
        _print_disk(registers)
        _print_acts(measure_acts(registers, count=count), sizes)
        _print_line("nightly work, s (rows)", [f"{seconds:.1f} ({rows:,})" for seconds, rows in map(clean, registers)])
        _print_waiting("rewrite, pg_repack", [rewrite(register, repack=True) for register in registers])
        if locked:
            _print_waiting("rewrite, VACUUM FULL", [rewrite(register, repack=False) for register in registers])
        _print_rotation(registers)
    print(f"took {(monotonic() - began) / 60:.0f} minutes", flush=True)


def _print_line(name: str, figures: Sequence[str]) -> None:
    print(f"{name:22}" + "".join(f"{figure:>18}" for figure in figures), flush=True)


def _print_disk(registers: Sequence[Register]) -> None:
    _print_line("filled in, s", [f"{register.seconds:.0f}" if register.seconds else "before" for register in registers])
    sizes = [register.ask("SELECT pg_database_size(current_database())")[0][0] for register in registers]
    _print_line("on disk, MB", [f"{int(str(size)) / 1e6:,.0f}" for size in sizes])
    people = [register.people for register in registers]
    _print_line("bytes a patron", [f"{int(str(size)) / each:,.0f}" for size, each in zip(sizes, people, strict=True)])


def _print_acts(done: Iterable[tuple[str, dict[int, list[float]]]], sizes: Sequence[int]) -> None:
    for kind, at in done:
        spreads = [sorted(at[size]) for size in sizes]
        figures = [f"{1000 * quantile(each, 0.5):.1f}, {1000 * quantile(each, 0.95):.1f}" for each in spreads]
        ratios = [statistics.median(at[size]) / statistics.median(at[sizes[0]]) for size in sizes[1:]]
        shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        flat = "flat" if max(ratios, default=1.0) <= FLAT else "NOT FLAT"
        _print_line(f"{kind}, p50, p95 ms", [*figures, f"  {shown} {flat}"])


def _print_waiting(name: str, waitings: Sequence[Waiting]) -> None:
    _print_line(f"{name}, s", [f"{each.seconds:.0f}" for each in waitings])
    _print_line("  a scan waited, ms", [f"{1000 * max(each.waits):.0f}" for each in waitings])
    _print_line("  and at p50, ms", [f"{1000 * statistics.median(each.waits):.1f}" for each in waitings])


def _print_rotation(registers: Sequence[Register]) -> None:
    rotated = [rotate(register) for register in registers]
    for kind in rotated[-1]:
        rows = [each.get(kind, (0, 0.0, 0.0)) for each in rotated]
        _print_line(f"keys, {kind}"[:22], [f"{older:,}: {1e6 * row:.0f} us" for older, _counting, row in rows])
    whole = [sum(counting + older * row for older, counting, row in each.values()) for each in rotated]
    _print_line("all keys, s (counted)", [f"{seconds:,.0f}" for seconds in whole])
