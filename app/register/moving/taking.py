"""Working through an import, a batch a transaction: what would become of each row, and then that it becomes so.

Of somebody who has a card but has not joined the library, nothing is told: the row is as new as any other. They are
asked to join, and until they do the library sees no more of them than before (docs/adr/0040).
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, insert, select

from app.register.change.enrolment import AlreadyRegistered, ConsentMissing, consent_is_needed, enrol_patron
from app.register.keys.vault import vault
from app.register.messages.outbox import ask_for_message
from app.register.moving.imports import (
    CHECKED,
    CHECKING,
    DONE,
    HERE,
    NEW,
    PERSON,
    REFUSED,
    TAKING,
    days_until_message,
    end_import,
    open_columns,
    open_rows,
)
from app.register.moving.known import (
    Known,
    Row,
    Rules,
    as_card_number,
    hash_of_name,
    hashes_of,
    look_around,
    named_as,
    read_line,
    tokens_of,
    whose,
)
from app.register.patron.card_status import status_of
from app.register.patron.changes import hold_queue
from app.register.patron.numbers import NumberNotReserved, NumberWasIssued, check_reserved
from app.register.store.transaction import db, execute_bulk, writing
from app.register.tables.moving import ImportedPatron, PatronImport, PatronImportBatch, PatronImportLine
from app.register.tables.patrons import Patron
from app.rules.messages import ASKED_TO_JOIN, MOVED_IN
from app.rules.moving.rows import PatronRow, hide_address

ROW_COLUMN: Final = "patron_import_lines.sealed_row"
NUMBER_COLUMN: Final = "imported_patrons.sealed_number"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row, and why: field:fault where it is refused. `patron_id`: who has its national number."""

    outcome: str
    why: str = ""
    patron_id: int | None = None


def work_on_imports(rules: Rules) -> bool:
    """Work on one batch of an import, in one transaction. Returns whether there may be more.

    Whoever is killed meanwhile has changed nothing of it, and the next one begins with the same batch.
    """
    with writing():
        waiting = select(PatronImport).where(PatronImport.state.in_((CHECKING, TAKING)))
        # By lot: no library waits for another's large file, or for one with which something is wrong.
        found = db.session.scalars(waiting.order_by(func.random()).limit(1).with_for_update(skip_locked=True)).first()
        if found is not None:
            work_on(found, rules)
    return found is not None


def work_on(found: PatronImport, rules: Rules) -> None:
    """Work on the next batch of an import that is locked, or end this step of it."""
    next_batch = select(PatronImportBatch).where(PatronImportBatch.import_id == found.id)
    if found.state == CHECKING:
        next_batch = next_batch.where(~PatronImportBatch.is_checked)
    batch = db.session.scalars(next_batch.order_by(PatronImportBatch.id).limit(1)).first()
    if batch is None and found.state == CHECKING:
        found.state = CHECKED
    elif batch is None:
        end_import(found, state=DONE, now=rules.now)
    else:
        _work_on_batch(found, batch, rules)


def _work_on_batch(found: PatronImport, batch: PatronImportBatch, rules: Rules) -> None:
    fields = open_columns(found)["fields"]
    rows = [read_line(line, cells, fields, found, rules) for line, cells in open_rows(batch)]
    takes = found.state == TAKING
    if takes:
        # Before any patron: others take a patron first and the queue last, but none of these has one yet.
        hold_queue(library_id=found.library_id)
    known = look_around(found, rows)
    lines = []
    for row in rows:
        verdict = judge(row, found, known, rules)
        if takes and verdict.outcome == NEW:
            verdict = take(row, verdict, found, rules)
        if verdict.outcome == NEW and row.read is not None:
            known.named.add(named_as(row.read))
        lines.append(_line(found.id, row, verdict, fields, seals=takes))
    of_these = (PatronImportLine.import_id == found.id, PatronImportLine.line.in_([row.line for row in rows]))
    execute_bulk(delete(PatronImportLine).where(*of_these))
    db.session.execute(insert(PatronImportLine), lines)
    found.done += len(rows)
    if takes:
        db.session.delete(batch)
    else:
        batch.is_checked = True


def judge(row: Row, found: PatronImport, known: Known, rules: Rules) -> Verdict:
    """Return what becomes of a row. Nothing is written, and of strangers nothing is in it but their id."""
    read = row.read
    if read is None:
        return Verdict(REFUSED, " ".join(f"{name}:{fault}" for name, fault in row.faults.items())[:300])
    earlier = [known.before[text] for text in hashes_of(found.id, read) if known.before.get(text, row.line) < row.line]
    if earlier:
        return Verdict(REFUSED, f"row:repeats:{min(earlier)}")
    for token in tokens_of(read, library_id=found.library_id):
        if token in known.by_token:
            return Verdict(HERE) if known.by_token[token] is not None else Verdict(REFUSED, "row:erased")
    patron_id = whose(read, known)
    if patron_id in known.members:
        return Verdict(HERE, patron_id=patron_id)
    if named_as(read) in known.named:
        return Verdict(PERSON)
    if refusal := _check(read, found, rules):
        return Verdict(REFUSED, refusal)
    return Verdict(NEW, patron_id=patron_id)


def _check(read: PatronRow, found: PatronImport, rules: Rules) -> str:
    """Return why no card could be made of a row; empty where it can."""
    birth_date = read.person.birth_date
    is_young = consent_is_needed(library_id=found.library_id, birth_date=birth_date, now=rules.now)
    if is_young and not found.consent:
        return "birth_date:consent"
    try:
        _card_number(read, found)
    except NumberWasIssued:
        return "number:issued"
    return ""


def _card_number(read: PatronRow, found: PatronImport) -> str | None:
    """Return the number of a row if its library has reserved it: the card goes on. Raises NumberWasIssued."""
    with suppress(NumberNotReserved):
        if number := as_card_number(read):
            return check_reserved(library_id=found.library_id, card_number=number)
    return None


def take(row: Row, verdict: Verdict, found: PatronImport, rules: Rules) -> Verdict:
    """Make the card of a row, or ask whoever has its national number to join; queue the message about it."""
    read = row.read
    assert read is not None
    patron_id = verdict.patron_id
    if patron_id is None:
        try:
            patron_id = enrol_patron(
                library_id=found.library_id,
                name=read.person.name,
                birth_date=read.person.birth_date,
                gender=read.person.gender,
                contact=read.contact,
                address_hidden=read.address_hidden,
                language=read.person.language,
                national_id=read.national_id,
                guardian_consent=found.consent,
                card_number=_card_number(read, found),
                welcome=MOVED_IN,
                welcome_at=_next_message(found, rules),
                now=rules.now,
            ).patron_id
        except AlreadyRegistered as known:
            # A desk made the card at this moment.
            return take(row, replace(verdict, patron_id=known.patron_id), found, rules)
        except (ConsentMissing, NumberWasIssued) as error:
            return Verdict(REFUSED, f"row:{error.code}")
    else:
        _ask_to_join(patron_id, found, rules)
    note_row(row, patron_id=patron_id, library_id=found.library_id, now=rules.now)
    return verdict


def _ask_to_join(patron_id: int, found: PatronImport, rules: Rules) -> None:
    # Counted in any case: the library reads the count, and would learn of a stranger whose card is lost or frozen.
    due_at = _next_message(found, rules)
    status = status_of(db.session.get_one(Patron, patron_id))
    if status.in_use and status.is_taken_at(found.library_id):
        ask_for_message(patron_id=patron_id, kind=ASKED_TO_JOIN, due_at=due_at, now=rules.now)


def note_row(row: Row, *, patron_id: int, library_id: str, now: datetime) -> None:
    """Note who a row is, so that it adds nobody when it comes again."""
    assert row.read is not None
    number = row.read.number
    db.session.add(
        ImportedPatron(
            token=tokens_of(row.read, library_id=library_id)[-1],
            key_id=vault.key_id,
            library_id=library_id,
            patron_id=patron_id,
            sealed_number=vault.seal(number.encode(), column=NUMBER_COLUMN) if number else None,
            imported_at=now,
        )
    )
    db.session.flush()


def _next_message(found: PatronImport, rules: Rules) -> datetime:
    """Return when the next message of an import is due: `by_day` on each day from now on."""
    found.welcomed += 1
    return rules.now + days_until_message(found)


def _line(import_id: int, row: Row, verdict: Verdict, fields: Sequence[str], *, seals: bool) -> dict[str, object]:
    hashes = [*(hashes_of(import_id, row.read) if row.read else ()), None, None]
    waits = seals and verdict.outcome == PERSON
    cells = hide_address(row.cells, fields) if row.read and row.read.address_hidden else row.cells
    return {
        "import_id": import_id,
        "line": row.line,
        "outcome": verdict.outcome,
        "why": verdict.why,
        "key_hash": hashes[0],
        "id_hash": hashes[1],
        "name_hash": hash_of_name(import_id, row.read) if row.read and verdict.outcome == NEW else None,
        "sealed_row": vault.seal(json.dumps(cells).encode(), column=ROW_COLUMN) if waits else None,
    }
