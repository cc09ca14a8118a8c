"""What holds for every library's system, whichever adapter speaks with it."""

import logging
import re
from contextlib import suppress

import pytest

from app.ils.port import Refused, Unavailable
from tests.contract.world import ANNA, BERIT, CARD_FEE, CARLA, NOBODY, NOW, TITLE, World


def only(world: World, card_number: str = ANNA):
    (account,) = world.system.accounts(card_numbers=[card_number])
    return account


def test_a_card_without_anything_has_an_empty_account(world):
    account = only(world, NOBODY)
    assert (account.card_number, account.debt_total, account.running_fees) == (NOBODY, 0, 0)
    assert {account.loans, account.holds, account.fees, account.requests, account.blocks} == {()}


def test_nobody_is_asked_about_no_cards(world):
    assert world.system.accounts(card_numbers=[]) == []
    assert world.calls() == 0


def test_a_loan_is_shown_with_its_title_in_its_own_letters_and_its_due_date(world):
    lent = world.lend(ANNA, TITLE, days_ago=7)
    (loan,) = only(world).loans
    assert (loan.loan_id, loan.title, loan.due_on, loan.overdue) == (lent.loan_id, TITLE, lent.due_on, False)
    assert loan.renewable
    assert loan.not_renewable_because is None


def test_loans_are_sorted_by_due_date_and_those_past_it_are_marked(world):
    later, sooner, past = world.lend(ANNA), world.lend(ANNA, days_ago=20), world.lend(ANNA, days_ago=35)
    loans = only(world).loans
    assert [loan.loan_id for loan in loans] == [past.loan_id, sooner.loan_id, later.loan_id]
    assert [loan.overdue for loan in loans] == [True, False, False]


def test_it_tells_its_version_and_nothing_of_loans_is_asked_for(world):
    world.lend(ANNA)
    assert re.fullmatch(world.called, world.system.version())
    assert ANNA not in "".join(world.addresses())


def test_a_long_list_of_loans_is_complete(world):
    lent = [world.lend(ANNA, f"Band {number}") for number in range(8)]
    assert {loan.loan_id for loan in only(world).loans} == {loan.loan_id for loan in lent}


def test_a_family_is_told_in_the_order_asked_each_card_once(world):
    world.lend(ANNA, "Annas")
    world.lend(BERIT, "Berits")
    accounts = world.system.accounts(card_numbers=[BERIT, NOBODY, ANNA, BERIT])
    assert [account.card_number for account in accounts] == [BERIT, NOBODY, ANNA]
    assert [[loan.title for loan in account.loans] for account in accounts] == [["Berits"], [], ["Annas"]]


def test_a_family_costs_no_more_calls_than_one_card(world):
    for card in (ANNA, BERIT, CARLA):
        world.lend(card)
    before = world.calls()
    only(world)
    one = world.calls() - before
    world.system.accounts(card_numbers=[ANNA, BERIT, CARLA])
    assert world.calls() - before - one == one


def test_what_is_owed_is_told_in_the_smallest_unit(world):
    world.charge(ANNA)
    account = only(world)
    assert (account.debt_total, account.currency) == (CARD_FEE, world.currency)
    if world.tells_fees:
        (fee,) = account.fees
        assert (fee.kind, fee.amount, fee.outstanding) == ("replacement_card", CARD_FEE, CARD_FEE)


def test_a_hold_is_shown_waiting_and_then_ready(world):
    lent = world.lend(BERIT)
    world.want(lent, ANNA)
    (hold,) = only(world).holds
    assert (hold.title, hold.ready, hold.fetch_before) == (TITLE, False, None)
    world.take_back(lent)
    (hold,) = only(world).holds
    assert (hold.ready, hold.queue_position) == (True, 0)
    assert hold.fetch_before is not None


def test_a_hold_is_cancelled_by_its_own_card_alone(world):
    lent = world.lend(BERIT)
    world.want(lent, ANNA)
    (hold,) = only(world).holds
    assert "cancel" in hold.acts
    for act in (world.system.cancel_hold, world.system.resume_hold):
        with pytest.raises(Refused) as refused:
            act(card_number=CARLA, hold_id=hold.hold_id)
        assert refused.value.code in ("unknown_hold", "cannot_pause")
    assert len(only(world).holds) == 1
    world.system.cancel_hold(card_number=ANNA, hold_id=hold.hold_id)
    assert only(world).holds == ()


def test_what_a_system_does_not_name_among_its_acts_it_refuses(world):
    lent = world.lend(BERIT)
    world.want(lent, ANNA)
    (hold,) = only(world).holds
    today = NOW.date()
    if "pause" in hold.acts:
        world.system.pause_hold(card_number=ANNA, hold_id=hold.hold_id, first=today, last=today)
        (paused,) = only(world).holds
        assert (paused.paused, paused.paused_until, paused.title) == (True, today, hold.title)
    else:
        with pytest.raises(Refused):
            world.system.pause_hold(card_number=ANNA, hold_id=hold.hold_id, first=today, last=today)
    if "move" not in hold.acts:
        assert world.system.pickup_places(card_number=ANNA, hold_id=hold.hold_id) == []
        with pytest.raises(Refused):
            world.system.move_hold(card_number=ANNA, hold_id=hold.hold_id, place_id="HAB")


def test_renewing_moves_the_due_date(world):
    lent = world.lend(ANNA, days_ago=7)
    renewed = world.system.renew(card_number=ANNA, loan_id=lent.loan_id)
    assert renewed.due_on > lent.due_on
    assert (renewed.loan_id, renewed.title) == (lent.loan_id, TITLE)
    assert world.due_on(lent) == renewed.due_on == only(world).loans[0].due_on


def test_what_somebody_waits_for_is_not_renewed(world):
    lent = world.lend(ANNA, days_ago=7)
    world.want(lent, BERIT)
    with pytest.raises(Refused) as refused:
        world.system.renew(card_number=ANNA, loan_id=lent.loan_id)
    assert refused.value.code == world.reserved_code
    assert world.due_on(lent) == lent.due_on


@pytest.mark.parametrize("loan_id", ["", "0" * 32, "999999", "x|AAN000200002", "../renewal"])
def test_a_loan_that_does_not_exist_is_not_renewed(world, loan_id):
    world.lend(ANNA)
    with pytest.raises(Refused) as refused:
        world.system.renew(card_number=ANNA, loan_id=loan_id)
    assert refused.value.code in ("unknown_loan", "invalid_field")


def test_somebody_elses_loan_is_not_renewed(world):
    lent = world.lend(BERIT, days_ago=7)
    world.lend(ANNA)
    with pytest.raises(Refused) as refused:
        world.system.renew(card_number=ANNA, loan_id=lent.loan_id)
    assert refused.value.code == "unknown_loan"
    assert world.due_on(lent) == lent.due_on


def test_renew_all_tells_of_each_loan_how_it_went(world):
    free, wanted = world.lend(ANNA, "Fri", days_ago=7), world.lend(ANNA, "Ventet på", days_ago=7)
    world.want(wanted, BERIT)
    results = {renewal.loan.title: renewal for renewal in world.system.renew_all(card_number=ANNA)}
    assert (results["Fri"].renewed, results["Fri"].not_renewable_because) == (True, None)
    assert results["Fri"].loan.due_on == world.due_on(free) > free.due_on
    assert (results["Ventet på"].renewed, world.due_on(wanted)) == (False, wanted.due_on)
    assert results["Ventet på"].not_renewable_because == world.reserved_code


def test_a_returned_loan_is_gone_at_the_next_question(world):
    lent = world.lend(ANNA)
    assert len(only(world).loans) == 1
    world.take_back(lent)
    assert only(world).loans == ()


def test_a_login_that_is_refused_is_no_answer(world):
    with pytest.raises(Unavailable) as unavailable:
        world.with_wrong_password().accounts(card_numbers=[ANNA])
    assert unavailable.value.reason == "not_admitted"


@pytest.mark.parametrize("card_number", ["", "n000200001", "N000200001|AAN000200002", "N000200001\r", "Ærlig talt"])
def test_what_is_no_card_number_is_refused_or_unknown(world, card_number):
    world.lend(ANNA)
    with suppress(Refused):
        assert only(world, card_number).loans == ()


def test_card_numbers_and_titles_are_in_no_address_no_log_and_no_error(world, caplog):
    canary, card = "Kanariefuglen som teg", "N000777123"
    errors = []
    with caplog.at_level(logging.DEBUG):
        lent = world.lend(card, canary, days_ago=7)
        world.want(lent, BERIT)
        world.charge(card)
        only(world, card)
        world.system.renew_all(card_number=card)
        for act in (
            lambda: world.system.renew(card_number=card, loan_id=lent.loan_id),
            lambda: world.with_wrong_password().accounts(card_numbers=[card]),
        ):
            with pytest.raises((Refused, Unavailable)) as error:
                act()
            errors.append(f"{error.value!s} {error.value!r} {error.value.__cause__!r}")
    # The library's own database speaks in this process too; the wall's tests hold it to silence.
    logged = [record for record in caplog.records if not record.name.startswith("sqlalchemy")]
    everything = [*world.addresses(), *errors, *(f"{r.getMessage()} {r.args} {r.exc_text}" for r in logged)]
    assert everything
    assert not [line for line in everything if canary in line or card in line or "Kanariefuglen" in line]


def test_no_password_is_shown_by_repr(world):
    shown = repr(world.system) + repr(vars(world.system))
    assert "a password for the tests" not in shown
