"""Circulation: one library's own loans system, the second building.

It knows items, loans, holds, fees, claims, blocks and interlibrary loans, under the library's own rules
(`policies/<library id>.toml`), in the library's own database. It knows a patron by card number only: names and
addresses are in the national register, loans are here, and neither building can read the other's data. They share no
code and speak HTTP (`api.py`). A library that already has a loans system never runs this one.

    policy.py toml_table.py   the rules as data, errors with the line       rules.py      the rules as pure functions
    tables.py database.py     what is stored, and how it is committed       migrations/   how the tables came about
    lending.py holds.py       out, back, renew, lost; the queue             fees.py accounts.py   debts, payments
    claims.py reminders.py    the daily work, into the library's outbox     notices.py    the outbox is sent
    interlibrary.py           titles from other libraries                   patrons.py    a card replaced, a patron gone
    overview.py               what a card has here                     api.py calls.py staff_calls.py forms.py   HTTP
    settings.py factory.py    how it is put together                        cli.py demo.py    python -m circulation

When a copy comes back, loan, claims and notices are gone in the same transaction, and from the database file and its
write-ahead log before the caller is answered. What is owed stays as an amount, a kind and a day.

On PostgreSQL a deleted row is invisible at once and its bytes go with the next vacuum; `python -m circulation daily`
runs one. Archived write-ahead logs and backups keep what they were made of until they are thrown away: give them a
retention of days, not years.
"""

from circulation.demo import seed_demo
from circulation.factory import create_circulation, migrate_all
from circulation.settings import Settings

__all__ = ["Settings", "create_circulation", "migrate_all", "seed_demo"]
