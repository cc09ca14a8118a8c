"""Administrators who act at the same moment: somebody who can look after the library is always left."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pyotp
import pytest
from apiflask import APIFlask
from sqlalchemy import select

from app.demo.accounts import ADMINISTRATORS
from app.register.staff.acts import NotAdministrator, list_library_acts, note_library_act
from app.register.staff.links import StaffLinkNotValid, find_staff_link, invite, send_link, set_up, take_due_link
from app.register.staff.people import LastAdministrator, change_role, dismiss_colleague, list_people, suspend
from app.register.staff.staff import NoSuchStaff, StaffSignInRefused, admit_staff, employ
from app.register.store.transaction import db, writing
from app.register.tables.library import Staff
from app.rules.library.staff import STAFF_REINSTATED, StaffRole
from tests.conftest import Clock
from tests.register.people import MULLSJO

GOOD = "frosken hopper i dammen"
HOME = "2023500"


def id_of(username: str) -> int:
    found = db.session.scalar(select(Staff.id).where(Staff.username == username))
    db.session.rollback()
    assert found is not None
    return found


def employ_administrator(username: str, *, library_id: str = HOME) -> int:
    sign_in = {"password": "a long password", "totp_secret": pyotp.random_base32(), "role": StaffRole.ADMINISTRATOR}
    with writing():
        return employ(library_id=library_id, username=username, name=username, **sign_in).id


@pytest.fixture
def first() -> int:
    return id_of(ADMINISTRATORS[0].username)


def administrators() -> list[str]:
    found = list_people(library_id=HOME)
    db.session.rollback()
    return [each.username for each in found if each.role == StaffRole.ADMINISTRATOR and each.suspended_at is None]


def at_once(app: APIFlask, acts: list[Callable[[], None]]) -> Counter[str]:
    """Do acts in transactions of their own that begin at the same moment; return how each of them ended."""
    together = Barrier(len(acts))

    def do(act: Callable[[], None]) -> str:
        with app.app_context():
            together.wait()
            try:
                with writing():
                    act()
            except (NotAdministrator, NoSuchStaff, LastAdministrator) as error:
                return type(error).__name__
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(pool.map(do, acts))


@pytest.mark.parametrize("act", [dismiss_colleague, suspend])
def test_of_two_administrators_who_remove_one_another_exactly_one_stays(
    app: APIFlask, clock: Clock, first: int, act: Callable[..., None]
) -> None:
    for number in range(8):
        second = employ_administrator(f"second{number}")
        removals = [
            partial(act, by=first, staff_id=second, now=clock()),
            partial(act, by=second, staff_id=first, now=clock()),
        ]
        ended = at_once(app, removals)
        assert ended["done"] == 1, ended
        (left,) = administrators()
        first = id_of(left)


def test_of_many_administrators_who_all_demote_themselves_one_stays(app: APIFlask, clock: Clock, first: int) -> None:
    everybody = [first, *(employ_administrator(f"one{number}") for number in range(5))]
    ended = at_once(
        app,
        [lambda own=own: change_role(by=own, staff_id=own, role=StaffRole.DESK, now=clock()) for own in everybody],
    )
    assert ended == {"done": 5, "LastAdministrator": 1}
    assert len(administrators()) == 1
    noted = list_library_acts(library_id=HOME)
    db.session.rollback()
    assert len(noted) == 5, "what was refused is not noted"


def test_administrators_who_remove_each_other_in_a_ring_leave_one_at_least(
    app: APIFlask, clock: Clock, first: int
) -> None:
    ring = [first, *(employ_administrator(f"one{number}") for number in range(4))]
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    ended = at_once(
        app, [lambda by=by, whom=whom: dismiss_colleague(by=by, staff_id=whom, now=clock()) for by, whom in pairs]
    )
    assert len(administrators()) == 5 - ended["done"] >= 1


def test_an_administrator_acts_on_nobody_of_another_library(clock: Clock, first: int) -> None:
    elsewhere = employ_administrator("elsewhere", library_id=MULLSJO)
    acts = [
        lambda: dismiss_colleague(by=elsewhere, staff_id=first, now=clock()),
        lambda: suspend(by=elsewhere, staff_id=first, now=clock()),
        lambda: change_role(by=elsewhere, staff_id=first, role=StaffRole.DESK, now=clock()),
        lambda: send_link(by=elsewhere, staff_id=first, email="a@example.org", language="nb", now=clock()),
    ]
    for act in acts:
        with pytest.raises(NoSuchStaff), writing():
            act()
    assert administrators() == [ADMINISTRATORS[0].username]
    assert list_library_acts(library_id=MULLSJO) == []


def test_somebody_who_is_no_administrator_any_more_does_nothing(clock: Clock, first: int) -> None:
    desk = id_of("desk-2023500")
    with pytest.raises(NotAdministrator), writing():
        dismiss_colleague(by=desk, staff_id=first, now=clock())
    with pytest.raises(NotAdministrator), writing():
        note_library_act(staff_id=-1, kind=STAFF_REINSTATED, subject="x", now=clock())
    assert administrators() == [ADMINISTRATORS[0].username]


def test_an_administrator_who_was_suspended_or_sent_a_link_a_moment_ago_does_nothing(clock: Clock, first: int) -> None:
    third = employ_administrator("third")
    for number, lock_out in enumerate((suspend, partial(send_link, email="a@example.org", language="nb"))):
        second = employ_administrator(f"second{number}")
        with writing():
            lock_out(by=first, staff_id=second, now=clock())
        with pytest.raises(NotAdministrator), writing():
            suspend(by=second, staff_id=third, now=clock())
        with pytest.raises(NotAdministrator), writing():
            send_link(by=second, staff_id=first, email="a@example.org", language="nb", now=clock())


def test_a_sign_in_that_was_right_before_a_suspension_begins_no_session_after_it(clock: Clock, first: int) -> None:
    second = employ_administrator("second")
    with writing():
        suspend(by=first, staff_id=second, now=clock())
    with pytest.raises(StaffSignInRefused), writing():
        admit_staff(staff_id=second, now=clock())


def test_of_two_who_use_one_link_at_once_one_sets_the_sign_in_up(app: APIFlask, clock: Clock, first: int) -> None:
    who = {"username": "kari", "name": "Kari Nordmann", "role": StaffRole.DESK, "email": "kari@example.org"}
    with writing():
        invite(by=first, **who, language="nb", now=clock())
    due = take_due_link(now=clock())
    assert due is not None
    opened = find_staff_link(token=due.token, now=clock())
    db.session.rollback()
    assert opened is not None
    code = pyotp.TOTP(opened.totp_secret).at(clock())

    def use(_number: int) -> bool:
        with app.app_context():
            try:
                with writing():
                    set_up(token=due.token, password=GOOD, code=code, now=clock())
            except StaffLinkNotValid:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert Counter(pool.map(use, range(4))) == {True: 1, False: 3}
