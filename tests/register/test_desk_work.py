"""What the register does for a desk: consent, numbers of one's own, a number on its way, one form that is one card."""

import threading

import pytest
from sqlalchemy import func, select

from app.register.card.cards import WasReplaced, replace_card
from app.register.change.enrolment import ConsentMissing, activate_here, enrol_patron
from app.register.change.freezing import freeze_card
from app.register.change.membership import opt_out
from app.register.desk.lookup import look_up_national_id
from app.register.desk.sealed_id import SealedIdNotValid, open_sealed_id, seal_national_id
from app.register.desk.visits import WasOpened, draw_session, open_visit, was_opened
from app.register.library.waiting import retry_waiting, see_waiting
from app.register.patron.numbers import (
    NumberNotReserved,
    NumberWasIssued,
    check_reserved,
    list_series,
    reserve_series,
)
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, LibraryQueue
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Affiliation, DeskVisit, Patron
from app.rules.card.number import NotACardNumber
from app.rules.card.status import CardRefused
from app.rules.people.contact import Contact
from app.rules.people.national_id import parse_national_id
from tests.register.people import AT_MULLSJO, CHILD, GUARDIAN, LOST, MULLSJO, ULLENSAKER, patron_id, reading
from tests.register.test_visits import desk

NUMBER = "01831050027"


@pytest.fixture
def number(clock):
    return parse_national_id(NUMBER, today=clock().date(), allow_synthetic=True)


def enrol(now, *, national_id=None, card_number=None, name="Ola Nordli"):
    return enrol_patron(
        library_id=ULLENSAKER,
        name=name,
        birth_date=now.date().replace(year=1990),
        gender="unknown",
        contact=Contact(),
        language="nb",
        national_id=national_id,
        guardian_consent=False,
        card_number=card_number,
        now=now,
    )


def test_the_consent_that_a_card_needs_is_noted_when_it_is_activated(clock):
    child = patron_id(CHILD)
    with pytest.raises(ConsentMissing):
        activate_here(patron_id=child, library_id=MULLSJO, guardian_consent=False, now=clock())
    db.session.rollback()
    activate_here(patron_id=child, library_id=MULLSJO, guardian_consent=True, now=clock())
    db.session.commit()
    assert db.session.get_one(Patron, child).guardian_consent_at == clock()
    assert db.session.get(Affiliation, (child, MULLSJO)) is not None


def test_an_adults_consent_is_their_own(clock):
    activate_here(patron_id=patron_id(AT_MULLSJO), library_id=ULLENSAKER, guardian_consent=True, now=clock())
    assert db.session.get_one(Patron, 5).guardian_consent_at is None


def test_a_card_that_is_not_in_use_is_activated_nowhere(clock):
    at_mullsjo, guardian = patron_id(AT_MULLSJO), patron_id(GUARDIAN)
    freeze_card(patron_id=at_mullsjo, now=clock())
    opt_out(patron_id=guardian, library_id=MULLSJO, now=clock())
    db.session.commit()
    refused = {(LOST, MULLSJO): "lost", (AT_MULLSJO, ULLENSAKER): "frozen", (GUARDIAN, ULLENSAKER): "local"}
    for (card_number, library_id), state in refused.items():
        with pytest.raises(CardRefused) as error:
            activate_here(patron_id=patron_id(card_number), library_id=library_id, guardian_consent=False, now=clock())
        assert error.value.state == state
        db.session.rollback()


def test_only_a_free_number_of_the_librarys_own_rows_is_given(clock):
    row = reserve_series(library_id=ULLENSAKER, count=10, now=clock())
    other = reserve_series(library_id=MULLSJO, count=10, now=clock())
    assert check_reserved(library_id=ULLENSAKER, card_number=f" {row.last.lower()} ") == row.last
    enrol(clock(), card_number=row.first)
    for card_number, error in (
        (row.first, NumberWasIssued),
        (other.first, NumberNotReserved),
        (GUARDIAN, NumberNotReserved),
        ("7", NotACardNumber),
    ):
        with pytest.raises(error):
            check_reserved(library_id=ULLENSAKER, card_number=card_number)


def test_a_row_tells_how_many_of_its_numbers_are_on_cards_now(clock):
    first = reserve_series(library_id=ULLENSAKER, count=10, now=clock())
    reserve_series(library_id=MULLSJO, count=7, now=clock())
    second = reserve_series(library_id=ULLENSAKER, count=5, now=clock())
    enrol(clock(), card_number=first.first)
    made = enrol(clock(), card_number=first.last, name="Eva Dal")
    db.session.flush()
    told = [(row.first, row.last, row.size, row.in_use) for row in list_series(library_id=ULLENSAKER)]
    assert told == [(second.first, second.last, 5, 0), (first.first, first.last, 10, 2)]
    replace_card(patron_id=made.patron_id, now=clock())
    db.session.flush()
    assert [row.in_use for row in list_series(library_id=ULLENSAKER)] == [0, 1]


def test_a_card_is_replaced_once_by_one_form(clock):
    owner, child = patron_id(GUARDIAN), patron_id(CHILD)
    row = reserve_series(library_id=ULLENSAKER, count=10, now=clock())
    new = replace_card(patron_id=owner, replaces=GUARDIAN, library_id=ULLENSAKER, card_number=row.first, now=clock())
    assert new == row.first
    with pytest.raises(WasReplaced):
        replace_card(patron_id=owner, replaces=GUARDIAN, now=clock())
    with pytest.raises(NumberWasIssued):
        replace_card(patron_id=child, library_id=ULLENSAKER, card_number=new, now=clock())


def test_a_number_on_its_way_opens_for_somebody_who_typed_it_for_a_quarter_of_an_hour(number, clock):
    carried = seal_national_id(number, actor="desk-2023500", now=clock())
    assert NUMBER not in carried
    assert carried != seal_national_id(number, actor="desk-2023500", now=clock())
    assert open_sealed_id(carried, actor="desk-2023500", now=clock()) == number
    for spoilt in ("", "x", "é", carried[:-8], "Z" + carried[1:], carried.swapcase()):
        with pytest.raises(SealedIdNotValid):
            open_sealed_id(spoilt, actor="desk-2023500", now=clock())
    with pytest.raises(SealedIdNotValid):
        open_sealed_id(carried, actor="desk-mull", now=clock())
    clock.turn(seconds=15 * 60)
    with pytest.raises(SealedIdNotValid):
        open_sealed_id(carried, actor="desk-2023500", now=clock())


def test_who_holds_a_national_id_is_found_after_it_is_written_down(number, clock):
    def find():
        return look_up_national_id(national_id=number, viewer=desk().viewer, library_id=ULLENSAKER, now=clock())

    assert find() is None
    made = enrol(clock(), national_id=number)
    db.session.commit()
    assert find().patron_id == made.patron_id
    with reading() as connection:
        looks = connection.execute(select(AccessLogEntry.patron_id, AccessLogEntry.purpose)).all()
    assert looks == [(made.patron_id, "look-up")]


def test_a_visit_that_a_form_names_is_opened_once(clock):
    session = draw_session()
    assert not was_opened(session=session, terminal=desk())
    assert open_visit(patron_id=patron_id(GUARDIAN), terminal=desk(), session=session, now=clock()) == session
    db.session.commit()
    assert was_opened(session=session, terminal=desk())
    assert not was_opened(session=session, terminal=desk(2))
    with pytest.raises(WasOpened):
        open_visit(patron_id=patron_id(CHILD), terminal=desk(), session=session, now=clock())


def test_one_form_sent_eight_times_at_once_is_one_card(app, clock):
    session, now = draw_session(), clock()
    together, done = threading.Barrier(8), []

    def send():
        with app.app_context():
            together.wait()
            try:
                made = enrol(now, name="Sent At Once")
                open_visit(patron_id=made.patron_id, terminal=desk(), session=session, now=now)
                db.session.commit()
                done.append("made")
            except WasOpened:
                db.session.rollback()
                done.append("was there")
            finally:
                db.session.remove()

    clicks = [threading.Thread(target=send) for _ in range(8)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert sorted(done) == ["made"] + ["was there"] * 7
    with reading() as connection:
        assert connection.execute(select(func.count()).where(Patron.name == "Sent At Once")).scalar() == 1
        assert connection.execute(select(func.count()).select_from(DeskVisit)).scalar() == 1


def test_what_waits_for_a_library_is_counted_from_its_line(clock):
    for notice in db.session.scalars(select(LibraryNotice)):
        notice.due_at = None
    db.session.commit()
    waiting = see_waiting(library_id=ULLENSAKER, viewer=desk().viewer, now=clock())
    assert (waiting.count, waiting.since, waiting.aside_count) == (0, None, 0)
    clock.turn(seconds=60)
    replace_card(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    waiting = see_waiting(library_id=ULLENSAKER, viewer=desk().viewer, now=clock())
    assert (waiting.count, waiting.since) == (1, clock())


def test_a_library_without_a_line_has_nothing_to_try(clock):
    for queue in db.session.scalars(select(LibraryQueue)):
        db.session.delete(queue)
    db.session.commit()
    retry_waiting(library_id=ULLENSAKER, now=clock())
    assert see_waiting(library_id=ULLENSAKER, viewer=desk().viewer, now=clock()).due_at is None
