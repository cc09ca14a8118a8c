"""Links and codes: each opens once, for whom it was sent to, while it lasts, and after few guesses nothing opens."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest

from app.register.card.cards import report_lost
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.one_time import (
    CODE_LASTS,
    LETTER_LASTS,
    LINK_LASTS,
    NEW_DEVICE,
    STEP_UP,
    CodeNotValid,
    LinkNotValid,
    check_link,
    draw_code,
    draw_link,
    find_link,
    forget_secrets,
    use_code,
    use_link,
)
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.pins.pin import CODE_DAY, CODE_SOON, LINK_SOURCE
from tests.register.interrupting import interrupted
from tests.register.people import CHILD, GUARDIAN, count_rows, patron_id, read_register

HOME = "203.0.113.7"


def link_to(card_number=GUARDIAN, *, lasting=LINK_LASTS, now):
    token = draw_link(patron_id=patron_id(card_number), lasting=lasting, now=now)
    db.session.commit()
    return token


def code_for(card_number=GUARDIAN, purpose=STEP_UP, *, now):
    code = draw_code(patron_id=patron_id(card_number), purpose=purpose, now=now)
    db.session.commit()
    return code


def enter(code, card_number=GUARDIAN, purpose=STEP_UP, *, address=HOME, now):
    use_code(patron_id=patron_id(card_number), purpose=purpose, code=code, address=address, now=now)
    db.session.commit()


def other(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def guess_wrong(code, *, address=HOME, now):
    with pytest.raises(CodeNotValid):
        enter(other(code), address=address, now=now)
    db.session.rollback()


def test_a_link_leads_to_the_patron_it_was_sent_to(clock):
    token = link_to(now=clock())
    assert find_link(token=token, now=clock()) == patron_id(GUARDIAN)


def test_a_link_is_a_hundred_bits_in_groups_that_can_be_typed(clock):
    tokens = {link_to(now=clock()) for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}", token) for token in tokens)


def test_a_link_is_understood_as_people_type_it_from_a_letter(clock):
    token = link_to(now=clock())
    misread = token.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert find_link(token=misread, now=clock()) == patron_id(GUARDIAN)


def test_looking_at_a_link_does_not_use_it_up(clock):
    token = link_to(now=clock())
    before = read_register()
    assert find_link(token=token, now=clock()) == find_link(token=token, now=clock()) == patron_id(GUARDIAN)
    db.session.rollback()
    assert read_register() == before


def open_link(*, token, address, now):
    check_link(token=token, address=address, now=now)
    return use_link(token=token, now=now)


def test_a_link_opens_once(clock):
    token, owner = link_to(now=clock()), patron_id(GUARDIAN)
    assert open_link(token=token, address=HOME, now=clock()) == owner
    db.session.commit()
    with pytest.raises(LinkNotValid):
        open_link(token=token, address=HOME, now=clock())


def test_a_link_that_is_used_twenty_times_at_once_opens_once(app, clock):
    token = link_to(now=clock())

    def use(_number):
        with app.app_context():
            try:
                open_link(token=token, address=HOME, now=clock())
                db.session.commit()
            except LinkNotValid:
                return False
            return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(use, range(20))) == 1


@pytest.mark.parametrize("lasting", [LINK_LASTS, LETTER_LASTS])
def test_a_link_lasts_as_long_as_it_was_given(clock, lasting):
    token = link_to(lasting=lasting, now=clock())
    clock.turn(seconds=lasting.total_seconds() - 1)
    assert find_link(token=token, now=clock()) == patron_id(GUARDIAN)
    clock.turn(seconds=1)
    assert find_link(token=token, now=clock()) is None


def test_a_newer_link_ends_the_older_of_the_same_patron_only(clock):
    older, childs, newer = link_to(now=clock()), link_to(CHILD, now=clock()), link_to(now=clock())
    assert find_link(token=older, now=clock()) is None
    assert find_link(token=childs, now=clock()) == patron_id(CHILD)
    assert find_link(token=newer, now=clock()) == patron_id(GUARDIAN)


def test_a_link_to_a_card_that_is_blocked_meanwhile_opens_nothing(clock):
    token = link_to(now=clock())
    report_lost(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    with pytest.raises(LinkNotValid):
        open_link(token=token, address=HOME, now=clock())


def test_a_link_to_a_frozen_card_opens_for_only_its_owner_can_thaw_it(clock):
    token = link_to(now=clock())
    db.session.get_one(Patron, patron_id(GUARDIAN)).frozen_at = clock()
    db.session.commit()
    assert find_link(token=token, now=clock()) == patron_id(GUARDIAN)


@pytest.mark.parametrize("token", ["", "0000-0000-0000-0000-0000", "-", "x" * 500, "٤٧١٩", "'; --"])
def test_what_was_never_sent_opens_nothing(clock, token):
    link_to(now=clock())
    assert find_link(token=token, now=clock()) is None


def test_one_address_may_not_try_link_after_link(clock):
    for _ in range(LINK_SOURCE.limit):
        with pytest.raises(LinkNotValid):
            open_link(token="0000-0000-0000-0000-0000", address=HOME, now=clock())
        db.session.rollback()
    token = link_to(now=clock())
    with pytest.raises(TooManyAttempts):
        open_link(token=token, address=HOME, now=clock())
    assert open_link(token=token, address="203.0.113.8", now=clock()) == patron_id(GUARDIAN)


def test_a_code_is_six_digits_and_is_right_once(clock):
    code = code_for(now=clock())
    assert re.fullmatch("[0-9]{6}", code)
    enter(code, now=clock())
    with pytest.raises(CodeNotValid):
        enter(code, now=clock())


def test_a_code_may_be_typed_with_spaces(clock):
    code = code_for(now=clock())
    enter(f" {code[:3]} {code[3:]} ", now=clock())


def test_a_code_lasts_ten_minutes(clock):
    code = code_for(now=clock())
    assert timedelta(minutes=10) == CODE_LASTS
    clock.turn(seconds=600)
    with pytest.raises(CodeNotValid):
        enter(code, now=clock())


def test_a_code_is_worth_nothing_to_another_patron_or_for_another_purpose(clock):
    code = code_for(now=clock())
    with pytest.raises(CodeNotValid):
        enter(code, CHILD, now=clock())
    db.session.rollback()
    with pytest.raises(CodeNotValid):
        enter(code, purpose=NEW_DEVICE, now=clock())
    db.session.rollback()
    enter(code, now=clock())


def test_a_newer_code_ends_the_older(clock):
    older, newer = code_for(now=clock()), code_for(now=clock())
    if older != newer:
        with pytest.raises(CodeNotValid):
            enter(older, now=clock())
        db.session.rollback()
    enter(newer, now=clock())


def test_past_five_wrong_codes_the_right_one_does_not_help_either(clock):
    code = code_for(now=clock())
    for number in range(CODE_SOON.limit):
        guess_wrong(code, address=f"198.51.100.{number}", now=clock())
    with pytest.raises(TooManyAttempts) as refused:
        enter(code, now=clock())
    assert refused.value.retry_after == CODE_SOON.seconds


def test_a_day_has_twenty_wrong_codes_however_they_are_spread(clock):
    for _ in range(CODE_DAY.limit // CODE_SOON.limit):
        code = code_for(now=clock())
        for _ in range(CODE_SOON.limit):
            guess_wrong(code, now=clock())
        clock.turn(seconds=CODE_SOON.seconds)
    code = code_for(now=clock())
    with pytest.raises(TooManyAttempts):
        enter(code, now=clock())


def test_only_wrong_codes_count(clock):
    for _ in range(CODE_DAY.limit + 1):
        enter(code_for(now=clock()), now=clock())


def test_forgotten_secrets_open_nothing(clock):
    token, code = link_to(now=clock()), code_for(now=clock())
    forget_secrets(patron_id=patron_id(GUARDIAN))
    db.session.commit()
    assert count_rows("one_time_secrets") == 0
    assert find_link(token=token, now=clock()) is None
    with pytest.raises(CodeNotValid):
        enter(code, now=clock())


def test_neither_link_nor_code_stands_in_the_register(clock):
    token, code = link_to(now=clock()), code_for(now=clock())
    rows = repr(read_register()["one_time_secrets"])
    assert token not in rows
    assert token.replace("-", "") not in rows
    assert not re.search(rf"\b{code}\b", rows)


@pytest.mark.parametrize("draw", [link_to, code_for])
def test_of_two_that_are_drawn_at_the_same_moment_one_is_good(app, clock, draw):
    def draw_too() -> None:
        with app.app_context():
            draw(now=clock())

    for moment in count():
        draw(now=clock())
        with interrupted(db.engine, before=moment, by=draw_too) as acted:
            draw(now=clock())
        assert count_rows("one_time_secrets") == 1
        if not acted:
            break
    assert moment > 2, "there were moments between statements"
