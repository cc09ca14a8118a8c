"""Circulation: one library's own loans system, the second building.

It knows items, loans, holds, fees, claims, blocks and interlibrary loans, under the library's own rules
(`policies/<library id>.toml`), in the library's own database. It knows a patron by card number only: names and
addresses are in the national register, loans are here, and neither building can read the other's data. They share no
code and speak HTTP (`api.py`). A library that already has a loans system never runs this one.

    policy     a library's rules: read from its file, and as pure functions
    lending    loans, holds, fees, claims and interlibrary loans, inside a transaction
    http       the calls of the portal and the desk
    migrations how the tables came about

When a copy comes back, loan, claims and notices are gone in the same transaction, and from the database file and its
write-ahead log before the caller is answered. What is owed stays as an amount, a kind and a day.

On PostgreSQL a deleted row is invisible at once and its bytes go with the next vacuum; `python -m circulation daily`
runs one. Archived write-ahead logs and backups keep what they were made of until they are thrown away: give them a
retention of days, not years.
"""

from typing import Final

VERSION: Final = "0.1.0"
"""As in pyproject.toml, which an installation does not have."""
