"""Staff at a desk: password and one-time code, and a code counts once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest

from app.demo.accounts import DESKS
from app.register.limits.budgets import TooManyAttempts
from app.register.staff.desk_browsers import draw_desk_browser, is_desk_browser
from app.register.staff.staff import StaffSignInRefused, employ, get_workplace, sign_in_staff
from app.register.store.transaction import db
from tests.register.counting import CountedArgon2, statements_sent
from tests.register.people import MULLSJO

DESK = DESKS[0]
STEP = timedelta(seconds=30)


def code_at(instant, desk=DESK) -> str:
    return pyotp.TOTP(desk.totp_secret).at(instant)


def enter(*, now, username=DESK.username, password=DESK.password, code=None, address="203.0.113.7", browser=None):
    code = code_at(now) if code is None else code
    return sign_in_staff(username=username, password=password, code=code, address=address, browser=browser, now=now)


def test_password_and_code_lead_to_the_workplace(clock):
    workplace = get_workplace(staff_id=enter(now=clock()))
    assert (workplace.username, workplace.library_id) == ("desk-2023500", "2023500")
    assert not workplace.desks_share_scans


def test_a_code_may_be_typed_in_two_groups(clock):
    code = code_at(clock())
    assert enter(now=clock(), code=f"{code[:3]} {code[3:]}")


@pytest.mark.parametrize("off", [-STEP, STEP])
def test_a_code_of_the_step_before_or_after_is_good(clock, off):
    assert enter(now=clock(), code=code_at(clock() + off))


@pytest.mark.parametrize("off", [-2 * STEP, 2 * STEP])
def test_a_code_further_off_is_not(clock, off):
    with pytest.raises(StaffSignInRefused):
        enter(now=clock(), code=code_at(clock() + off))


def test_a_code_counts_once(clock):
    assert enter(now=clock())
    with pytest.raises(StaffSignInRefused):
        enter(now=clock.turn(seconds=1))


def test_after_a_code_no_older_one_counts(clock):
    assert enter(now=clock())
    with pytest.raises(StaffSignInRefused):
        enter(now=clock(), code=code_at(clock() - STEP))
    assert enter(now=clock.turn(seconds=30))


def test_a_code_is_not_used_up_by_a_wrong_password(clock):
    with pytest.raises(StaffSignInRefused):
        enter(now=clock(), password="not the password")
    assert enter(now=clock())


def test_of_many_who_use_one_code_at_once_one_comes_in(app, clock):
    def try_to_enter(number):
        with app.app_context():
            try:
                return bool(enter(now=clock(), address=f"198.51.100.{number}"))
            except StaffSignInRefused:
                return False

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(try_to_enter, range(8))) == {True: 1, False: 7}


def test_unknown_user_wrong_password_and_wrong_code_answer_alike_and_cost_alike(clock, monkeypatch):
    argon2 = CountedArgon2(monkeypatch)
    answers = []
    for tried, wrong in enumerate(
        [
            {"username": "nobody"},
            {"password": "not the password"},
            {"code": code_at(clock(), DESKS[1])},
            {"code": ""},
            {"code": "٤٧١٩٤٧"},
            {"username": "nobody", "password": "", "code": "x" * 1000},
        ],
        start=1,
    ):
        with statements_sent(db.engine) as sent, pytest.raises(StaffSignInRefused) as refused:
            enter(now=clock(), address=f"198.51.100.{tried}", **wrong)
        answers.append((refused.value.args, refused.value.code, sent))
        assert argon2.verified == tried
    assert answers[1:] == answers[:1] * 5


def test_thirty_wrong_tries_are_the_last_for_a_quarter_of_an_hour_from_wherever_they_come(clock, monkeypatch):
    for number in range(30):
        with pytest.raises(StaffSignInRefused):
            enter(now=clock(), code="000000", address=f"198.51.100.{number}")
    argon2 = CountedArgon2(monkeypatch)
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), address="198.51.100.99")
    assert argon2.verified == 0
    assert enter(now=clock.turn(seconds=900), address="198.51.100.99")


def test_only_wrong_tries_count(clock):
    for _ in range(12):
        assert enter(now=clock.turn(seconds=30))


def test_a_user_name_belongs_to_one_library(clock):
    secret = pyotp.random_base32()
    employ(library_id=MULLSJO, username="ny", name="Ny", password="a long password", totp_secret=secret)
    db.session.commit()
    staff_id = enter(now=clock(), username="ny", password="a long password", code=pyotp.TOTP(secret).at(clock()))
    assert get_workplace(staff_id=staff_id).library == "Mullsjö bibliotek"


def test_sixty_wrong_tries_from_the_public_pcs_do_not_shut_out_the_desk_behind_the_same_address(clock):
    for number in range(60):
        with pytest.raises(StaffSignInRefused):
            enter(now=clock(), username=f"guessed-{number}")
    assert enter(now=clock())


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8:1:2::7"])
def test_a_browser_that_is_known_at_the_desk_is_let_in_however_often_its_user_is_guessed_at(clock, address):
    browser = draw_desk_browser(library_id="2023500")
    for _ in range(60):
        with pytest.raises((StaffSignInRefused, TooManyAttempts)):
            enter(now=clock(), code="000000", address=address)
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), address=address)
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), address=address, browser=draw_desk_browser(library_id=MULLSJO))
    assert enter(now=clock(), address=address, browser=browser)


def test_guessing_at_one_place_shuts_out_nobody_at_another(clock):
    for _ in range(10):
        with pytest.raises(StaffSignInRefused):
            enter(now=clock(), code="000000", address="198.51.100.1")
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), address="198.51.100.1")
    assert enter(now=clock())


def test_a_known_browser_has_ten_wrong_tries_too(clock):
    browser = draw_desk_browser(library_id="2023500")
    for _ in range(10):
        with pytest.raises(StaffSignInRefused):
            enter(now=clock(), code="000000", browser=browser)
    with pytest.raises(TooManyAttempts):
        enter(now=clock(), browser=browser)


@pytest.mark.parametrize("token", ["", ".", "name.", ".seal", "name.seal", "nåde.seal"])
def test_no_token_that_was_made_up_is_a_desk_browsers(token):
    assert not is_desk_browser(token, library_id="2023500")
