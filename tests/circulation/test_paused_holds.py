"""A patron is away: the place in the queue is kept, and no copy waits in vain."""

from circulation.lending.holds import resume_holds
from tests.circulation.conftest import ANNA, BERIT, Building

HOLIDAY = {"paused_from": "2026-03-02", "paused_until": "2026-03-16"}


def queue(mull: Building) -> str:
    """Anna waits first for what Carla has, and Berit after her. Returns the id of Anna's hold."""
    mull.stock("1001")
    mull.lend("1001", to="N000200003")
    hold_id: str = mull.act("holds/reserve", card_number=ANNA, barcode="1001")["hold"]["hold_id"]
    return hold_id


def resume(mull: Building) -> int:
    return resume_holds(database=mull.database, policy=mull.policy, now=mull.clock())


def test_a_copy_passes_a_paused_hold_which_keeps_its_place(mull: Building) -> None:
    hold_id = queue(mull)
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    mull.act("holds/pause", card_number=ANNA, hold_id=hold_id, **HOLIDAY)
    mull.act("loans/return", barcode="1001")
    (hold,) = mull.patron(ANNA)["holds"]
    assert (hold["ready"], hold["queue_position"], hold["paused_until"]) == (False, 1, "2026-03-16")
    assert mull.patron(BERIT)["holds"][0]["ready"]


def test_a_copy_that_only_a_paused_hold_waits_for_is_for_anybody(mull: Building) -> None:
    hold_id = queue(mull)
    mull.act("holds/pause", card_number=ANNA, hold_id=hold_id, **HOLIDAY)
    mull.clock.turn(days=10)
    assert mull.act("loans/renew-all", card_number="N000200003")["results"][0]["renewed"]
    mull.act("loans/return", barcode="1001")
    mull.lend("1001", to=BERIT)


def test_the_day_after_a_pause_the_free_copy_is_set_aside(mull: Building) -> None:
    hold_id = queue(mull)
    mull.act("holds/pause", card_number=ANNA, hold_id=hold_id, **HOLIDAY)
    mull.act("loans/return", barcode="1001")
    mull.clock.turn(days=14)
    assert resume(mull) == 0
    assert not mull.patron(ANNA)["holds"][0]["ready"]
    mull.clock.turn(days=1)
    assert (resume(mull), resume(mull)) == (1, 0)
    (hold,) = mull.patron(ANNA)["holds"]
    assert (hold["ready"], hold["paused_from"], hold["acts"]) == (True, None, ["cancel"])


def test_a_pause_that_begins_later_does_not_hold_back_today(mull: Building) -> None:
    hold_id = queue(mull)
    later = {"paused_from": "2026-03-09", "paused_until": "2026-03-16"}
    mull.act("holds/pause", card_number=ANNA, hold_id=hold_id, **later)
    (hold,) = mull.patron(ANNA)["holds"]
    assert (hold["paused_from"], hold["acts"]) == ("2026-03-09", ["cancel", "pause", "pause_later"])
    mull.act("loans/return", barcode="1001")
    assert mull.patron(ANNA)["holds"][0]["ready"]


def test_an_ended_pause_gives_the_free_copy_at_once(mull: Building) -> None:
    hold_id = queue(mull)
    mull.act("holds/pause", card_number=ANNA, hold_id=hold_id, **HOLIDAY)
    mull.act("loans/return", barcode="1001")
    mull.act("holds/resume", card_number=ANNA, hold_id=hold_id)
    mull.act("holds/resume", card_number=ANNA, hold_id=hold_id)
    assert mull.patron(ANNA)["holds"][0]["ready"]


def test_what_cannot_be_paused(mull: Building) -> None:
    hold_id = queue(mull)
    past, backwards = {**HOLIDAY, "paused_from": "2026-03-01"}, {**HOLIDAY, "paused_from": "2026-03-17"}
    assert mull.refuse("holds/pause", card_number=BERIT, hold_id=hold_id, **HOLIDAY) == "unknown_hold"
    assert mull.refuse("holds/resume", card_number=BERIT, hold_id=hold_id) == "unknown_hold"
    assert mull.refuse("holds/pause", card_number=ANNA, hold_id=hold_id, **past) == "date_in_past"
    assert mull.refuse("holds/pause", card_number=ANNA, hold_id=hold_id, **backwards) == "invalid_field"
    mull.act("loans/return", barcode="1001")
    assert mull.refuse("holds/pause", card_number=ANNA, hold_id=hold_id, **HOLIDAY) == "hold_ready"
