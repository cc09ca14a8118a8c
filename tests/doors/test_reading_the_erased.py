"""A patron is erased while somebody reads their data: the answer is that they are gone, and the log stays intact."""

from itertools import count

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.store.transaction import db
from app.register.tables.patrons import FamilyPermission, Patron
from tests.conftest import START
from tests.doors.libraries import fetch
from tests.doors.test_writing_to_the_erased import erase, make_patron
from tests.doors.visits import GUARDIAN, desk_log_in, log_in, main_text, submit
from tests.register.interrupting import interrupted

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def test_a_system_that_fetches_them_is_told_that_they_are_gone(app: APIFlask, client: FlaskClient) -> None:
    statuses = []
    for moment in count():
        card_number = f"N0888{moment:05}"
        patron_id = make_patron(app, card_number)
        with app.app_context():
            engine = db.engine
        with interrupted(engine, before=moment, by=lambda whom=patron_id: erase(app, whom), patience=20) as acted:
            answer = fetch(client, card_number)
        if not acted:
            break
        statuses.append(answer.status_code)
        if answer.status_code == 410:
            assert answer.json["code"] in ("gone", "patron-gone")
    assert set(statuses) <= {200, 410}
    assert 410 in statuses


def test_a_guardians_page_is_shown_without_the_child(app: APIFlask, client: FlaskClient) -> None:
    assert log_in(client, *GUARDIAN).status_code == 302
    for moment in count():
        patron_id = make_patron(app, f"N0888{moment:05}")
        with app.app_context():
            engine = db.engine
            guardian_id = db.session.scalar(select(Patron.id).where(Patron.card_number == GUARDIAN[0]))
            given = {"guardian_card_number": GUARDIAN[0], "guardian_id": guardian_id, "may_carry_card": False}
            db.session.add(FamilyPermission(patron_id=patron_id, given_at=START, switched_on_at=START, **given))
            db.session.commit()
        with interrupted(engine, before=moment, by=lambda whom=patron_id: erase(app, whom), patience=20) as acted:
            answer = client.get("/my/loans")
        assert answer.status_code == 200
        if not acted:
            break
        assert "Ylva Solvang" not in main_text(client.get("/my/loans"))
    assert moment > 3


def test_a_desk_that_looks_them_up_is_shown_the_others_or_led_on(app: APIFlask, client: FlaskClient) -> None:
    assert desk_log_in(client).status_code == 302
    for moment in count():
        patron_id = make_patron(app, f"N0888{moment:05}")
        with app.app_context():
            engine = db.engine
        with interrupted(engine, before=moment, by=lambda whom=patron_id: erase(app, whom), patience=20) as acted:
            answer = submit(client, "/desk/find", name="Ylva Solvang", birth_date="1983-08-19")
        assert answer.status_code in (200, 302, 409)
        if not acted:
            break
    assert moment > 3
