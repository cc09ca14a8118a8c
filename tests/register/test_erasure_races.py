"""Erasing somebody at the moment in which others act on them, or are erased."""

import threading

import pytest
from sqlalchemy import insert, select, update

from app.register.card.cards import report_lost
from app.register.card.scans import scan
from app.register.change.corrections import Correction, correct_patron
from app.register.change.freezing import freeze_card
from app.register.leaving.erasure import erase_patron
from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import Patron
from app.rules.card.scan import Reason
from tests.register.people import (
    GUARDIAN,
    ULLENSAKER,
    code_on,
    count_rows,
    make_phone,
    patron_id,
    terminal,
)
from tests.register.test_queue_locks import wait_until_it_waits


def at_once(app, *acts):
    """Do all acts at the same moment; return what each raised, or None."""
    start, raised = threading.Barrier(len(acts)), [None] * len(acts)

    def do(place, act):
        with app.app_context():
            start.wait()
            try:
                act()
                db.session.commit()
            except Exception as error:
                db.session.rollback()
                raised[place] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_of_erasures_at_the_same_moment_one_is_done(app, clock):
    gone = patron_id(GUARDIAN)
    raised = at_once(app, *[lambda: erase_patron(patron_id=gone, reason="asked", now=clock())] * 4)
    assert sorted(type(error).__name__ for error in raised) == ["NoSuchPatron"] * 3 + ["NoneType"]
    assert count_rows("erasures") == 1


def test_changes_at_the_same_moment_come_before_it_or_find_nobody(app, clock):
    gone = patron_id(GUARDIAN)
    changes = [
        lambda: correct_patron(patron_id=gone, changes=Correction(language="en"), now=clock()),
        lambda: freeze_card(patron_id=gone, now=clock()),
        lambda: report_lost(patron_id=gone, now=clock()),
    ]
    raised = at_once(app, lambda: erase_patron(patron_id=gone, reason="asked", now=clock()), *changes * 2)
    assert raised[0] is None
    assert {type(error).__name__ for error in raised[1:]} <= {"NoSuchPatron", "NoneType"}
    assert db.session.get(Patron, gone) is None


def test_scans_at_the_same_moment_are_accepted_before_it_or_find_no_card(app, clock):
    phones = [make_phone(GUARDIAN, now=clock(), token=f"phone {number}").id for number in range(6)]
    codes = [code_on(phone, now=clock()) for phone in phones]
    gone, answers = patron_id(GUARDIAN), []

    def show(code, kiosk):
        answers.append(scan(payload=code, terminal=terminal(kiosk), now=clock()))

    shown = [lambda code=code, kiosk=kiosk: show(code, kiosk) for kiosk, code in enumerate(codes)]
    raised = at_once(app, *shown[:3], lambda: erase_patron(patron_id=gone, reason="asked", now=clock()), *shown[3:])
    assert raised == [None] * 7
    assert {getattr(answer, "reason", None) for answer in answers} <= {None, Reason.UNKNOWN}
    for table in ("presented_steps", "credentials", "devices"):
        assert count_rows(table) == 0
    assert db.session.scalars(select(AccessLogEntry).where(AccessLogEntry.patron_id == gone)).all() == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_scan_that_has_taken_its_step_is_let_end_before_anything_goes(app, clock):
    """The scan holds the card's key and still needs the patron's row, so an erasure that took that first would wait."""
    phone = make_phone(GUARDIAN, now=clock()).id
    gone, raised = patron_id(GUARDIAN), []
    with db.engine.connect() as scanning:
        scanning.execute(update(Credential).where(Credential.device_id == phone).values(last_step=1))
        erasing = threading.Thread(
            target=lambda: raised.extend(
                at_once(app, lambda: erase_patron(patron_id=gone, reason="asked", now=clock()))
            )
        )
        erasing.start()
        wait_until_it_waits()
        told = {"at": clock(), "patron_id": gone, "role": "kiosk", "actor": "kiosk1", "purpose": "scan"}
        scanning.execute(insert(AccessLogEntry).values(told | {"library_id": ULLENSAKER, "fields": "name"}))
        scanning.commit()
    erasing.join(300)
    assert raised == [None]
    assert count_rows("credentials") == 0
