"""A library's import of patrons: its file is sealed in batches, checked, and taken in when the library says so.

`read` -> `checking` -> `checked` -> `taking` -> `done`; `stopped` on the way, and `over` where seven days went by.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import ColumnElement, case, delete, func, literal_column, select, update

from app.register.keys.vault import vault
from app.register.limits.budgets import take_tries
from app.register.patron.libraries import NoSuchLibrary
from app.register.store.transaction import db, execute_bulk
from app.register.tables.library import Library
from app.register.tables.moving import PatronImport, PatronImportBatch, PatronImportLine
from app.rules.errors import RuleBroken
from app.rules.moving.columns import LABELS, NotAPatronFile, PatronFile, guess_fields, is_secret, lacking
from app.rules.pins.pin import Budget

READ, CHECKING, CHECKED, TAKING, STOPPED, DONE, OVER = "read checking checked taking stopped done over".split()  # noqa: SIM905
NEW, HERE, PERSON, REFUSED = "new", "here", "person", "refused"
WAITS: Final = "waits"  # a new row, as long as it is not taken in
OUTCOMES: Final = (NEW, WAITS, HERE, PERSON, REFUSED)
UNFINISHED: Final = (READ, CHECKING, CHECKED, TAKING, STOPPED)
BATCH: Final = 50
"""Rows in one transaction: on SQLite nobody else writes meanwhile."""
FILE_KEPT: Final = timedelta(days=7)
REPORT_KEPT: Final = timedelta(days=30)
ROWS_KNOWN: Final = timedelta(days=365)
LEAST_BY_DAY, MOST_BY_DAY, USUAL_BY_DAY = 1, 20_000, 200
UPLOADS: Final = Budget("patron imports", limit=20, seconds=24 * 3600)
COLUMNS_COLUMN: Final = "patron_imports.sealed_columns"
ROWS_COLUMN: Final = "patron_import_batches.sealed_rows"
_UNTAKEN: Final = (READ, CHECKING, CHECKED)
_IS_UNFINISHED = PatronImport.state.in_(UNFINISHED)


class NoSuchImport(RuleBroken):
    """The library has no such import, or it is not at this step (any more)."""


class ImportUnderWay(RuleBroken):
    """The library has an import that is not finished. One at a time."""


@dataclass(frozen=True, slots=True)
class ShownImport:
    """An import as its library sees it. `counts` are the rows by outcome, `messages` those to new patrons."""

    id: int
    state: str
    begun_by: str
    begun_at: datetime
    ended_at: datetime | None
    language: str
    consent: bool
    by_day: int
    rows: int
    done: int
    counts: Mapping[str, int]
    messages: int
    last_message_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class ShownColumn:
    """A column of the file: its heading, the field that it is, a cell, and whether it is one of PINs."""

    heading: str
    field: str
    example: str
    is_secret: bool


def hash_of_file(content: bytes) -> str:
    """Return the keyed hash by which a file is known again."""
    return vault.subject(f"patron file:{hashlib.sha256(content).hexdigest()}")


def begin_import(*, library_id: str, actor: str, file: PatronFile, file_hash: str, language: str, now: datetime) -> int:
    """Keep a file sealed, and return the import's id. Raises NoSuchLibrary, ImportUnderWay or NotAPatronFile."""
    # Held to the end, so that of two uploads at one moment the second finds the first.
    if db.session.get(Library, library_id, with_for_update={"key_share": True}) is None:
        raise NoSuchLibrary
    unfinished = select(PatronImport.id).where(PatronImport.library_id == library_id, _IS_UNFINISHED)
    if db.session.scalar(unfinished.limit(1)) is not None:
        raise ImportUnderWay
    begun = PatronImport(
        library_id=library_id,
        state=READ,
        begun_by=actor,
        begun_at=now,
        file_hash=file_hash,
        sealed_columns=_seal({"headings": list(file.headings), "fields": guess_fields(file.headings)}, COLUMNS_COLUMN),
        language=language,
        consent=False,
        by_day=USUAL_BY_DAY,
        rows=len(file.rows),
    )
    db.session.add(begun)
    db.session.flush()
    rows = iter(file.rows)
    while some := list(islice(rows, BATCH)):
        db.session.add(PatronImportBatch(import_id=begun.id, sealed_rows=_seal(some, ROWS_COLUMN)))
    return begun.id


def take_upload(*, library_id: str, now: datetime) -> None:
    """Count an upload. Raises TooManyAttempts: twenty a day and library."""
    take_tries(tries=[(UPLOADS, library_id)], now=now)


def find_same_file(*, library_id: str, actor: str, file_hash: str) -> int | None:
    """Return the unfinished import of this very file that `actor` began, and may go on with; None if there is none."""
    same = (PatronImport.library_id == library_id, PatronImport.file_hash == file_hash, PatronImport.begun_by == actor)
    return db.session.scalar(select(PatronImport.id).where(*same, _IS_UNFINISHED).limit(1))


def list_imports(*, library_id: str) -> list[ShownImport]:
    """Return a library's imports, newest first."""
    ours = select(PatronImport).where(PatronImport.library_id == library_id).order_by(PatronImport.id.desc())
    return [_show(each) for each in db.session.scalars(ours)]


def read_import(*, import_id: int, library_id: str) -> ShownImport:
    """Return one of a library's imports. Raises NoSuchImport."""
    return _show(find_import(import_id=import_id, library_id=library_id))


def find_import(*, import_id: int, library_id: str, states: Sequence[str] = (), lock: bool = False) -> PatronImport:
    """Return the row of one of a library's imports, in one of these states. Raises NoSuchImport."""
    ours = select(PatronImport).where(PatronImport.id == import_id, PatronImport.library_id == library_id)
    ours = ours.where(PatronImport.state.in_(states)) if states else ours
    ours = ours.with_for_update().execution_options(populate_existing=True) if lock else ours
    found = db.session.scalars(ours).one_or_none()
    if found is None:
        raise NoSuchImport
    return found


def list_columns(*, import_id: int, library_id: str) -> list[ShownColumn]:
    """Return the columns of a file that is not checked yet, with the cells of its first row. Raises NoSuchImport."""
    found = find_import(import_id=import_id, library_id=library_id, states=(READ, CHECKED))
    columns = open_columns(found)
    first = select(PatronImportBatch).where(PatronImportBatch.import_id == import_id).order_by(PatronImportBatch.id)
    rows = open_rows(db.session.scalars(first.limit(1)).one())
    cells = next((row for _line, row in rows if row is not None), [""] * len(columns["headings"]))
    return [
        # What a column of PINs holds is shown to nobody.
        ShownColumn(heading, field, "" if is_secret(heading) else cell[:40], is_secret(heading))
        for heading, field, cell in zip(columns["headings"], columns["fields"], cells, strict=True)
    ]


def check_import(*, import_id: int, library_id: str, fields: Sequence[str], language: str, consent: bool) -> None:
    """Let the file be checked, with these fields by column; a former check is forgotten, also in the middle of it.

    `consent`: the guardians of all children in the file have agreed to the card. Raises NoSuchImport, or NotAPatronFile
    where a field is there twice or a necessary one is lacking (`lacking` or `twice`).
    """
    found = find_import(import_id=import_id, library_id=library_id, states=_UNTAKEN, lock=True)
    columns = open_columns(found)
    of_pins = [field for heading, field in zip(columns["headings"], fields, strict=False) if is_secret(heading)]
    named = [field for field in fields if field]
    if len(fields) != len(columns["headings"]) or set(named) - set(LABELS) or any(of_pins):
        raise NoSuchImport
    if len(set(named)) < len(named):
        raise NotAPatronFile("twice")
    if lacking(named):
        raise NotAPatronFile("lacking")
    found.sealed_columns = _seal({**columns, "fields": list(fields)}, COLUMNS_COLUMN)
    found.language, found.consent, found.state, found.done = language, consent, CHECKING, 0
    execute_bulk(delete(PatronImportLine).where(PatronImportLine.import_id == import_id))
    of_this = PatronImportBatch.import_id == import_id
    execute_bulk(update(PatronImportBatch).where(of_this).values(is_checked=False))


def take_in(*, import_id: int, library_id: str, by_day: int) -> None:
    """Let a checked or stopped import take its patrons in; `by_day` messages are sent a day. Raises NoSuchImport."""
    found = find_import(import_id=import_id, library_id=library_id, states=(CHECKED, STOPPED), lock=True)
    found.done = 0 if found.state == CHECKED else found.done
    found.state, found.by_day = TAKING, min(max(by_day, LEAST_BY_DAY), MOST_BY_DAY)


def stop_import(*, import_id: int, library_id: str) -> None:
    """Stop taking patrons in after the batch that is being worked on. Raises NoSuchImport."""
    find_import(import_id=import_id, library_id=library_id, states=(TAKING,), lock=True).state = STOPPED


def forget_import(*, import_id: int, library_id: str) -> None:
    """Delete an import with its file and report; who came from it stays. Raises NoSuchImport while it takes them in."""
    states = (*_UNTAKEN, STOPPED, DONE, OVER)
    found = find_import(import_id=import_id, library_id=library_id, states=states, lock=True)
    for table in (PatronImportBatch, PatronImportLine):
        execute_bulk(delete(table).where(table.import_id == found.id))
    execute_bulk(delete(PatronImport).where(PatronImport.id == found.id))


def end_import(found: PatronImport, *, state: str, now: datetime) -> int:
    """End an import: of its file only what a person is to decide about stays. Returns how many batches were left."""
    found.state, found.ended_at = state, now
    of_this = PatronImportLine.import_id == found.id
    execute_bulk(update(PatronImportLine).where(of_this).values(key_hash=None, id_hash=None, name_hash=None))
    forget_columns(found)
    return execute_bulk(delete(PatronImportBatch).where(PatronImportBatch.import_id == found.id))


def forget_columns(found: PatronImport) -> None:
    """Delete the headings of a file of which no row is left to be decided about."""
    waiting = select(PatronImportLine.line).where(PatronImportLine.import_id == found.id)
    if db.session.scalar(waiting.where(PatronImportLine.sealed_row.is_not(None)).limit(1)) is None:
        found.sealed_columns = None


def expire_imports(*, now: datetime) -> Counter[str]:
    """Erase what is left of files that came seven days ago, and return how many batches and rows, by table."""
    old = select(PatronImport).where(PatronImport.begun_at <= now - FILE_KEPT, PatronImport.sealed_columns.is_not(None))
    gone = Counter({PatronImportBatch.__tablename__: 0, PatronImportLine.__tablename__: 0})
    for found in db.session.scalars(old.with_for_update(skip_locked=True)).all():
        ours = update(PatronImportLine).where(PatronImportLine.import_id == found.id)
        execute_bulk(ours.where(_waits(found)).values(outcome=REFUSED, why="row:too-late"))
        undecided = ours.where(PatronImportLine.sealed_row.is_not(None)).values(sealed_row=None, why="row:too-late")
        gone[PatronImportLine.__tablename__] += execute_bulk(undecided)
        state = DONE if found.state == DONE else OVER
        gone[PatronImportBatch.__tablename__] += end_import(found, state=state, now=found.ended_at or now)
    return gone


def open_columns(found: PatronImport) -> dict[str, list[str]]:
    """Return the `headings` of a file, and its `fields`. Raises NoSuchImport where they are erased."""
    if found.sealed_columns is None:
        raise NoSuchImport
    opened: dict[str, list[str]] = json.loads(vault.open(found.sealed_columns, column=COLUMNS_COLUMN))
    return opened


def open_rows(batch: PatronImportBatch) -> list[tuple[int, list[str] | None]]:
    """Return the rows of a batch: line and cells."""
    return [(line, cells) for line, cells in json.loads(vault.open(batch.sealed_rows, column=ROWS_COLUMN))]


def _seal(content: object, column: str) -> bytes:
    return vault.seal(json.dumps(content, ensure_ascii=False).encode(), column=column)


def _show(found: PatronImport) -> ShownImport:
    told = _told(found)
    by_outcome = select(told, func.count()).where(PatronImportLine.import_id == found.id).group_by(told)
    counts = Counter(dict(db.session.execute(by_outcome).all()))
    return ShownImport(
        id=found.id,
        state=found.state,
        begun_by=found.begun_by,
        begun_at=found.begun_at,
        ended_at=found.ended_at,
        language=found.language,
        consent=found.consent,
        by_day=found.by_day,
        rows=found.rows,
        done=found.done,
        counts={outcome: counts[outcome] for outcome in OUTCOMES},
        messages=found.welcomed,
        last_message_at=found.ended_at and found.ended_at + days_until_message(found),
    )


def _told(found: PatronImport) -> ColumnElement[str]:
    """Return what is told of a row: its outcome, or that it waits."""
    return case((_waits(found), literal_column(f"'{WAITS}'")), else_=PatronImportLine.outcome)


def _waits(found: PatronImport) -> ColumnElement[bool]:
    """Return which rows are new and not taken in (yet). Rows are taken in by their lines."""
    lines = select(PatronImportLine.line).where(PatronImportLine.import_id == found.id).order_by(PatronImportLine.line)
    taken = {TAKING: found.done, STOPPED: found.done, DONE: found.rows, OVER: found.rows}.get(found.state, 0)
    last = db.session.scalar(lines.offset(taken - 1).limit(1)) if taken else 0
    return (PatronImportLine.outcome == NEW) & (PatronImportLine.line > (last or 0))


def days_until_message(found: PatronImport) -> timedelta:
    """Return after how many days the newest message of an import is sent: `by_day` on each."""
    return timedelta(days=max(found.welcomed - 1, 0) // found.by_day)


def each_line(*, import_id: int, library_id: str, outcome: str = "") -> Iterator[tuple[int, str, str]]:
    """Return line, outcome and why of each row that is reported, or of those with one outcome. Raises NoSuchImport."""
    told = _told(find_import(import_id=import_id, library_id=library_id))
    report = select(PatronImportLine.line, told, PatronImportLine.why)
    report = report.where(PatronImportLine.import_id == import_id).order_by(PatronImportLine.line)
    report = report.where(PatronImportLine.outcome == outcome) if outcome else report
    return ((line, result, why) for line, result, why in db.session.execute(report))
