"""Three years without use: a warning, and after its period everything goes, unless any use calls it off."""

from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.register.card.scans import Accepted, scan
from app.register.change.deaths import DEATH_WAITS, report_death
from app.register.change.freezing import freeze_card
from app.register.desk.visits import WasOpened, open_visit
from app.register.leaving.due_erasures import erase_due
from app.register.leaving.inactivity import gather_uses, warn_inactive
from app.register.messages.message_queue import mark_sent
from app.register.sign_in.pins import Origin, SignInRefused, sign_in
from app.register.sign_in.sessions import DESK, start_session
from app.register.store.transaction import db
from app.register.tables.devices import PresentedStep
from app.register.tables.log import Erasure
from app.register.tables.messages import Message
from app.register.tables.patrons import DeskVisit, Patron, Session
from app.rules.messages import INACTIVE_WARNING
from app.rules.people.ages import day_in_norway
from app.work.clean_up import clean_up
from tests.register.interrupting import interrupted
from tests.register.people import CHILD, GUARDIAN, PINS, ULLENSAKER, code_on, make_phone, patron_id, terminal

NOTICE = timedelta(days=60)
LONG = timedelta(days=3 * 366)
ORIGIN = Origin("203.0.113.7")


def used_on(day, *, but=()):
    """Let everybody have used the card on this day, but for some."""
    db.session.execute(update(Patron).where(Patron.card_number.not_in(but)).values(last_used_on=day))
    db.session.commit()


def planned(card_number=GUARDIAN):
    db.session.rollback()
    patron = db.session.scalars(select(Patron).where(Patron.card_number == card_number)).one_or_none()
    return patron and (patron.erase_at, patron.erase_reason)


def warnings():
    rows = db.session.execute(
        select(Patron.card_number, Message.id, Message.sent_at)
        .join(Patron, Patron.id == Message.patron_id)
        .where(Message.kind == INACTIVE_WARNING)
    ).all()
    db.session.rollback()
    return rows


def send_warnings(now):
    for _number, message_id, _sent_at in warnings():
        mark_sent(message_id=message_id, now=now)


def warn(now):
    return warn_inactive(notice=NOTICE, now=now)


@pytest.fixture
def unused(clock):
    """Nobody but the child and the rest used the card for three years: the guardian did not."""
    used_on(day_in_norway(clock()))
    db.session.execute(
        update(Patron).where(Patron.card_number == GUARDIAN).values(last_used_on=day_in_norway(clock() - LONG))
    )
    db.session.commit()


@pytest.mark.usefixtures("unused")
def test_who_did_not_use_the_card_for_three_years_is_warned_once(clock):
    assert warn(clock()) == 1
    assert planned() == (clock() + NOTICE, "inactive")
    assert [number for number, *_rest in warnings()] == [GUARDIAN]
    assert warn(clock() + timedelta(days=1)) == 0
    assert len(warnings()) == 1
    assert planned(CHILD) == (None, None)


def test_three_years_are_three_years_to_the_day(clock):
    today = day_in_norway(clock())
    used_on(today)
    db.session.execute(
        update(Patron)
        .where(Patron.card_number == GUARDIAN)
        .values(last_used_on=today.replace(year=today.year - 3) + timedelta(days=1))
    )
    db.session.commit()
    assert warn(clock()) == 0
    assert warn(clock() + timedelta(days=1)) == 1


@pytest.mark.usefixtures("unused")
def test_the_notice_begins_when_the_warning_is_sent(clock):
    warn(clock())
    sent = clock.turn(days=50)
    warn(sent)
    assert planned() == (sent + NOTICE, "inactive")
    send_warnings(sent)
    warn(clock.turn(days=30))
    assert planned() == (sent + NOTICE, "inactive")


@pytest.mark.usefixtures("unused")
def test_a_warning_that_reaches_nobody_for_a_year_holds_the_deletion_up_no_more(clock):
    warn(clock())
    warn(clock.turn(days=364))
    put_off = planned()
    assert put_off == (clock() + NOTICE, "inactive")
    warn(clock.turn(days=1))
    assert planned() == put_off
    assert erase_due(now=clock() + NOTICE) == 1
    assert planned() is None


@pytest.mark.usefixtures("unused")
def test_after_the_notice_everything_goes_and_not_before(clock):
    warn(clock())
    send_warnings(clock())
    over = clock() + NOTICE
    assert erase_due(now=over - timedelta(seconds=1)) == 0
    assert erase_due(now=over) == 1
    assert planned() is None
    assert db.session.scalars(select(Erasure.reason)).all() == ["inactive"]
    assert erase_due(now=over) == 0


@pytest.mark.usefixtures("unused")
def test_signing_in_calls_it_off_at_once(clock):
    warn(clock())
    with pytest.raises(SignInRefused):
        sign_in(card_number=GUARDIAN, pin="0000", origin=ORIGIN, now=clock())
    assert planned()[1] == "inactive"
    sign_in(card_number=GUARDIAN, pin=PINS[GUARDIAN], origin=ORIGIN, now=clock())
    assert planned() == (None, None)
    assert warn(clock()) == 0


def a_scan(now):
    phone = make_phone(GUARDIAN, now=now).id
    scan(payload=code_on(phone, now=now), terminal=terminal(), now=now)


def a_visit(now):
    open_visit(patron_id=patron_id(GUARDIAN), terminal=terminal(), now=now)
    db.session.commit()


def a_session(now):
    start_session(lasting=DESK, now=now, patron_id=patron_id(GUARDIAN))
    db.session.commit()


@pytest.mark.parametrize("use", [a_scan, a_visit, a_session])
@pytest.mark.usefixtures("unused")
def test_any_use_calls_it_off(use, clock):
    warn(clock())
    use(clock())
    assert gather_uses(now=clock()) == 1
    assert planned() == (None, None)
    assert gather_uses(now=clock()) == 0
    assert warn(clock()) == 0


@pytest.mark.parametrize("use", [a_scan, a_visit, a_session])
@pytest.mark.usefixtures("unused")
def test_a_use_in_the_last_minute_calls_it_off_too(use, clock):
    warn(clock())
    send_warnings(clock())
    over = clock.turn(seconds=NOTICE.total_seconds())
    use(over - timedelta(minutes=1))
    assert erase_due(now=over) == 0
    assert planned() == (None, None)


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize("kind", ["scan", "visit", "session"])
def test_a_use_at_the_very_moment_calls_it_off_or_is_refused(app, clock, kind):
    warn(clock())
    send_warnings(clock())
    over = clock.turn(seconds=NOTICE.total_seconds())
    phone, guardian = make_phone(GUARDIAN, now=clock()).id, patron_id(GUARDIAN)
    taken = []

    def use() -> None:
        with app.app_context():
            if kind == "scan":
                taken.append(isinstance(scan(payload=code, terminal=terminal(), now=over), Accepted))
                return
            with suppress(IntegrityError, WasOpened):
                if kind == "visit":
                    open_visit(patron_id=guardian, terminal=terminal(), now=over)
                else:
                    start_session(lasting=DESK, now=over, patron_id=guardian)
                db.session.commit()
                taken.append(True)

    for moment in count():
        code = code_on(phone, now=over)
        with interrupted(db.engine, before=moment, by=use):
            gone = erase_due(now=over)
        if gone:
            break
        for table in (PresentedStep, DeskVisit, Session):
            db.session.execute(delete(table))
        plan = update(Patron).where(Patron.id == guardian)
        db.session.execute(plan.values(erase_at=over, erase_reason="inactive", last_used_on=day_in_norway(over - LONG)))
        db.session.commit()
        over = clock.turn(seconds=30)
        taken.clear()
    assert moment > 0, "there were moments between statements"
    assert not any(taken)


def test_a_use_that_is_gathered_late_counts_on_its_own_day(clock):
    used_on(day_in_norway(clock() - timedelta(days=10)))
    a_scan(clock())
    day = day_in_norway(clock())
    gather_uses(now=clock.turn(days=3))
    assert db.session.scalars(select(Patron.last_used_on).where(Patron.card_number == GUARDIAN)).one() == day


@pytest.mark.usefixtures("unused")
def test_what_a_run_of_days_ago_has_seen_is_not_read_again_and_what_it_may_have_missed_is(clock):
    begun = clock()
    warn(begun)
    a_session(begun)
    assert gather_uses(now=begun, last_run=begun + timedelta(days=3)) == 0
    assert planned() != (None, None)
    assert gather_uses(now=begun, last_run=begun + timedelta(hours=47)) == 1
    assert planned() == (None, None)


@pytest.mark.usefixtures("unused")
def test_a_frozen_card_is_left_as_it_is(clock):
    freeze_card(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    assert warn(clock()) == 0


@pytest.mark.usefixtures("unused")
def test_freezing_after_the_warning_holds_it_off(clock):
    warn(clock())
    send_warnings(clock())
    freeze_card(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    assert erase_due(now=clock() + NOTICE) == 0
    assert planned() is not None


def test_a_death_goes_also_where_the_card_is_frozen_and_used_today(clock):
    freeze_card(patron_id=patron_id(GUARDIAN), now=clock())
    report_death(patron_id=patron_id(GUARDIAN), library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert erase_due(now=clock() + DEATH_WAITS - timedelta(seconds=1)) == 0
    assert erase_due(now=clock() + DEATH_WAITS) == 1
    assert db.session.scalars(select(Erasure.reason)).all() == ["death"]


def test_many_are_erased_a_few_at_a_time(clock):
    everybody = db.session.scalars(select(Patron.id)).all()
    db.session.execute(update(Patron).values(erase_at=clock(), erase_reason="death"))
    db.session.commit()
    assert erase_due(now=clock(), limit=4) == 4
    assert erase_due(now=clock(), limit=100) == len(everybody) - 4


@pytest.mark.usefixtures("unused")
def test_the_daily_run_does_it_all_in_order_and_twice_is_once(app, clock):
    assert clean_up(rewrite=False)["warned"] == 1
    assert clean_up(rewrite=False)["warned"] == 0
    send_warnings(clock())
    clock.turn(seconds=NOTICE.total_seconds())
    # Its use is gathered before the row that tells of it is thrown away.
    a_scan(clock() - timedelta(days=2))
    done = clean_up(rewrite=False)
    assert (done["uses"], done["erased"], done["presented_steps"]) == (1, 0, 1)
    assert planned() == (None, None)
