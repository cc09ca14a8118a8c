"""`flask import-patrons`, also in a process of its own that is killed in the middle and given again."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from app.register.moving import imports
from app.register.moving.imports import list_imports
from app.register.moving.known import Rules
from app.register.moving.taking import work_on_imports
from app.register.store.transaction import db, writing
from app.rules.moving.columns import guess_fields, read_patron_file
from tests.conftest import VAULT_KEYS
from tests.register.moving import work_through
from tests.register.people import ULLENSAKER, count_rows

HEADINGS = "Lånernr;Navn;Født;E-post"
MANY = int(os.environ.get("LANEKORT_PATRONS", "200"))
"""Rows of the file; `LANEKORT_PATRONS=10000` moves a library of ten thousand in."""
BAD_LINES = range(7, MANY + 2, 33)
"""Three of a hundred."""
BAD = len(BAD_LINES)


def write_file(path, *, rows=MANY, bad=BAD_LINES):
    """Write a file whose `bad` lines have a birth date that is none."""
    born = (date(1940, 1, 1) + timedelta(days=line * 17 % 25_000) for line in range(2, rows + 2))
    days = ("31.02.1980" if line in bad else f"{day:%d.%m.%Y}" for line, day in enumerate(born, 2))
    lines = (f"A{at:06d};Ola Nordmann{at};{day};ola{at}@example.org" for at, day in enumerate(days))
    path.write_text("\n".join([HEADINGS, *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path):
    return write_file(tmp_path / "patrons.csv")


def run(app, file, *options, library_id=ULLENSAKER):
    return app.test_cli_runner().invoke(args=["import-patrons", library_id, str(file), *options])


def begin(database_url, file):
    settings = {
        "DATABASE_URL": database_url,
        "SECRET_KEY": "0123456789abcdef" * 4,
        "VAULT_KEYS": f"1:{VAULT_KEYS[1].hex()}",
        "SMTP_URL": "smtp://localhost",
        "MAIL_FROM": "library@example.org",
        "PUBLIC_URL": "https://card.example.org",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "import-patrons", ULLENSAKER, str(file), "--go"],
        env=os.environ | settings,
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_without_go_a_file_is_checked_and_each_bad_row_told_by_line_alone(app, file):
    before = count_rows("patrons")
    done = run(app, file)
    assert done.exit_code == 1
    told = re.findall(r"^patrons\.csv:(\d+): Birth date is not valid$", done.output, re.MULTILINE)
    assert [int(line) for line in told] == list(BAD_LINES)
    assert f"{MANY - BAD} would be taken in" in done.output
    assert f"{BAD} refused" in done.output
    assert count_rows("patrons") == before
    assert list_imports(library_id=ULLENSAKER) == []


def test_so_many_patrons_imported_twice_are_so_many_patrons(app, tmp_path):
    before = count_rows("patrons")
    file = write_file(tmp_path / "patrons.csv", bad=())
    for said in (f"{MANY} taken in, 0 already here, 0 need", f"0 taken in, {MANY} already here, 0 need"):
        done = run(app, file, "--go")
        assert (done.exit_code, said in done.output) == (0, True)
        assert not re.search(r"Nordmann|ola\d|A\d{6}", done.output)
        assert count_rows("patrons") == before + MANY


def test_columns_are_corrected_as_on_the_page(app, tmp_path):
    path = tmp_path / "patrons.csv"
    path.write_text("Lånernr;Hvem;Lagt inn;Dag;PIN\n7;Tuva Moen;2020-01-01;2003-03-01;4719\n", encoding="utf-8")
    before = count_rows("patrons")
    wrong = run(app, path, "--column", "name=Hvem", "--column", "birth_date=Dato")
    assert (wrong.exit_code, "A column that you named is not in the file" in wrong.output) == (1, True)
    assert "The fields: name, first_name" in run(app, path, "--column", "born=Dag").output
    assert "PINs are never taken in." in run(app, path, "--column", "number=PIN").output
    done = run(app, path, "--column", "name=Hvem", "--column", "birth_date=4", "--go")
    assert "  4. Dag: birth_date\n  5. PIN: never taken in" in done.output
    assert (done.exit_code, "1 taken in" in done.output, "4719" in done.output) == (0, True, False)
    assert count_rows("patrons") == before + 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file has no rows."),
        (b"navn;noe\nKari;1980-05-05\n", "A column for the name and one for the birth date are needed."),
        (b"\0" * 5000, "The first row must name the columns"),
    ],
)
def test_a_file_of_which_nothing_can_be_made_gets_a_sentence_and_is_not_kept(app, tmp_path, content, said):
    path = tmp_path / "patrons.csv"
    path.write_bytes(content)
    done = run(app, path, "--go")
    assert (done.exit_code, said in done.output) == (1, True)
    assert list_imports(library_id=ULLENSAKER) == []


def begin_import_of(file, *, actor, consent=False):
    """Keep the file as somebody at the desk would, and let it be checked."""
    content = file.read_bytes()
    read = read_patron_file(content)
    with writing():
        import_id = imports.begin_import(
            library_id=ULLENSAKER,
            actor=actor,
            file=read,
            file_hash=imports.hash_of_file(content),
            language="nb",
            now=datetime(2026, 11, 22, tzinfo=UTC),
        )
        check_all(import_id, guess_fields(read.headings), consent=consent)
    return import_id


def check_all(import_id, fields, *, consent):
    imports.check_import(import_id=import_id, library_id=ULLENSAKER, fields=fields, language="nb", consent=consent)


@pytest.mark.parametrize("options", [(), ("--go",)])
def test_what_an_administrator_uploaded_is_left_to_them(app, file, options):
    import_id = begin_import_of(file, actor="kari")
    done = run(app, file, *options)
    assert (done.exit_code, "another import that is not finished" in done.output) == (1, True)
    (kept,) = list_imports(library_id=ULLENSAKER)
    assert (kept.id, kept.state, kept.done) == (import_id, "checking", 0)


def test_a_file_that_is_being_taken_in_is_only_gone_on_with(app, file):
    import_id = begin_import_of(file, actor="the operator")
    rules = Rules(now=datetime(2026, 11, 22, tzinfo=UTC), allow_synthetic=True)
    work_through(rules)
    with writing():
        imports.take_in(import_id=import_id, library_id=ULLENSAKER, by_day=10)
    assert work_on_imports(rules)
    done = run(app, file)
    assert (done.exit_code, "With --go it goes on." in done.output) == (1, True)
    (kept,) = list_imports(library_id=ULLENSAKER)
    assert (kept.state, kept.done) == ("taking", imports.BATCH)
    db.session.rollback()
    assert f"{MANY - BAD} taken in, 0 already here" in run(app, file, "--go").output


def test_a_check_that_was_interrupted_goes_by_what_is_said_now(app, tmp_path):
    file = tmp_path / "patrons.csv"
    file.write_text("Navn;Født\nLiv Moen;2020-06-01\n", encoding="utf-8")
    begin_import_of(file, actor="the operator", consent=True)
    done = run(app, file, "--go")
    assert (done.exit_code, "a guardian has to agree" in done.output) == (1, True)
    assert "0 taken in" in done.output


def test_an_unknown_library_is_named(app, file):
    assert "There is no library nowhere." in run(app, file, library_id="nowhere").output


@pytest.mark.usefixtures("programs")
def test_a_process_that_is_killed_in_the_middle_is_gone_on_with(app, database_url, tmp_path):
    before, rows = count_rows("patrons"), max(MANY, 600)
    file = write_file(tmp_path / "patrons.csv", rows=rows, bad=(7,))
    process = begin(database_url, file)
    while count_rows("patrons") < before + rows // 4 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    taken = count_rows("patrons") - before
    assert 0 < taken < rows - 1
    assert taken == count_rows("imported_patrons")
    again = begin(database_url, file)
    said, _ = again.communicate()
    assert again.returncode == 1
    assert f"{rows - 1} taken in, 0 already here, 0 need" in said
    assert count_rows("patrons") == before + rows - 1
    assert count_rows("patron_import_batches") == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_full_disk_ends_it_with_a_sentence_and_it_goes_on_when_there_is_room(app, file):
    before, room = count_rows("patrons"), ["1073741823"]

    def bound(connection, _record):
        connection.execute(f"PRAGMA max_page_count = {room[-1]}")

    def leave(pages):
        room.append(str(pages))
        db.session.remove()
        db.engine.dispose()

    event.listen(db.engine, "connect", bound)
    leave(db.session.scalar(text("PRAGMA page_count")) + 40)
    done = run(app, file, "--go")
    assert (done.exit_code, "is its disk full?" in done.output) == (1, True)
    leave(1073741823)
    taken = count_rows("patrons") - before
    assert 0 < taken == count_rows("imported_patrons") < MANY - BAD
    assert f"{MANY - BAD} taken in, 0 already here" in run(app, file, "--go").output
    assert count_rows("patrons") == before + MANY - BAD
    event.remove(db.engine, "connect", bound)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("programs")
def test_a_database_that_goes_away_ends_it_with_a_sentence(app, database_url, file):
    before = count_rows("patrons")
    # It waits in the middle of a batch: between two transactions it would take a new connection, and go on.
    db.session.execute(text("LOCK TABLE imported_patrons IN EXCLUSIVE MODE"))
    process = begin(database_url, file)
    waiting = "FROM pg_locks WHERE relation = 'imported_patrons'::regclass AND NOT granted"
    while not db.session.scalar(text(f"SELECT count(*) {waiting}")) and process.poll() is None:
        time.sleep(0.01)
    db.session.execute(text(f"SELECT pg_terminate_backend(pid) {waiting}"))
    db.session.rollback()
    said, _ = process.communicate()
    assert (process.returncode, "The register's database is not reached" in said) == (1, True)
    assert count_rows("patrons") == before + count_rows("imported_patrons")
    assert f"{MANY - BAD} taken in, 0 already here" in run(app, file, "--go").output
    assert count_rows("patrons") == before + MANY - BAD
