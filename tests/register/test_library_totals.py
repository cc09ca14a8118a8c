"""Numbers that name nobody: what happens at a library is counted once, and of whom is kept nowhere."""

import random
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from app.register.card.cards import issue_card
from app.register.card.scans import Accepted, scan
from app.register.change.enrolment import enrol_patron
from app.register.desk.showings import count_showings
from app.register.leaving.erasure import ASKED, erase_patron
from app.register.leaving.retention import purge
from app.register.patron.patrons import activate_card
from app.register.store.transaction import db, writing
from app.register.tables.devices import PresentedStep
from app.register.tables.library import LibraryTotal
from app.register.totals.active import note_active, read_active
from app.register.totals.counting import add_totals, count
from app.register.totals.reading import read_hours, read_year
from app.rules.card.scan import Reason
from app.rules.library.figures import HOURS, PARTS, PHONE, Kind
from app.rules.people.ages import NORWAY, day_in_norway
from app.rules.people.contact import Contact
from tests.register.people import CHILD, GUARDIAN, MULLSJO, ULLENSAKER, code_on, make_phone, patron_id, terminal

LIBRARIES = (MULLSJO, ULLENSAKER)


def totals(*kinds):
    """Every total that is stored, by library, day, kind and part."""
    rows = db.session.execute(select(LibraryTotal.__table__).where(LibraryTotal.total != 0)).all()
    db.session.rollback()
    wanted = {kind.value for kind in kinds or Kind}
    return {tuple(row[:4]): row.total for row in rows if row.kind in wanted}


def scan_once(*, now, card_number=GUARDIAN, library_id=ULLENSAKER, token="a phone"):
    phone = make_phone(card_number, now=now, token=token)
    outcome = scan(payload=code_on(phone.id, now=now), terminal=terminal(library_id=library_id), now=now)
    db.session.rollback()
    assert isinstance(outcome, Accepted)
    return phone


@pytest.fixture(autouse=True)
def nothing_counted():
    """Begin with no totals: enrolling the people of the tests counts too."""
    with writing():
        db.session.query(LibraryTotal).delete()


def test_a_hundred_thousand_random_events_are_the_totals_that_are_read(clock):
    chance, expected = random.Random(17), Counter()
    kinds = [kind for kind in Kind if kind is not Kind.ACTIVE]
    first = date(2025, 1, 1)
    for _ in range(100):
        happened = Counter()
        for _ in range(1000):
            kind = chance.choice(kinds)
            day = first + timedelta(days=chance.randrange(365))
            happened[chance.choice(LIBRARIES), day, kind, chance.choice(PARTS[kind])] += 1
        with writing():
            add_totals(happened)
        expected += happened
    read = Counter()
    for library_id in LIBRARIES:
        for kind, months in read_year(library_id=library_id, year=2025).items():
            for month, parts in months.items():
                read.update({(library_id, month, kind, part): number for part, number in parts.items() if number})
    by_month = Counter()
    for (library_id, day, kind, part), number in expected.items():
        by_month[library_id, day.month, kind, part] += number
    assert read == by_month
    assert sum(read.values()) == 100_000
    hours = Counter()
    for month in range(1, 13):
        hours.update(read_hours(library_id=MULLSJO, month=date(2025, month, 1)))
    assert hours == sum(
        (
            Counter({(day.weekday(), part): number})
            for (library_id, day, kind, part), number in expected.items()
            if library_id == MULLSJO and kind is Kind.HOUR
        ),
        Counter(),
    )


def test_random_scans_are_counted_once_however_often_and_whenever_they_are_counted(clock):
    """Half the scans of a day are written, counted, and so on, with counting twice in between."""
    chance, expected = random.Random(18), Counter()
    phone = make_phone(GUARDIAN, now=clock(), token="a phone")
    started, step = clock(), 0
    for _ in range(20):
        rows = []
        for _ in range(500):
            # As a scan that began a moment ago: within the time that is left to those under way.
            at = clock() - timedelta(seconds=chance.randrange(600))
            step += 1
            library_id = chance.choice(LIBRARIES)
            rows.append(step_row(phone.id, step, library_id=library_id, at=at))
            local = at.astimezone(NORWAY)
            expected[library_id, local.date(), "hour", f"{local.hour:02}"] += 1
            expected[library_id, local.date(), "means", PHONE] += 1
        with writing():
            db.session.execute(insert(PresentedStep), rows)
        count_showings(now=clock())
        count_showings(now=clock())
        clock.turn(seconds=chance.randrange(60, 5400))
    clock.turn(seconds=1800)
    count_showings(now=clock())
    assert clock() - started < timedelta(days=2)
    assert totals() == expected


def step_row(credential_id, step, *, library_id, at):
    return {
        "credential_id": credential_id,
        "step": step,
        "patron_id": patron_id(GUARDIAN),
        "library_id": library_id,
        "terminal": "kiosk",
        "session": f"session {step}",
        "presented_at": at,
        "expires_at": at,
    }


def test_a_scan_is_counted_at_its_hour_and_by_its_means(clock):
    scan_once(now=clock())
    assert not totals()
    clock.turn(seconds=1200)
    assert count_showings(now=clock()) == 1
    at = (clock() - timedelta(minutes=20)).astimezone(NORWAY)
    assert totals() == {
        (ULLENSAKER, at.date(), "hour", f"{at.hour:02}"): 1,
        (ULLENSAKER, at.date(), "means", PHONE): 1,
    }


def test_what_is_undone_is_not_counted_and_is_counted_the_next_time(clock):
    scan_once(now=clock())
    clock.turn(seconds=1200)
    with writing() as transaction:
        count_showings(now=clock())
        transaction.undo()
    assert not totals()
    count_showings(now=clock())
    assert sum(totals(Kind.HOUR).values()) == 1


def test_erasing_somebody_changes_no_total_and_leaves_no_trace_in_them(clock):
    scan_once(now=clock())
    clock.turn(seconds=1200)
    count_showings(now=clock())
    with writing():
        count(Kind.CARD, library_id=ULLENSAKER, now=clock())
    before = totals()
    with writing():
        erase_patron(patron_id=patron_id(GUARDIAN), reason=ASKED, now=clock())
    assert totals() == before


def test_scans_of_somebody_who_is_erased_before_they_are_counted_are_counted(clock):
    scan_once(now=clock())
    with writing():
        erase_patron(patron_id=patron_id(GUARDIAN), reason=ASKED, now=clock())
    clock.turn(seconds=3600)
    count_showings(now=clock())
    assert sum(totals(Kind.HOUR).values()) == sum(totals(Kind.MEANS).values()) == 1


def test_a_childs_scans_on_a_guardians_phone_are_counted_when_the_guardian_is_erased(clock):
    phone, child = make_phone(GUARDIAN, now=clock(), token="a phone"), patron_id(CHILD)
    with writing():
        until = clock() + timedelta(days=1)
        card = issue_card(patron_id=child, device_id=phone.id, expires_at=until, now=clock()).id
    row = step_row(card, 1, library_id=ULLENSAKER, at=clock()) | {"patron_id": child}
    with writing():
        db.session.execute(insert(PresentedStep), [row])
    guardian = patron_id(GUARDIAN)
    with writing():
        erase_patron(patron_id=guardian, reason=ASKED, now=clock())
    clock.turn(seconds=3600)
    count_showings(now=clock())
    assert sum(totals(Kind.HOUR).values()) == 1


def test_a_refused_code_is_counted_by_its_reason(clock):
    phone = scan_once(now=clock())
    again = scan(payload=code_on(phone.id, now=clock()), terminal=terminal(2), now=clock())
    scan(payload="no code at all", terminal=terminal(), now=clock())
    db.session.rollback()
    day = day_in_norway(clock())
    assert again.reason is Reason.REPLAY
    assert totals(Kind.REFUSAL) == {
        (ULLENSAKER, day, "refusal", "REPLAY"): 1,
        (ULLENSAKER, day, "refusal", "NOT_OURS"): 1,
    }


def enrol(*, now, name="Nye Person"):
    return enrol_patron(
        library_id=MULLSJO,
        name=name,
        birth_date=date(1990, 5, 1),
        gender="unknown",
        contact=Contact(email="ny@example.org"),
        language="nb",
        national_id=None,
        guardian_consent=False,
        card_number=None,
        now=now,
    )


def test_a_new_card_is_one_issued_and_one_activated(clock):
    with writing():
        made = enrol(now=clock())
    with writing():
        activate_card(patron_id=made.patron_id, library_id=ULLENSAKER, now=clock())
        activate_card(patron_id=made.patron_id, library_id=ULLENSAKER, now=clock())
    day = day_in_norway(clock())
    assert totals() == {
        (MULLSJO, day, "card", ""): 1,
        (MULLSJO, day, "activation", ""): 1,
        (ULLENSAKER, day, "activation", ""): 1,
    }


def test_an_act_that_is_undone_is_not_counted(clock):
    with writing() as transaction:
        enrol(now=clock())
        transaction.undo()
    assert not totals()


def test_several_who_enrol_at_once_are_all_counted(clock, app):
    def work(number):
        with app.app_context(), writing():
            enrol(now=now, name=f"Ny {number}")

    now = clock()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(totals(Kind.CARD).values()) == 6


def test_cards_in_use_are_noted_once_a_month_in_full_tens(clock):
    for number in range(13):
        with writing():
            enrol(now=clock(), name=f"Ny {number}")
    note_active(now=clock())
    note_active(now=clock())
    first = day_in_norway(clock()).replace(day=1)
    noted = read_active(library_id=MULLSJO, year=first.year)
    assert list(noted) == [first]
    assert noted[first] % 10 == 0
    assert noted[first] >= 10


def test_totals_are_deleted_after_five_years(clock):
    with writing():
        count(Kind.CARD, library_id=MULLSJO, now=clock() - timedelta(days=1831))
        count(Kind.CARD, library_id=MULLSJO, now=clock() - timedelta(days=1829))
    purge(now=clock())
    assert sum(totals().values()) == 1


def test_an_hour_is_one_of_the_days_in_norway():
    assert len(HOURS) == len(set(HOURS)) == 24
    assert datetime(2026, 7, 1, 22, 30, tzinfo=UTC).astimezone(NORWAY).date() == date(2026, 7, 2)
