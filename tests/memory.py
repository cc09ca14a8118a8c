"""Files of the tests that are kept in memory where there is room: a database writes to the disk at each commit."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 1024**3


def find_memory() -> Path | None:
    """Return a folder whose files are in memory; None where there is none (macOS) or too little room in it."""
    usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if usable else None
