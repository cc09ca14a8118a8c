"""The rules that were published, and which hold on which day. Until the first are, the library's file holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from circulation.policy.library import Policy, read_policy
from circulation.rulebook.tables import PolicyVersion


def newest_policy(*, session: Session, from_file: Policy) -> Policy:
    """The newest policy that is not withdrawn, perhaps one for a day to come; `before` leads back to the first."""
    stand = PolicyVersion.withdrawn_at.is_(None)
    texts = select(PolicyVersion.valid_from, PolicyVersion.toml).where(stand).order_by(PolicyVersion.number)
    found = tuple((valid_from, toml) for valid_from, toml in session.execute(texts))
    return _read(found, from_file.library) if found else from_file


# What is published is never changed, so that the text itself says whether it was read before.
@lru_cache(maxsize=64)
def _read(versions: tuple[tuple[date | None, str], ...], library: str) -> Policy:
    (_, first), *later = versions
    newest = read_policy(first, library=library)
    for valid_from, toml in later:
        newest = replace(read_policy(toml, library=library), valid_from=valid_from or date.min, before=newest)
    return newest


def list_versions(*, session: Session, from_file: Policy) -> Sequence[PolicyVersion]:
    """All that were published, oldest first, also what was withdrawn; where none is, the file's as number 1."""
    stored = session.scalars(select(PolicyVersion).order_by(PolicyVersion.number)).all()
    return stored or [PolicyVersion(number=1, toml=from_file.toml, note="")]


def states(versions: Sequence[PolicyVersion], today: date) -> list[str]:
    """Of each version: "coming", "in_force", "past", "withdrawn"; "replaced" if another was published for the same day.

    `versions` are in the order of their numbers.
    """
    found: list[str] = []
    next_day: date | None = None
    is_later_in_force = False
    for version in reversed(versions):
        day = version.valid_from or date.min
        if version.withdrawn_at is not None:
            found.append("withdrawn")
            continue
        if day == next_day:
            found.append("replaced")
        elif day > today:
            found.append("coming")
        else:
            found.append("past" if is_later_in_force else "in_force")
            is_later_in_force = True
        next_day = day
    return found[::-1]
