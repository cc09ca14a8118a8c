"""Verifying that nobody tampered with the access log: every entry, link, removal and root."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from app.register.log.proofs import FIRST_LINK, body_of, commit_to, is_proved, link_after, read_ranges, removal_body
from app.register.log.removals import GUARDIAN, read_commitments
from app.register.log.roots import NotARoot, Root, read_root
from app.register.log.sealing import is_right
from app.register.store.transaction import db, reading
from app.register.tables.log import AccessLogEntry, AccessLogHead, AccessLogLink, AccessLogRemoval, AccessLogRoot

_PAGE: Final = 5000


@dataclass(slots=True)
class Verified:
    """What was verified so far, and each finding as a sentence for the operator."""

    links: int = 0
    lines: int = 0
    removals: int = 0
    roots: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Removed:
    """The ranges of ids of entries that were deleted, and the commitments to those that were changed."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    changed: dict[int, bytes] = field(default_factory=dict)
    written_anew: set[bytes] = field(default_factory=set)

    def has(self, entry_id: int) -> bool:
        place = bisect_right(self.starts, entry_id) - 1
        return place >= 0 and self.ends[place] >= entry_id


@reading()
def count_links() -> int:
    """Return how many links there are to verify."""
    return db.session.scalar(select(func.count()).select_from(AccessLogLink)) or 0


def verify(*, kept: Mapping[str, str], is_complete: bool) -> Iterator[Verified]:
    """Verify a snapshot of the whole log, and yield the progress.

    `kept` are the roots that were kept elsewhere, text by name; `is_complete`: none that was sent may be missing there.
    What was written in the last seconds has no link yet, unless `sealing.seal_all` was called first.
    """
    done = Verified()
    with _snapshot() as connection:
        removed = _read_removals(connection, done)
        roots = _read_roots(connection, done, kept=kept, is_complete=is_complete)
        for _ in _walk(connection, done, removed=removed, roots=roots):
            yield done
        _find_copies(connection, done)
        _verify_unsealed(connection, done)
    yield done


@contextmanager
def _snapshot() -> Iterator[Connection]:
    on_sqlite = db.engine.dialect.name == "sqlite"
    level = "AUTOCOMMIT" if on_sqlite else "REPEATABLE READ"
    with db.engine.connect().execution_options(isolation_level=level) as connection:
        if on_sqlite:
            # A transaction that reads keeps nobody from writing.
            connection.exec_driver_sql("BEGIN")
        yield connection
        if on_sqlite:
            connection.exec_driver_sql("ROLLBACK")


def _read_removals(connection: Connection, done: Verified) -> _Removed:
    removed, ranges = _Removed(), list[tuple[int, int]]()
    for row in connection.execute(select(AccessLogRemoval.__table__).order_by(AccessLogRemoval.id)):
        done.removals += 1
        if not is_proved(removal_body(at=row.at, why=row.why, entries=row.entries), row.proof):
            done.findings.append(f"Record {row.id} of a removal was not written by the register, or was changed.")
            continue
        if row.why == GUARDIAN:
            fresh = read_commitments(row.entries)
            removed.changed |= fresh
            removed.written_anew.update(fresh.values())
        else:
            ranges += read_ranges(row.entries)
    for first, last in sorted(ranges):
        if removed.ends and first <= removed.ends[-1]:
            removed.ends[-1] = max(last, removed.ends[-1])
        else:
            removed.starts.append(first)
            removed.ends.append(last)
    return removed


def _read_roots(
    connection: Connection, done: Verified, *, kept: Mapping[str, str], is_complete: bool
) -> dict[int, list[Root]]:
    here = {row.day: row for row in connection.execute(select(AccessLogRoot.__table__))}
    roots: dict[int, list[Root]] = {}
    elsewhere: dict[Any, Root] = {}
    for name, text in kept.items():
        try:
            root = read_root(text)
        except NotARoot:
            done.findings.append(f"The root in {name} is none that the register signed.")
            continue
        elsewhere[root.day] = root
        roots.setdefault(root.seq, []).append(root)
        if root.day not in here:
            done.findings.append(f"The root of {root.day} in {name} is not in the database.")
    for day, row in here.items():
        done.roots += 1
        try:
            root = read_root(row.text)
        except NotARoot:
            done.findings.append(f"The root of {day} in the database is none that the register signed.")
            continue
        if root.day != day:
            done.findings.append(f"The root of {day} in the database is that of {root.day}.")
        if day in elsewhere and elsewhere[day] != root:
            done.findings.append(f"The root of {day} in the database differs from the one kept elsewhere.")
        if is_complete and row.sent_at is not None and day not in elsewhere:
            done.findings.append(f"The root of {day} was kept elsewhere, and is missing there.")
        roots.setdefault(root.seq, []).append(root)
    return roots


def _walk(connection: Connection, done: Verified, *, removed: _Removed, roots: dict[int, list[Root]]) -> Iterator[None]:
    seq, link = 0, FIRST_LINK
    # A root of a day without entries signs the link before; that of an empty chain signs its beginning.
    _match_roots(done, roots.pop(0, []), link)
    while rows := _read_page(connection, after=seq):
        for row in rows:
            if row.seq != seq + 1:
                done.findings.append(f"Links {seq + 1} to {row.seq - 1} of the chain are missing.")
            _verify_row(row, done, removed=removed)
            if row.commitment in removed.written_anew and removed.changed.get(row.entry_id) != row.commitment:
                done.findings.append(f"Line {row.entry_id} is a copy of another (link {row.seq}).")
            name = f"entry {row.entry_id}" if row.entry_id is not None else f"removal {row.removal_id}"
            if link_after(link, seq=row.seq, name=name, commitment=row.commitment) != row.link:
                done.findings.append(f"Link {row.seq} ({name}) does not follow the one before it.")
            seq, link = row.seq, row.link
            _match_roots(done, roots.pop(seq, []), link)
            done.links += 1
        yield
    head = connection.execute(select(AccessLogHead.__table__)).first()
    if head is None:
        done.findings.append("The note of where the chain ends is missing.")
    else:
        if not is_right(head):
            done.findings.append("The note of where the chain ends was not written by the register, or was changed.")
        if (head.seq, head.link) != (seq, link):
            done.findings.append(f"The chain is cut off: it ends at link {seq}, and went on to {head.seq}.")
    for missing in roots.values():
        for root in missing:
            done.findings.append(f"The root of {root.day} signs link {root.seq}, which is not there.")


def _read_page(connection: Connection, *, after: int) -> list[Row[Any]]:
    chain, log, records = AccessLogLink.__table__, AccessLogEntry.__table__, AccessLogRemoval.__table__
    body = (log.c.at, log.c.patron_id, log.c.library_id, log.c.role, log.c.actor, log.c.purpose, log.c.fields)
    removal = (
        records.c.at.label("removed_at"),
        *(records.c.why, records.c.entries),
        records.c.proof.label("record_proof"),
    )
    query = (
        select(*chain.c, log.c.id.label("found"), *body, log.c.proof, *removal)
        .join(log, log.c.id == chain.c.entry_id, isouter=True)
        .join(records, records.c.id == chain.c.removal_id, isouter=True)
        .where(chain.c.seq > after)
        .order_by(chain.c.seq)
        .limit(_PAGE)
    )
    return list(connection.execute(query))


def _verify_row(row: Row[Any], done: Verified, *, removed: _Removed) -> None:
    if row.entry_id is None:
        if row.why is None:
            done.findings.append(f"Record {row.removal_id} of a removal is missing (link {row.seq}).")
            return
        body = removal_body(at=row.removed_at, why=row.why, entries=row.entries)
        if commit_to(body, row.record_proof) != row.commitment:
            done.findings.append(f"Record {row.removal_id} of a removal was changed (link {row.seq}).")
        return
    gone = removed.has(row.entry_id)
    if row.found is None:
        if not gone:
            done.findings.append(f"Line {row.entry_id} is missing, and nothing says why (link {row.seq}).")
        return
    done.lines += 1
    if gone:
        done.findings.append(f"Line {row.entry_id} is there though it was taken out (link {row.seq}).")
    body = body_of(**row._asdict())
    if not is_proved(body, row.proof):
        done.findings.append(f"Line {row.entry_id} was not written by the register, or was changed (link {row.seq}).")
    elif commit_to(body, row.proof) != removed.changed.get(row.entry_id, row.commitment):
        done.findings.append(f"Line {row.entry_id} is not the one that was sealed (link {row.seq}).")


def _match_roots(done: Verified, roots: list[Root], link: bytes) -> None:
    for root in roots:
        if root.link != link:
            finding = f"The root of {root.day} does not match link {root.seq}: what is before it was changed."
            done.findings.append(finding)


def _find_copies(connection: Connection, done: Verified) -> None:
    # No two commitments have the same salt, so equal ones are copies, also where the entry itself is gone.
    chain = AccessLogLink.__table__
    twice = select(func.min(chain.c.seq), func.max(chain.c.seq)).group_by(chain.c.commitment)
    for first, last in connection.execute(twice.having(func.count() > 1)):
        done.findings.append(f"What link {last} is of is a copy of what link {first} is of.")


def _verify_unsealed(connection: Connection, done: Verified) -> None:
    log, chain = AccessLogEntry.__table__, AccessLogLink.__table__
    query = select(log).join(chain, chain.c.entry_id == log.c.id, isouter=True).where(chain.c.seq.is_(None))
    for row in connection.execute(query):
        done.lines += 1
        if not is_proved(body_of(**row._asdict()), row.proof):
            done.findings.append(f"Line {row.id} was not written by the register, or was changed (not sealed).")
