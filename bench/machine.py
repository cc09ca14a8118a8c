"""What the numbers were measured on: they say nothing without it."""

import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_CPUS = Path("/proc/cpuinfo")
_WRITES = 100


def describe_machine() -> str:
    """Return lines with the time, the machine, its load before the start, the speed of its disk, and versions."""
    load = f", load {machine_load()} before the start" if machine_load() else ""
    packages = ", ".join(f"{name} {version(name)}" for name in ("flask", "gunicorn", "sqlalchemy", "psycopg"))
    return "\n".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC{load}",
            f"{processor()}, {os.cpu_count()} processors; {platform.system()} {platform.machine()}",
            f"a durable write of 4 KiB takes {1000 * _durable_write():.1f} ms",
            f"Python {platform.python_version()}, {packages}",
        )
    )


def machine_load() -> str:
    """Return the mean number of programs that wanted to run in the last minute; empty where it is not known."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


def processor() -> str:
    """Return the processor's name."""
    if _CPUS.exists():
        for line in _CPUS.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.processor() or "unknown processor"


def _durable_write() -> float:
    """Return the median seconds of a write and its fsync, where the databases will lie."""
    taken = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(_WRITES):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)
