"""Days with other hours at a library and at its branches at once, such as Christmas."""

from datetime import date, datetime

from app.register.face.facts import list_branches
from app.register.face.opening import ExceptionsOverlap, TooManyExceptions, add_exception, read_branch_hours
from app.rules.library.opening import Exceptional


def add_everywhere(*, library_id: str, about: Exceptional, today: date, now: datetime) -> list[str]:
    """Add an exception at a library and at each of its branches that has hours.

    Returns the names of the branches that keep what they have already: an exception on one of these days, or too many.
    Raises what `add_exception` raises for the library itself.
    """
    add_exception(library_id=library_id, about=about, today=today, now=now)
    with_hours, kept = read_branch_hours(library_id=library_id), []
    for branch in list_branches(library_id=library_id):
        if branch.id not in with_hours:
            continue
        try:
            add_exception(library_id=library_id, branch_id=branch.id, about=about, today=today, now=now)
        except (ExceptionsOverlap, TooManyExceptions):
            kept.append(branch.facts.name)
    return kept
