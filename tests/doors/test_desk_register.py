"""Card numbers that a library reserves, and what its system is still to be told."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.register.card.cards import replace_card
from app.register.library.notices import LEASE, lease_queue, list_due_notices, pause_queue, set_aside
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue, NumberSeries
from app.register.tables.log import AccessLogEntry
from tests.doors.libraries import ULLENSAKER
from tests.doors.visits import desk_log_in, main_text, read_page, submit


@pytest.fixture
def fault(app, clock):
    """Let telling a library go wrong: its system does not answer, or refuses its first notice."""

    def fault(library_id, *, refuses=""):
        with app.app_context():
            db.session.rollback()
            for queue in db.session.scalars(select(LibraryQueue)):
                queue.due_at = clock() if queue.library_id == library_id else None
            db.session.commit()
            assert lease_queue(now=clock()).library_id == library_id
            hour = timedelta(hours=1)
            if refuses:
                notice = list_due_notices(library_id=library_id, now=clock(), limit=1)[0]
                set_aside(notice=notice, fault=refuses, pause=hour, now=clock())
            pause_queue(library_id=library_id, attempts=3, fault="no_answer", pause=hour, answered=False, now=clock())

    return fault


def queue_of(app, library_id):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(select(LibraryQueue).where(LibraryQueue.library_id == library_id)).one()


# --- numbers ---


def test_a_library_reserves_rows_and_no_two_overlap(app, desk, mullsjo):
    assert "None yet." in main_text(desk.get("/desk/numbers"))
    for browser, count, rows in ((desk, "100", "0"), (mullsjo, "500", "0"), (desk, "1000", "1")):
        assert submit(browser, "/desk/numbers", count=count, rows=rows).location == "/desk/numbers"
        assert "Reserved: N " in main_text(browser.get("/desk/numbers"))
    with app.app_context():
        edges = [edge for row in db.session.scalars(select(NumberSeries)) for edge in (row.first, row.last)]
    assert edges == sorted(set(edges))
    assert len(read_page(desk.get("/desk/numbers")).select(".number-rows tbody tr")) == 2
    assert "N 500 000 100" not in main_text(desk.get("/desk/numbers")), "that is another library's"


def test_sent_twice_it_is_one_row(app, desk):
    submit(desk, "/desk/numbers", count="100", rows="0")
    submit(desk, "/desk/numbers", count="100", rows="0")
    assert "Another row was reserved a moment ago." in main_text(desk.get("/desk/numbers"))
    with app.app_context():
        assert len(db.session.scalars(select(NumberSeries)).all()) == 1


def test_a_library_reserves_ten_rows_a_day_at_its_desks_and_by_its_system_together(app, client, desk, mullsjo, clock):
    for rows in range(4):
        submit(desk, "/desk/numbers", count="100", rows=str(rows))
    by_system = [client.post("/api/v1/number-series", json={"count": 1}, auth=ULLENSAKER) for _ in range(7)]
    assert [answer.status_code for answer in by_system] == [201] * 6 + [429]
    submit(desk, "/desk/numbers", count="100", rows="10")
    assert "Too many attempts. Try again in 24 hours." in main_text(desk.get("/desk/numbers"))
    submit(mullsjo, "/desk/numbers", count="100", rows="0")
    assert "Reserved: N " in main_text(mullsjo.get("/desk/numbers"))
    clock.turn(days=1)
    tomorrow = desk_log_in(desk)
    assert tomorrow.status_code == 302
    submit(desk, "/desk/numbers", count="100", rows="10")
    assert "Reserved: N " in main_text(desk.get("/desk/numbers"))


@pytest.mark.parametrize("count", ["", "0", "-1", "101", "1e3", "١٠٠", "999999999"])
def test_only_the_offered_lengths_are_reserved(app, desk, count):
    submit(desk, "/desk/numbers", count=count, rows="0")
    with app.app_context():
        assert db.session.scalars(select(NumberSeries)).all() == []


# --- notices ---


def test_where_nothing_waits_the_page_says_so(app, desk):
    with app.app_context():
        for notice in db.session.scalars(select(LibraryNotice)):
            notice.due_at = None
        db.session.commit()
    text = main_text(desk.get("/desk/notices"))
    assert "Nothing waits" in text
    assert "Never yet" in text


def test_a_system_that_does_not_answer_is_said_not_to_and_is_tried_again_on_request(app, desk, fault, clock):
    fault("2023500")
    text = main_text(desk.get("/desk/notices"))
    assert "6 notices wait" in text
    assert "The oldest since 22 November 2026 at" in text
    assert "The system does not answer. Tried 3 times." in text
    assert queue_of(app, "2023500").due_at == clock() + timedelta(hours=1)
    assert submit(desk, "/desk/notices/retry", page="/desk").location == "/desk/notices"
    assert queue_of(app, "2023500").due_at == clock()


def test_a_line_that_is_being_told_is_left_to_its_worker(app, desk, clock):
    with app.app_context():
        line = lease_queue(now=clock())
    submit(desk, "/desk/notices/retry", page="/desk")
    due = {library_id: queue_of(app, library_id).due_at for library_id in ("2023500", "Mull")}
    assert due[line.library_id] == clock() + LEASE


def test_what_the_system_refused_is_shown_with_its_code_and_the_look_is_written_down(app, desk, fault, clock):
    with app.app_context():
        replace_card(patron_id=4, now=clock())
        for notice in db.session.scalars(select(LibraryNotice)):
            notice.due_at = clock() if notice.patron_id == 4 else None
        db.session.commit()
    fault("2023500", refuses="unknown_card")
    text = main_text(desk.get("/desk/notices"))
    assert "1 is set aside" in text
    assert "The system refused it, with the code unknown_card." in text
    assert "N 000 100 004" in text
    for hidden in ("Bråten", "per@example.org", "Granlia"):
        assert hidden not in desk.get("/desk/notices").text
    with app.app_context():
        looks = db.session.execute(select(AccessLogEntry.patron_id, AccessLogEntry.fields)).all()
        assert set(looks) == {(4, "card number")}
    submit(desk, "/desk/notices/retry", page="/desk")
    with app.app_context():
        aside = db.session.scalars(select(LibraryNotice).where(LibraryNotice.attempts > 0)).one()
        assert aside.due_at == clock()


def test_another_librarys_notices_are_neither_seen_nor_touched(app, desk, mullsjo, fault, clock):
    with app.app_context():
        replace_card(patron_id=4, now=clock())
        db.session.commit()
    fault("2023500", refuses="unknown_card")
    before = queue_of(app, "2023500")
    text = main_text(mullsjo.get("/desk/notices"))
    assert "unknown_card" not in text
    assert "N 000 100 004" not in text
    submit(mullsjo, "/desk/notices/retry", page="/desk")
    assert queue_of(app, "2023500") == before


def test_a_library_that_fetches_by_itself_is_told_so(desk):
    assert "It fetches what is new when it asks" in main_text(desk.get("/desk/notices"))
