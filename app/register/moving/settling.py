"""What a person decides: rows that have the name and birth date of somebody who has joined the library already."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from sqlalchemy import select

from app.register.keys.vault import vault
from app.register.log.access_log import Viewer, log_list_access
from app.register.moving.imports import (
    DONE,
    HERE,
    NEW,
    REFUSED,
    STOPPED,
    TAKING,
    NoSuchImport,
    find_import,
    forget_columns,
    open_columns,
)
from app.register.moving.known import Row, Rules, read_line
from app.register.moving.taking import ROW_COLUMN, Verdict, note_row, take
from app.register.patron.card_status import is_at_rest
from app.register.store.transaction import db, reading
from app.register.tables.moving import PatronImport, PatronImportLine
from app.register.tables.patrons import Affiliation, Patron
from app.rules.moving.rows import PatronRow, words_of

PURPOSE: Final = "import"
PAGE: Final = 10
_IN_FULL: Final = "name, birth date, card number, address, phone, e-mail"
_AT_REST: Final = "name, birth date"
_STATES: Final = (TAKING, STOPPED, DONE)


@dataclass(frozen=True, slots=True, repr=False)
class Likeness:
    """Somebody who has joined the library: of a card that is frozen or reported dead, name and birth date alone."""

    patron_id: int
    name: str
    birth_date: date
    card_number: str | None
    address: str | None
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Doubt:
    """A row, and those at this library who may be the same person."""

    line: int
    read: PatronRow
    alike: Sequence[Likeness] = field(default_factory=tuple)


def list_doubts(*, import_id: int, library_id: str, viewer: Viewer, rules: Rules) -> list[Doubt]:
    """Return the next ten rows that a person is to decide about; each access is logged first.

    Raises NoSuchImport or AccessNotLogged.
    """
    with reading():
        found = find_import(import_id=import_id, library_id=library_id)
        waiting = select(PatronImportLine).where(
            PatronImportLine.import_id == import_id, PatronImportLine.sealed_row.is_not(None)
        )
        lines = db.session.scalars(waiting.order_by(PatronImportLine.line).limit(PAGE)).all()
        rows = [_open(found, line, rules) for line in lines]
    doubts = [
        Doubt(row.line, row.read, tuple(_find_alike(row.read, library_id))) for row in rows if row.read is not None
    ]
    in_full = {each.patron_id for doubt in doubts for each in doubt.alike if each.card_number is not None}
    at_rest = {each.patron_id for doubt in doubts for each in doubt.alike} - in_full
    shown: set[int] = set()
    for patron_ids, fields in ((in_full, _IN_FULL), (at_rest, _AT_REST)):
        if patron_ids:
            shown |= log_list_access(
                patron_ids=patron_ids, viewer=viewer, purpose=PURPOSE, fields=fields, now=rules.now
            )
    return [replace(doubt, alike=tuple(each for each in doubt.alike if each.patron_id in shown)) for doubt in doubts]


def settle(*, import_id: int, library_id: str, line: int, same_as: int | None, rules: Rules) -> None:
    """Take a row in as somebody new; or note that it is the patron `same_as`, who must be alike. A second time it does
    nothing. Raises NoSuchImport.
    """
    found = find_import(import_id=import_id, library_id=library_id, states=_STATES, lock=True)
    waiting = db.session.get(PatronImportLine, (import_id, line))
    if waiting is None:
        raise NoSuchImport
    if waiting.sealed_row is None:
        return
    row = _open(found, waiting, rules)
    if row.read is None:
        verdict = Verdict(REFUSED, "row:not-valid")
    elif same_as is not None:
        if same_as not in {each.patron_id for each in _find_alike(row.read, library_id)}:
            raise NoSuchImport
        note_row(row, patron_id=same_as, library_id=library_id, now=rules.now)
        verdict = Verdict(HERE)
    else:
        verdict = take(row, Verdict(NEW), found, rules)
    waiting.outcome, waiting.why, waiting.sealed_row = verdict.outcome, verdict.why, None
    db.session.flush()
    if found.state == DONE:
        forget_columns(found)


def _open(found: PatronImport, line: PatronImportLine, rules: Rules) -> Row:
    cells = json.loads(vault.open(line.sealed_row or b"", column=ROW_COLUMN))
    return read_line(line.line, cells, open_columns(found)["fields"], found, rules)


def _find_alike(read: PatronRow, library_id: str) -> list[Likeness]:
    columns = (Patron.id, Patron.name, Patron.birth_date, Patron.card_number, Patron.address, Patron.postcode)
    born = select(*columns, Patron.place, Patron.phone, Patron.email, is_at_rest().label("at_rest"))
    born = born.join(Affiliation, Affiliation.patron_id == Patron.id).where(
        Affiliation.library_id == library_id, Patron.birth_date == read.person.birth_date
    )
    with reading():
        rows = [row for row in db.session.execute(born.order_by(Patron.id)) if words_of(row.name) == read.name_words]
    return [
        Likeness(row.id, row.name, row.birth_date, None, None, None, None)
        if row.at_rest
        else Likeness(
            row.id,
            row.name,
            row.birth_date,
            row.card_number,
            ", ".join(filter(None, (row.address, " ".join(filter(None, (row.postcode, row.place)))))) or None,
            row.phone,
            row.email,
        )
        for row in rows
    ]
