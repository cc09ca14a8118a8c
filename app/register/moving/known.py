"""The rows of a batch as persons, and what the register knows of them before anything is changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select

from app.register.keys.vault import vault
from app.register.patron.patrons import NATIONAL_ID
from app.register.store.transaction import db
from app.register.tables.moving import ImportedPatron, PatronImport, PatronImportLine
from app.register.tables.patrons import Affiliation, NationalIdToken, Patron
from app.rules.card.number import is_card_number, parse_card_number
from app.rules.moving.rows import PatronRow, RowNotValid, read_row, words_of
from app.rules.people.ages import day_in_norway


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a run goes by: the instant, and whether the numbers of test persons are taken."""

    now: datetime
    allow_synthetic: bool

    @property
    def today(self) -> date:
        """The day in Norway."""
        return day_in_norway(self.now)


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """A row of the file. `read` is None where `faults` says why by field."""

    line: int
    cells: Sequence[str]
    read: PatronRow | None
    faults: Mapping[str, str]


Named = tuple[tuple[str, ...], date]
"""A name's words and a birth date."""


@dataclass(slots=True)
class Known:
    """What the register knows about the rows of a batch."""

    by_token: dict[str, int | None]
    by_national_id: dict[str, int]
    members: set[int]
    by_number: dict[str, tuple[int, tuple[str, ...], date]]
    named: set[Named]
    before: dict[str, int] = field(default_factory=dict)


def read_line(line: int, cells: Sequence[str] | None, fields: Sequence[str], found: PatronImport, rules: Rules) -> Row:
    """Return a row of an import's file as a person, or with its faults."""
    if cells is None:
        return Row(line, (), None, {"row": "not-valid"})
    try:
        read = read_row(
            cells, fields, language=found.language, today=rules.today, allow_synthetic=rules.allow_synthetic
        )
    except RowNotValid as error:
        return Row(line, cells, None, error.faults)
    return Row(line, cells, read, {})


def look_around(found: PatronImport, rows: Iterable[Row]) -> Known:
    """Return what the register, and the import until now, know about the rows of a batch."""
    reads = [row.read for row in rows if row.read is not None]
    tokens = [token for read in reads for token in tokens_of(read, library_id=found.library_id)]
    imported = select(ImportedPatron.token, ImportedPatron.patron_id).where(ImportedPatron.token.in_(tokens))
    numbers = {
        token: read.national_id.canonical
        for read in reads
        if read.national_id is not None
        for token in vault.tokens(purpose=NATIONAL_ID, text=read.national_id.canonical).values()
    }
    registered = select(NationalIdToken.token, NationalIdToken.patron_id).where(NationalIdToken.token.in_(numbers))
    by_national_id = {numbers[token]: patron_id for token, patron_id in db.session.execute(registered)}
    here = (Affiliation.library_id == found.library_id,)
    cards = {number for read in reads if (number := as_card_number(read))}
    holders = select(Patron.card_number, Patron.id, Patron.name, Patron.birth_date).where(Patron.card_number.in_(cards))
    by_number = {
        number: (patron_id, words_of(name), day) for number, patron_id, name, day in db.session.execute(holders)
    }
    found_ids = [*by_national_id.values(), *(patron_id for patron_id, *_person in by_number.values())]
    joined = select(Affiliation.patron_id).where(Affiliation.patron_id.in_(found_ids), *here)
    by_token = dict(db.session.execute(imported).all())
    new = [read for read in reads if not by_token.keys() & tokens_of(read, library_id=found.library_id)]
    born = select(Patron.name, Patron.birth_date).join(Affiliation, Affiliation.patron_id == Patron.id)
    born = born.where(Patron.birth_date.in_({read.person.birth_date for read in new}), *here)
    named = {(words_of(name), day) for name, day in db.session.execute(born)}
    return Known(
        by_token=by_token,
        by_national_id=by_national_id,
        by_number=by_number,
        members=set(db.session.scalars(joined)),
        named=named | _earlier_names(found, new, before_line=min((row.line for row in rows), default=0)),
        before=_earlier_rows(found, reads, rows),
    )


def _earlier_rows(found: PatronImport, reads: Sequence[PatronRow], rows: Iterable[Row]) -> dict[str, int]:
    """Return the first line of each hash that the rows have."""
    wanted = {text for read in reads for text in hashes_of(found.id, read)}
    before: dict[str, int] = {}
    for column in (PatronImportLine.key_hash, PatronImportLine.id_hash):
        same = select(column, PatronImportLine.line).where(PatronImportLine.import_id == found.id, column.in_(wanted))
        for text, line in db.session.execute(same):
            before[str(text)] = min(line, before.get(str(text), line))
    for row in rows:
        for text in hashes_of(found.id, row.read) if row.read else ():
            before[text] = min(row.line, before.get(text, row.line))
    return before


def _earlier_names(found: PatronImport, new: Sequence[PatronRow], *, before_line: int) -> set[Named]:
    """Return those names and birth dates of a batch that new rows before it have, so that the check tells of them."""
    hashes = {hash_of_name(found.id, read): named_as(read) for read in new}
    same = select(PatronImportLine.name_hash).where(
        PatronImportLine.import_id == found.id,
        PatronImportLine.name_hash.in_(hashes),
        PatronImportLine.line < before_line,
    )
    return {hashes[text] for text in db.session.scalars(same) if text is not None}


def named_as(read: PatronRow) -> Named:
    """Return the name, as it is compared, and the birth date of a row."""
    return read.name_words, read.person.birth_date


def hash_of_name(import_id: int, read: PatronRow) -> str:
    """Return the hash by which rows of one file with the same name and birth date are found."""
    words, day = named_as(read)
    return vault.subject(f"import {import_id} name {' '.join(words)} {day}")


def hashes_of(import_id: int, read: PatronRow) -> list[str]:
    """Return the hashes by which rows of one file that say the same card or national number are told apart."""
    told = [f"key {read.key}", *([f"id {read.national_id.canonical}"] if read.national_id else [])]
    return [vault.subject(f"import {import_id} {text}") for text in told]


def whose(read: PatronRow, known: Known) -> int | None:
    """Return who has the national number of a row, or its card number together with its name and birth date."""
    if read.national_id and (patron_id := known.by_national_id.get(read.national_id.canonical)):
        return patron_id
    patron_id, *person = known.by_number.get(as_card_number(read), (None,))
    return patron_id if person == [read.name_words, read.person.birth_date] else None


def as_card_number(read: PatronRow) -> str:
    """Return the number of a row if it looks like one of the register's; empty for others."""
    is_ours = read.number[:1].upper() == "N" and is_card_number(read.number)
    return parse_card_number(read.number) if is_ours else ""


def tokens_of(read: PatronRow, *, library_id: str) -> list[str]:
    """Return the tokens by which a library's row is known again, of each key; the newest is the last."""
    return list(vault.tokens(purpose="imported row", text=f"{library_id} {read.key}").values())


def list_asking(*, patron_id: int) -> dict[str, datetime]:
    """Return the libraries whose files named a patron who is not theirs, by id, and since when."""
    asked = select(ImportedPatron.library_id, func.max(ImportedPatron.imported_at))
    asked = asked.where(ImportedPatron.patron_id == patron_id).group_by(ImportedPatron.library_id)
    return dict(db.session.execute(asked).all())
