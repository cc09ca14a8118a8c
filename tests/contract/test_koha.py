"""What is Koha's own. Koha cannot run here: koha_world.py says what stands in for it."""

import logging
from datetime import UTC, date, datetime
from itertools import count

import pytest

from app.ils.koha import answers as koha_answers
from app.ils.port import Block, Place, Refused, Unavailable, read
from tests.contract.koha_world import koha
from tests.contract.world import ANNA, BERIT, CARLA, TITLE


def test_a_family_is_three_calls_and_one_more_for_each_debtor(koha_world):
    for card in (ANNA, BERIT, CARLA):
        koha_world.lend(card)
    koha_world.charge(BERIT)
    koha_world.system.accounts(card_numbers=[ANNA, BERIT, CARLA])
    paths = [address.partition("?")[0].removeprefix("/api/v1/") for address in koha_world.addresses()]
    assert paths == ["patrons", "checkouts", "holds", "patrons/2/account"]


def test_a_fee_that_still_runs_stands_with_its_loan_and_not_among_the_fees(koha_world):
    lent = koha_world.lend(ANNA, days_ago=35)
    koha_world.charge(ANNA)
    koha_world.grows[int(lent.loan_id)] = 12.35
    (account,) = koha_world.system.accounts(card_numbers=[ANNA])
    assert account.loans[0].running_fee == account.running_fees == 1235
    assert ([fee.outstanding for fee in account.fees], account.debt_total) == ([2500], 2500)


def test_no_fee_carries_the_title_that_koha_writes_beside_it(koha_world):
    lent = koha_world.lend(ANNA, days_ago=35)
    koha_world.grows[int(lent.loan_id)] = 4
    (account,) = koha_world.system.accounts(card_numbers=[ANNA])
    assert TITLE not in repr(account.fees)


def test_titles_lose_the_mark_that_cataloguing_puts_at_their_end(koha_world):
    koha_world.lend(ANNA)
    (account,) = koha_world.system.accounts(card_numbers=[ANNA])
    loan = account.loans[0]
    assert (loan.title, loan.author, loan.category) == (TITLE, "Lagerlöf, Selma", "BOK")


def test_a_lost_card_is_blocked(koha_world):
    koha_world.lend(ANNA)
    koha_world.lost_cards.add(ANNA)
    (account,) = koha_world.system.accounts(card_numbers=[ANNA])
    assert account.blocks == (Block("card_lost", 0),)


def test_a_loan_renewed_as_often_as_allowed_says_so(koha_world):
    lent = koha_world.lend(ANNA)
    for _ in range(2):
        koha_world.system.renew(card_number=ANNA, loan_id=lent.loan_id)
    with pytest.raises(Refused) as refused:
        koha_world.system.renew(card_number=ANNA, loan_id=lent.loan_id)
    assert refused.value.code == "renewals_used_up"


def test_a_proxy_that_drops_the_query_shows_nobody_elses_loans(koha_world):
    koha_world.lend(ANNA)
    koha_world.lend(BERIT)
    koha_world.drops_bodies = True
    with pytest.raises(Unavailable) as unavailable:
        koha_world.system.accounts(card_numbers=[ANNA])
    assert unavailable.value.reason == "bad_answer"


def test_a_token_is_fetched_once_and_again_when_it_is_refused():
    with koha(oauth=True) as world:
        world.lend(ANNA)
        for _ in range(2):
            world.system.accounts(card_numbers=[ANNA])
        assert world.tokens == 1
        world.tokens += 1  # Koha has forgotten the token it gave out
        with pytest.raises(Unavailable):
            world.system.accounts(card_numbers=[ANNA])
        (account,) = world.system.accounts(card_numbers=[ANNA])
        assert len(account.loans) == 1


def test_the_numbers_in_kohas_addresses_are_in_no_log(koha_world, caplog):
    koha_world.shelves.numbers = count(770077)
    lent = koha_world.lend(ANNA)
    # The other building, if it is in this process, has told httpx to be quiet.
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, logger="httpx"):
        koha_world.system.renew(card_number=ANNA, loan_id=lent.loan_id)
    ours = [record for record in caplog.records if record.name != "werkzeug"]
    assert any(record.name == "httpx" for record in ours)
    assert not [record for record in ours if "770077" in f"{record.getMessage()} {record.args}"]


@pytest.mark.parametrize(("minute", "blocks"), [(59, ()), (0, (Block("card_expired", 0),))])
def test_a_card_expires_at_midnight_in_the_library(minute, blocks):
    row = {"patron_id": 1, "cardnumber": ANNA, "expiry_date": "2026-06-30"}
    now = datetime(2026, 6, 30, 21 if minute else 22, minute, tzinfo=UTC)
    assert read(koha_answers.Patron, row).blocks(now=now) == blocks


def wanted_by_anna(koha_world):
    lent = koha_world.lend(BERIT)
    koha_world.want(lent, ANNA)
    (hold,) = koha_world.system.accounts(card_numbers=[ANNA])[0].holds
    return lent, hold


def test_a_hold_is_paused_through_its_last_day(koha_world):
    _lent, hold = wanted_by_anna(koha_world)
    days = {"first": date(2026, 3, 2), "last": date(2026, 3, 16)}
    koha_world.system.pause_hold(card_number=ANNA, hold_id=hold.hold_id, **days)
    # Koha goes on with a hold on the day that is named.
    assert koha_world.shelves.reserves[0].resumes_on == "2026-03-17"
    (paused,) = koha_world.system.accounts(card_numbers=[ANNA])[0].holds
    assert (paused.paused, paused.paused_until) == (True, date(2026, 3, 16))
    koha_world.system.resume_hold(card_number=ANNA, hold_id=hold.hold_id)
    (resumed,) = koha_world.system.accounts(card_numbers=[ANNA])[0].holds
    assert (resumed.paused, resumed.paused_until) == (False, None)
    with pytest.raises(Refused) as refused:
        koha_world.system.pause_hold(card_number=ANNA, hold_id=hold.hold_id, first=days["last"], last=days["last"])
    assert refused.value.code == "cannot_pause"


def test_a_hold_is_collected_where_koha_lets_it_be(koha_world):
    _lent, hold = wanted_by_anna(koha_world)
    places = koha_world.system.pickup_places(card_number=ANNA, hold_id=hold.hold_id)
    assert places == [Place("MULL", "Mullsjö"), Place("HAB", "Habo")]
    koha_world.system.move_hold(card_number=ANNA, hold_id=hold.hold_id, place_id="HAB")
    assert koha_world.shelves.reserves[0].place == "HAB"
    with pytest.raises(Refused) as refused:
        koha_world.system.move_hold(card_number=ANNA, hold_id=hold.hold_id, place_id="FAR")
    assert refused.value.code == "unknown_place"


def test_a_hold_that_koha_has_found_a_copy_for_is_left_to_its_desk(koha_world):
    lent, hold = wanted_by_anna(koha_world)
    koha_world.take_back(lent)
    (ready,) = koha_world.system.accounts(card_numbers=[ANNA])[0].holds
    assert ready.acts == ()
    assert koha_world.system.pickup_places(card_number=ANNA, hold_id=hold.hold_id) == []
    with pytest.raises(Refused) as refused:
        koha_world.system.cancel_hold(card_number=ANNA, hold_id=hold.hold_id)
    assert refused.value.code == "hold_ready"
    assert koha_world.shelves.reserves


@pytest.mark.parametrize(
    ("written", "told"),
    [("Koha 24.1103000", "Koha 24.11.03.000"), ("Koha 25.05", "Koha 25.05"), ("Koha", ""), ("Kohana 3.2.0", "")],
)
def test_a_version_is_what_the_front_page_says(koha_world, written, told):
    koha_world.generator = written
    assert koha_world.system.version() == told
