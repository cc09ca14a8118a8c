"""A library that fetches what is new misses nothing, whoever writes at the same moment."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from app.register.card.cards import replace_card
from app.register.library.feed import LONGEST_PAGE, acknowledge, read_changes
from app.register.patron.changes import note_change
from app.register.patron.patrons import lock_patron
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from tests.register.interrupting import interrupted
from tests.register.people import AT_MULLSJO, GUARDIAN, MULLSJO, ULLENSAKER, count_rows, patron_id

WRITERS, CHANGES = 6, 12


def read_on(after: int | None) -> tuple[list[int], int]:
    page = read_changes(library_id=MULLSJO, after=after, limit=5)
    db.session.rollback()
    return [notice.seq for notice in page.notices], page.next


def test_a_reader_misses_no_change_that_is_committed_late(app, clock):
    patrons = [patron_id(GUARDIAN), patron_id(AT_MULLSJO)]
    _seen, start = read_on(None)
    done = threading.Event()
    chance = random.Random(7)
    pauses = [chance.random() / 200 for _ in range(WRITERS * CHANGES)]

    def write(number: int) -> None:
        with app.app_context():
            for turn in range(CHANGES):
                note_change(patron=lock_patron(patrons[number % 2]), library_ids=[MULLSJO], now=clock())
                # The place in the line is taken; others try to overtake before it comes into sight.
                time.sleep(pauses[number * CHANGES + turn])
                if turn % 4 == 3:
                    db.session.rollback()
                else:
                    db.session.commit()

    def read() -> list[int]:
        with app.app_context():
            seen, after = [], start
            while True:
                last = done.is_set()
                found, after = read_on(after)
                seen += found
                if last and not found:
                    return seen

    with ThreadPoolExecutor(WRITERS + 1) as crowd:
        reader = crowd.submit(read)
        for writer in [crowd.submit(write, number) for number in range(WRITERS)]:
            writer.result()
        done.set()
        seen = reader.result()
    committed = WRITERS * CHANGES * 3 // 4
    assert seen == list(range(start + 1, start + 1 + committed))


def test_a_number_that_changes_while_a_line_is_read_is_told_by_its_own_notice_alone(app, clock):
    guardian = patron_id(GUARDIAN)

    def replace() -> None:
        with app.app_context():
            replace_card(patron_id=guardian, now=clock())
            db.session.commit()

    for moment in count():
        known = lock_patron(guardian).card_number
        note_change(patron=lock_patron(guardian), library_ids=[MULLSJO], now=clock())
        db.session.commit()
        last = read_changes(library_id=MULLSJO, after=None, limit=LONGEST_PAGE).next
        db.session.rollback()
        with app.test_request_context(), interrupted(db.engine, before=moment, by=replace) as acted:
            page = read_changes(library_id=MULLSJO, after=last - 1, limit=1)
            db.session.rollback()
        assert [notice.card_number for notice in page.notices] == [known]
        if not acted:
            break
    assert moment > 2, "there were moments between statements"


def test_acknowledging_at_the_same_moment_counts_each_notice_once(app, clock):
    _, last = read_on(None)
    others = count_rows("library_notices") - last

    def say(_number: int) -> int:
        with app.app_context():
            confirmed = acknowledge(library_id=MULLSJO, up_to=last, kept={}, now=clock())
            db.session.commit()
            return confirmed

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(say, range(8))) == last
    unconfirmed = db.session.query(LibraryNotice).filter(LibraryNotice.confirmed_at.is_(None))
    assert {notice.library_id for notice in unconfirmed} == {ULLENSAKER}
    assert unconfirmed.count() == others


def test_a_library_that_was_never_told_anything_has_an_empty_line(clock):
    page = read_changes(library_id="nobody", after=None, limit=5)
    assert (list(page.notices), page.next, page.more) == ([], 0, False)
    assert acknowledge(library_id="nobody", up_to=0, kept={}, now=clock()) == 0
