"""Card number and PIN: few guesses, equal answers, and nobody locked out by a stranger."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.register.card.cards import report_lost
from app.register.keys.vault import Vault
from app.register.limits.budgets import TooManyAttempts, take_tries
from app.register.sign_in.devices import admit_device
from app.register.sign_in.pins import Origin, ProofNeeded, SignInRefused, set_pin, sign_in
from app.register.store.transaction import db
from app.rules.pins.pin import ALL, CARD_DAY, CARD_SOON, SOURCE, STRICT_ALL, STRICT_SOURCE
from tests.conftest import VAULT_KEYS
from tests.register.counting import CountedArgon2, statements_sent
from tests.register.people import CHILD, GUARDIAN, LOST, PINS, make_phone, patron_id, read_register

HOME = Origin(address="203.0.113.7")
UNKNOWN = "N999999999"


def enter(card_number=GUARDIAN, pin="", *, origin=HOME, now):
    return sign_in(card_number=card_number, pin=pin or PINS[card_number], origin=origin, now=now)


def guess_wrong(card_number=GUARDIAN, *, origin=HOME, now):
    with pytest.raises(SignInRefused):
        enter(card_number, "0000", origin=origin, now=now)


def test_card_number_and_pin_together_name_a_patron(clock):
    assert enter(now=clock()) == patron_id(GUARDIAN)
    assert enter(CHILD, now=clock()) == patron_id(CHILD)


@pytest.mark.parametrize("typed", ["n000100001", "000100001", " N 000 100 001 "])
def test_the_number_may_be_typed_as_people_type_it(clock, typed):
    assert enter(typed, "4719", now=clock()) == patron_id(GUARDIAN)


@pytest.mark.parametrize("pin", ["47 19", "٤٧١٩", "4719\x00"])
def test_the_pin_may_be_typed_as_people_type_it(clock, pin):
    assert enter(GUARDIAN, pin, now=clock()) == patron_id(GUARDIAN)


@pytest.mark.parametrize("pin", ["0000", "8302", "", "471", "47190"])
def test_any_other_pin_is_refused(clock, pin):
    with pytest.raises(SignInRefused):
        sign_in(card_number=GUARDIAN, pin=pin, origin=HOME, now=clock())


def test_a_new_pin_ends_the_old_one(clock):
    set_pin(patron_id=patron_id(GUARDIAN), pin="1357", now=clock())
    db.session.commit()
    assert enter(GUARDIAN, "1357", now=clock()) == patron_id(GUARDIAN)
    with pytest.raises(SignInRefused):
        enter(GUARDIAN, "4719", now=clock())


def refusal_of(card_number, pin, *, now, token=None):
    """Return the whole answer of a refused sign-in that is made from an address of its own, and what it cost."""
    origin = Origin(address=f"{card_number} {pin}", device_token=token)
    with statements_sent(db.engine) as sent, pytest.raises(SignInRefused) as refused:
        sign_in(card_number=card_number, pin=pin, origin=origin, now=now)
    return type(refused.value), refused.value.args, refused.value.code, sent


@pytest.mark.parametrize("token", [None, "a token that a stranger made up"])
def test_unknown_card_wrong_pin_and_blocked_card_answer_alike_and_cost_alike(clock, monkeypatch, token):
    argon2 = CountedArgon2(monkeypatch)
    answers = []
    for tried, (card_number, pin) in enumerate(
        [
            (GUARDIAN, "0000"),
            (UNKNOWN, "0000"),
            (LOST, PINS[LOST]),
            (LOST, "0000"),
            (CHILD, "not a PIN"),
            ("not a card number", "0000"),
        ],
        start=1,
    ):
        answers.append(refusal_of(card_number, pin, now=clock(), token=token))
        assert argon2.verified == tried
    assert answers[1:] == answers[:1] * 5


def test_the_verifier_that_stands_in_for_an_unknown_card_costs_what_a_real_one_costs(true_argon2, monkeypatch):
    vault = Vault(VAULT_KEYS)
    argon2 = CountedArgon2(monkeypatch)
    vault.verify_pin("0000", vault.hash_pin("4719"), vault.key_id)
    vault.verify_pin("0000", None, None)
    real, stand_in = argon2.verifiers
    assert stand_in.split("$")[:4] == real.split("$")[:4] == ["", "argon2id", "v=19", "m=19456,t=2,p=1"]


def test_two_hundred_wrong_pins_at_once_are_no_more_guesses_than_the_budget_allows(make_app, clock, monkeypatch):
    argon2 = CountedArgon2(monkeypatch)
    portals = [make_app(), make_app()]

    def guess(number):
        with portals[number % 2].app_context():
            try:
                enter(GUARDIAN, f"{number:04d}", origin=Origin(address=f"198.51.100.{number}"), now=clock())
            except (SignInRefused, TooManyAttempts) as refusal:
                return type(refusal)

    with ThreadPoolExecutor(20) as pool:
        answers = Counter(pool.map(guess, range(200)))
    assert answers == {SignInRefused: CARD_SOON.limit, TooManyAttempts: 200 - CARD_SOON.limit}
    assert argon2.verified == CARD_SOON.limit


def test_past_the_budget_the_right_pin_is_not_looked_at_either(clock, monkeypatch):
    for _ in range(CARD_SOON.limit):
        guess_wrong(now=clock())
    argon2 = CountedArgon2(monkeypatch)
    with pytest.raises(TooManyAttempts) as refused:
        enter(now=clock())
    assert argon2.verified == 0
    assert refused.value.retry_after == CARD_SOON.seconds


def test_a_restart_does_not_give_new_tries(make_app, clock):
    for _ in range(CARD_SOON.limit):
        guess_wrong(now=clock())
    with make_app().app_context(), pytest.raises(TooManyAttempts):
        enter(now=clock())


def test_after_the_wait_the_patron_comes_in(clock):
    for _ in range(CARD_SOON.limit):
        guess_wrong(now=clock())
    assert enter(now=clock.turn(seconds=CARD_SOON.seconds)) == patron_id(GUARDIAN)


def test_a_card_has_fifteen_wrong_pins_a_day_however_they_are_spread(clock):
    for _ in range(3):
        for _ in range(5):
            guess_wrong(now=clock())
        clock.turn(seconds=CARD_SOON.seconds)
    with pytest.raises(TooManyAttempts) as refused:
        enter(now=clock())
    assert refused.value.retry_after == CARD_DAY.seconds - 3 * CARD_SOON.seconds


def test_an_unknown_card_runs_out_of_tries_like_a_known_one(clock):
    for _ in range(CARD_SOON.limit):
        guess_wrong(UNKNOWN, now=clock())
    with pytest.raises(TooManyAttempts):
        enter(UNKNOWN, "0000", now=clock())


def test_only_wrong_pins_count(clock):
    for _ in range(CARD_SOON.limit + 2):
        enter(now=clock())


def test_a_stranger_cannot_lock_a_patron_out_of_a_device_that_the_card_knows(clock):
    make_phone(GUARDIAN, now=clock(), token="the patron's phone")
    stranger = Origin(address="198.51.100.1", device_token="a token that a stranger made up")
    for _ in range(CARD_SOON.limit):
        guess_wrong(origin=stranger, now=clock())
    with pytest.raises(TooManyAttempts):
        enter(origin=stranger, now=clock())
    at_home = Origin(address="198.51.100.1", device_token="the patron's phone")
    assert enter(origin=at_home, now=clock()) == patron_id(GUARDIAN)


def test_a_known_device_has_a_budget_too(clock):
    make_phone(GUARDIAN, now=clock(), token="the patron's phone")
    at_home = Origin(address="203.0.113.7", device_token="the patron's phone")
    for _ in range(CARD_SOON.limit):
        guess_wrong(origin=at_home, now=clock())
    with pytest.raises(TooManyAttempts):
        enter(origin=at_home, now=clock())


def test_a_device_is_known_to_its_own_card_only(clock):
    admit_device(patron_id=patron_id(CHILD), token="the family's tablet", label="Safari, iPad", now=clock())
    db.session.commit()
    tablet = Origin(address="203.0.113.7", device_token="the family's tablet")
    for _ in range(CARD_SOON.limit):
        guess_wrong(now=clock())
    with pytest.raises(TooManyAttempts):
        enter(origin=tablet, now=clock())


def test_a_lost_phone_is_no_longer_known(clock):
    make_phone(GUARDIAN, now=clock(), token="the lost phone")
    report_lost(patron_id=patron_id(GUARDIAN), now=clock())
    db.session.commit()
    for _ in range(CARD_SOON.limit):
        guess_wrong(now=clock())
    with pytest.raises(TooManyAttempts):
        enter(origin=Origin(address="203.0.113.9", device_token="the lost phone"), now=clock())


def use_up(*budgets, now):
    """Let a budget be used up, as its whole number of wrong tries would."""
    for attempt in budgets:
        take_tries(tries=[attempt] * attempt[0].limit, now=now)


def test_one_address_may_not_try_one_card_after_another(clock):
    use_up((SOURCE, HOME.address), now=clock())
    with pytest.raises(TooManyAttempts):
        enter(CHILD, now=clock())
    assert enter(CHILD, origin=Origin(address="203.0.113.8"), now=clock()) == patron_id(CHILD)


def test_wrong_pins_of_the_whole_country_ask_no_more_of_devices_that_a_card_knows(clock):
    make_phone(GUARDIAN, now=clock(), token="the patron's phone")
    use_up((ALL, ""), (STRICT_ALL, ""), now=clock())
    with pytest.raises(ProofNeeded):
        enter(now=clock())
    at_home = Origin(address="203.0.113.7", device_token="the patron's phone")
    assert enter(origin=at_home, now=clock()) == patron_id(GUARDIAN)


def test_wrong_pins_of_the_whole_country_leave_each_source_a_few_tries_of_its_own(clock):
    use_up((ALL, ""), now=clock())
    for number in range(STRICT_SOURCE.limit):
        guess_wrong(f"N09990000{number}", now=clock())
    with pytest.raises(ProofNeeded):
        enter(now=clock())
    assert enter(origin=Origin(address="203.0.113.8"), now=clock()) == patron_id(GUARDIAN)


def test_signing_in_leaves_no_pin_number_or_address_behind(clock):
    before = read_register()
    guess_wrong(now=clock())
    enter(now=clock())
    after = read_register()
    assert {table for table in after if after[table] != before[table]} == {"attempt_counts"}
