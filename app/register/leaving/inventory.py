"""docs/register-inventory.md as the program reads it: for each column its purpose, legal ground and retention.

My data shows them from here in the reader's language: `extract` adds the page's sentences to the catalogs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from app.register.leaving.own_data import OWN_TABLES

INVENTORY = Path(__file__).parents[3] / "docs" / "register-inventory.md"

_ROW = re.compile(
    r"^\| `(?P<table>\w+)\.(?P<column>\w+)` \|(?P<purpose>[^|]+)\|(?P<ground>[^|]+)\|(?P<kept>[^|]+)\|$", re.M
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Why one column is there, on what legal ground, and how long it is kept. Sentences in English, as msgids."""

    table: str
    column: str
    purpose: str
    ground: str
    kept: str


def parse_inventory(text: str) -> list[Entry]:
    """Return every row of the inventory's tables, in the page's order."""
    return [
        Entry(*(row[name].strip() for name in ("table", "column", "purpose", "ground", "kept")))
        for row in _ROW.finditer(text)
    ]


@lru_cache
def read_inventory() -> Mapping[str, Mapping[str, Entry]]:
    """Return the inventory by table and column."""
    tables: dict[str, dict[str, Entry]] = {}
    for entry in parse_inventory(INVENTORY.read_text(encoding="utf-8")):
        tables.setdefault(entry.table, {})[entry.column] = entry
    return tables


def extract(
    page: BinaryIO, keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Give Babel the texts of the inventory that patrons read (an extraction method of Babel)."""
    shown = {own.table.__tablename__ for own in OWN_TABLES.values()}
    for entry in parse_inventory(page.read().decode()):
        if entry.table in shown:
            for text in (entry.purpose, entry.ground, entry.kept):
                yield 1, "", text, []
