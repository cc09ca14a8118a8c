"""Systems that ask for the same at the same moment, through the whole portal, on both engines."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice, NumberSeries
from app.register.tables.patrons import Patron
from tests.doors.libraries import JOINING, MULLSJO, NATIONAL_ID, PATRONS, ULLENSAKER, correct, enrol, fetch

CROWD = 20
GUARDIAN = "N000100001"

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def together(app: APIFlask, act: Callable[[Any, int], TestResponse]) -> list[TestResponse]:
    """Let each member of a crowd act in a thread and with a browser of its own."""
    with ThreadPoolExecutor(CROWD) as crowd:
        return list(crowd.map(lambda number: act(app.test_client(), number), range(CROWD)))


def statuses(answers: list[TestResponse]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_twenty_enrolments_of_one_person_make_one_patron(app: APIFlask) -> None:
    answers = together(app, lambda client, number: enrol(client, auth=(ULLENSAKER, MULLSJO)[number % 2]))
    assert statuses(answers) == {201: 1, 409: CROWD - 1}
    (made,) = [answer.json["card_number"] for answer in answers if answer.status_code == 201]
    assert {answer.json["patron"]["card_number"] for answer in answers if answer.status_code == 409} == {made}
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Patron.card_number == made)) == 1
        assert db.session.scalar(select(func.count()).where(Patron.name == "Ola Nyman")) == 1


def test_one_request_that_is_sent_twenty_times_at_once_is_done_once(app: APIFlask) -> None:
    answers = together(app, lambda client, _number: enrol(client, key="k-1", national_id=...))
    assert statuses(answers) == {201: CROWD}
    assert len({answer.data for answer in answers}) == 1
    assert NATIONAL_ID not in answers[0].text


def test_of_twenty_changes_of_what_all_have_seen_one_is_made(app: APIFlask) -> None:
    seen = fetch(app.test_client(), GUARDIAN)
    answers = together(app, lambda client, number: correct(client, GUARDIAN, seen=seen, phone=f"+47406123{number:02d}"))
    assert statuses(answers) == {200: 1, 412: CROWD - 1}
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    assert fetch(app.test_client(), GUARDIAN).json == winner.json
    with app.app_context():
        guardian = select(Patron.id).where(Patron.card_number == GUARDIAN).scalar_subquery()
        told = select(func.count()).where(LibraryNotice.kind == "changed", LibraryNotice.patron_id == guardian)
        assert db.session.scalar(told.where(LibraryNotice.library_id == "Mull")) == 1


def test_twenty_series_at_once_hold_no_number_twice(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = together(
        app,
        lambda client, number: client.post(
            "/api/v1/number-series", json={"count": number + 1}, auth=(ULLENSAKER, MULLSJO)[number % 2]
        ),
    )
    assert statuses(answers) == {201: CROWD}
    rows = sorted((int(answer.json["first"][1:]), int(answer.json["last"][1:])) for answer in answers)
    assert all(rows[place][1] < rows[place + 1][0] for place in range(CROWD - 1))
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(NumberSeries)) == CROWD


def test_a_patron_who_is_erased_while_others_change_them_stays_erased(app: APIFlask) -> None:
    seen = fetch(app.test_client(), GUARDIAN)

    def act(client: Any, number: int) -> TestResponse:
        if number == CROWD // 2:
            return client.delete(f"{PATRONS}/{GUARDIAN}", auth=ULLENSAKER)
        if number % 2:
            return client.post(f"{PATRONS}/{GUARDIAN}/activation", json=JOINING, auth=MULLSJO)
        return correct(client, GUARDIAN, seen=seen, phone=f"+47406123{number:02d}")

    answers = together(app, act)
    assert set(statuses(answers)) <= {200, 410, 412}
    assert fetch(app.test_client(), GUARDIAN).status_code == 410
