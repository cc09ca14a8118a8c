from itertools import product

import pytest

from app.rules.card.status import CardRefused, CardStatus, State

HERE, ELSEWHERE = "2023500", "Mull"
EVERY = [
    CardStatus(dead=dead, lost=lost, frozen=frozen, local_to=local_to)
    for dead, lost, frozen, local_to in product((True, False), (True, False), (True, False), (None, HERE, ELSEWHERE))
]


@pytest.mark.parametrize("status", EVERY, ids=str)
def test_the_gravest_state_counts(status):
    expected = State.ACTIVE
    if status.local_to == ELSEWHERE:
        expected = State.LOCAL
    if status.frozen:
        expected = State.FROZEN
    if status.lost:
        expected = State.LOST
    if status.dead:
        expected = State.DECEASED

    assert status.at(HERE) is expected


@pytest.mark.parametrize("status", EVERY, ids=str)
def test_without_a_library_a_local_card_is_as_any_other(status):
    assert status.state is CardStatus(status.dead, status.lost, status.frozen, local_to=None).at(HERE)


@pytest.mark.parametrize("status", EVERY, ids=str)
def test_somebody_who_is_refused_is_told_the_gravest_state(status):
    for refused, check in (
        (status.at(HERE) is not State.ACTIVE, lambda: status.check_in_use(HERE)),
        (status.dead or status.frozen, status.check_not_at_rest),
        (status.dead, status.check_holder_lives),
    ):
        if refused:
            with pytest.raises(CardRefused) as error:
                check()
            assert error.value.state in (status.at(HERE), State.FROZEN)
            assert error.value.code == f"card-{error.value.state}"
        else:
            check()


@pytest.mark.parametrize("status", EVERY, ids=str)
def test_a_holder_signs_in_unless_dead_or_without_the_card(status):
    assert status.may_sign_in is not (status.dead or status.lost)
