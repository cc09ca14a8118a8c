"""What the operator reads of libraries: how many patrons, what waits for each, and which imports go on."""

from datetime import timedelta

from sqlalchemy import update

from app.register.figures.backlog import read_backlog, read_library_backlog
from app.register.figures.libraries import count_patrons, list_library_states
from app.register.figures.runs import list_running_imports
from app.register.library.webhooks import listen_at
from app.register.moving.imports import take_in
from app.register.patron.libraries import add_library
from app.register.store.transaction import db, writing
from app.register.tables.library import LibraryQueue
from tests.register.moving import work_through
from tests.register.people import MULLSJO, ULLENSAKER, count_rows


def test_a_library_that_nobody_uses_is_listed_where_it_is_asked_for(clock):
    with writing():
        add_library(library_id="2099900", name="Aaby folkebibliotek", kind="folkebib")
    patrons = count_patrons()
    assert sum(patrons.values()) == count_rows("patrons")
    listed = [each.id for each in list_library_states(patrons=patrons)]
    assert "2099900" not in listed
    first, *rest = list_library_states(patrons=patrons, also=["2099900"])
    assert (first.id, first.patrons, first.machines_seen_at) == ("2099900", 0, None)
    assert [each.id for each in rest] == listed


def test_why_a_library_s_notices_fail_is_read_of_it_alone_as_of_all(clock):
    later = clock() + timedelta(minutes=5)
    with writing():
        for library in (MULLSJO, ULLENSAKER):
            listen_at(library_id=library, url="https://ils.example.org/", key=b"k" * 32, now=clock())
    with writing():
        failing = {"attempts": 3, "last_fault": "no_answer", "due_at": later}
        db.session.execute(update(LibraryQueue).where(LibraryQueue.library_id == MULLSJO).values(**failing))
    found = read_library_backlog(library_id=MULLSJO, now=clock())
    assert found is not None
    assert (found.failures, found.fault, found.next_try_at, found.is_told) == (3, "no_answer", later, True)
    assert found in read_backlog(now=clock()).libraries
    assert read_library_backlog(library_id="none", now=clock()) is None


def test_an_import_is_running_while_the_worker_has_something_to_do_with_it(upload, rules):
    assert list_running_imports() == []
    import_id = upload("3001;Ola Lie;1980-05-05;;;;;;;")
    (running,) = list_running_imports()
    assert (running.library_id, running.done, running.rows) == (ULLENSAKER, 0, 1)
    work_through(rules())
    assert list_running_imports() == []
    with writing():
        take_in(import_id=import_id, library_id=ULLENSAKER, by_day=10)
    assert len(list_running_imports()) == 1
    work_through(rules())
    assert list_running_imports() == []
