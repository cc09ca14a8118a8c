"""A library's file of patrons: what is killed goes on, and nothing of it stays."""

from datetime import date
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from app.register.leaving.erasure import erase_patron
from app.register.leaving.retention import purge
from app.register.moving import imports, taking
from app.register.moving.imports import (
    NEW,
    OVER,
    REFUSED,
    STOPPED,
    WAITS,
    ImportUnderWay,
    NoSuchImport,
    begin_import,
    check_import,
    list_columns,
    read_import,
    stop_import,
    take_in,
)
from app.register.moving.taking import work_on_imports
from app.register.patron.patrons import find_by_national_id
from app.register.store.transaction import db, writing
from app.register.tables.moving import ImportedPatron, PatronImportLine
from app.rules.moving.columns import NotAPatronFile, read_patron_file
from app.rules.people.national_id import parse_national_id
from tests.register.moving import NUMBER, TUVA, lines_of, work_through
from tests.register.people import MULLSJO, ULLENSAKER, count_rows


def test_an_import_that_is_stopped_goes_on_where_it_was(upload, rules):
    rows = [f"{3000 + each};Ola Lie{each};1980-05-05;;;;;;;" for each in range(imports.BATCH + 5)]
    before = count_rows("patrons")
    import_id = upload(*rows)
    work_through(rules())
    with writing():
        take_in(import_id=import_id, library_id=ULLENSAKER, by_day=10)
    assert work_on_imports(rules())
    with writing():
        stop_import(import_id=import_id, library_id=ULLENSAKER)
    assert not work_on_imports(rules())
    shown = read_import(import_id=import_id, library_id=ULLENSAKER)
    assert (shown.state, shown.done, count_rows("patrons")) == (STOPPED, imports.BATCH, before + imports.BATCH)
    assert (shown.counts[NEW], shown.counts[WAITS]) == (imports.BATCH, 5)
    with writing():
        take_in(import_id=import_id, library_id=ULLENSAKER, by_day=10)
    work_through(rules())
    assert count_rows("patrons") == before + len(rows)


def test_a_batch_that_fails_changes_nothing_and_is_tried_again(upload, rules, monkeypatch):
    rows = [f"{3000 + each};Ola Lie{each};1980-05-05;;;;;;;" for each in range(10)]
    before = count_rows("patrons")
    import_id = upload(*rows)
    work_through(rules())
    with writing():
        take_in(import_id=import_id, library_id=ULLENSAKER, by_day=10)
    note_row, noted = taking.note_row, []

    def fail_at_the_fifth(*arguments, **named):
        noted.append(1)
        if len(noted) == 5:
            raise RuntimeError
        note_row(*arguments, **named)

    monkeypatch.setattr(taking, "note_row", fail_at_the_fifth)
    with pytest.raises(RuntimeError):
        work_on_imports(rules())
    assert (count_rows("patrons"), read_import(import_id=import_id, library_id=ULLENSAKER).done) == (before, 0)
    db.session.rollback()
    work_through(rules())
    assert count_rows("patrons") == before + 10


def test_the_file_is_gone_when_it_is_done_and_the_report_names_nobody(move_in):
    _told, done = move_in(TUVA, "1002;;1980-05-05;;;;;;;")
    assert count_rows("patron_import_batches") == 0
    assert set(done.values()) == {(NEW, ""), (REFUSED, "name:missing")}
    hashes = select(PatronImportLine.key_hash, PatronImportLine.id_hash, PatronImportLine.sealed_row)
    assert set(db.session.execute(hashes)) == {(None, None, None)}


def test_a_file_is_erased_after_seven_days_and_its_report_after_thirty(upload, rules, clock):
    import_id = upload(TUVA)
    work_through(rules())
    clock.turn(days=7)
    purge(now=clock())
    assert count_rows("patron_import_batches") == 0
    assert read_import(import_id=import_id, library_id=ULLENSAKER).state == OVER
    assert lines_of(import_id) == {2: (REFUSED, "row:too-late")}
    clock.turn(days=23)
    purge(now=clock())
    with pytest.raises(NoSuchImport):
        read_import(import_id=import_id, library_id=ULLENSAKER)


def test_the_same_file_does_not_bring_back_somebody_who_was_erased(move_in, clock):
    move_in(TUVA)
    whose = find_by_national_id(parse_national_id(NUMBER, today=date(2026, 11, 22), allow_synthetic=True))
    db.session.rollback()
    with writing():
        erase_patron(patron_id=whose, reason="asked", now=clock())
    assert db.session.execute(select(ImportedPatron.patron_id, ImportedPatron.sealed_number)).one() == (None, None)
    db.session.rollback()
    assert move_in(TUVA)[1] == {2: (REFUSED, "row:erased")}


def test_a_library_has_one_import_at_a_time_and_sees_no_other_librarys(upload):
    import_id = upload(TUVA)
    with pytest.raises(ImportUnderWay):
        upload(TUVA)
    with pytest.raises(NoSuchImport):
        read_import(import_id=import_id, library_id=MULLSJO)
    upload(TUVA, library_id=MULLSJO)


def test_of_uploads_at_one_moment_one_is_kept(app, upload):
    together, kept, refused = Barrier(4), [], []

    def send():
        with app.app_context():
            together.wait()
            try:
                kept.append(upload(TUVA))
            except ImportUnderWay:
                refused.append(1)

    senders = [Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert (len(kept), len(refused)) == (1, 3)


@pytest.mark.parametrize(
    ("fields", "why"),
    [(["name", "name"], "twice"), (["number", "name"], "lacking")],
)
def test_columns_are_checked_before_anything_is(clock, fields, why):
    with writing():
        file = read_patron_file(b"navn;fodt\nKari;1980-05-05\n")
        import_id = begin_import(
            library_id=ULLENSAKER, actor="admin", file=file, file_hash="x", language="nb", now=clock()
        )
    with pytest.raises(NotAPatronFile) as refused, writing():
        check_import(import_id=import_id, library_id=ULLENSAKER, fields=fields, language="nb", consent=False)
    assert refused.value.why == why


def test_what_a_column_of_pins_holds_is_shown_to_nobody(clock):
    with writing():
        file = read_patron_file(b"navn;fodt;PIN\nKari;1980-05-05;4719\n")
        import_id = begin_import(
            library_id=ULLENSAKER, actor="admin", file=file, file_hash="x", language="nb", now=clock()
        )
    columns = list_columns(import_id=import_id, library_id=ULLENSAKER)
    assert [(column.example, column.is_secret) for column in columns][-1] == ("", True)
    db.session.rollback()
    fields = ["name", "birth_date", "number"]
    with pytest.raises(NoSuchImport), writing():
        check_import(import_id=import_id, library_id=ULLENSAKER, fields=fields, language="nb", consent=False)
