"""The copies that the desk fetches from their shelves for holds."""

from tests.circulation.conftest import ANNA, BERIT, STAFF, Building


def to_pick(mull: Building) -> list[str]:
    return [copy["barcode"] for copy in mull.act("holds/to-pick", **STAFF)["copies"]]


def test_a_free_copy_that_is_reserved_is_fetched_once(mull: Building) -> None:
    mull.stock("1001", "1002")
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    assert to_pick(mull) == ["1001"]
    mull.act("holds/picked", barcode="1001", **STAFF)
    mull.act("holds/picked", barcode="1001", **STAFF)
    assert to_pick(mull) == []


def test_a_copy_that_came_back_to_the_desk_need_not_be_fetched(mull: Building) -> None:
    mull.stock("1001")
    mull.lend("1001", to=BERIT)
    mull.act("holds/reserve", card_number=ANNA, barcode="1001")
    mull.act("loans/return", barcode="1001")
    assert to_pick(mull) == []


def test_the_next_in_the_queue_gets_what_stands_on_the_hold_shelf_already(mull: Building) -> None:
    mull.stock("1001")
    first = mull.act("holds/reserve", card_number=ANNA, barcode="1001")["hold"]["hold_id"]
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    mull.act("holds/picked", barcode="1001", **STAFF)
    mull.act("holds/cancel", card_number=ANNA, hold_id=first)
    assert to_pick(mull) == []


def test_the_next_in_the_queue_gets_what_nobody_has_fetched_yet(mull: Building) -> None:
    mull.stock("1001")
    first = mull.act("holds/reserve", card_number=ANNA, barcode="1001")["hold"]["hold_id"]
    mull.act("holds/reserve", card_number=BERIT, barcode="1001")
    mull.act("holds/cancel", card_number=ANNA, hold_id=first)
    assert to_pick(mull) == ["1001"]


def test_what_is_not_set_aside_cannot_be_fetched(mull: Building) -> None:
    mull.stock("1001")
    assert mull.refuse("holds/picked", barcode="1001", **STAFF) == "unknown_hold"
    assert mull.refuse("holds/picked", barcode="9999", **STAFF) == "unknown_item"
