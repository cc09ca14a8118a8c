"""Others act between two statements of an act, whichever they are."""

import threading
from itertools import count

import pytest
from sqlalchemy import Engine, event

from tests.circulation.conftest import PASSWORD, STAFF, USER, Building
from tests.circulation.racing import Act, card, lend_late_film


def acting(mull: Building, act: Act, outcomes: list[str]) -> threading.Thread:
    """Somebody else, who acts and says what came of it."""
    call, body = act

    def run() -> None:
        answer = mull.app.test_client().post(f"/circulation/v1/{mull.library}/{call}", json=body, auth=(USER, PASSWORD))
        outcomes.append(answer.get_json().get("code", "ok"))

    return threading.Thread(target=run)


def between_statements(mull: Building, act: Act, *, others: list[tuple[int, Act]]) -> list[str]:
    """Act, and let each of the others act before the statement of its number. Gives their outcomes, and then one's own.

    Whom a lock keeps waiting goes on once the act is over, and who was to come after them does not come.
    """
    waiting, sent, begun, theirs = dict(others), count(), list[threading.Thread](), list[str]()
    own = threading.current_thread()

    def interrupt(*_: object) -> None:
        if threading.current_thread() is not own:
            return
        other = waiting.pop(next(sent), None)
        if other is not None and not any(each.is_alive() for each in begun):
            begun.append(acting(mull, other, theirs))
            begun[-1].start()
            begun[-1].join(timeout=0.3)

    event.listen(Engine, "before_cursor_execute", interrupt)
    try:
        call, body = act
        mine = mull.post(call, **body).get_json().get("code", "ok")
    finally:
        event.remove(Engine, "before_cursor_execute", interrupt)
        for each in begun:
            each.join()
    return [*theirs, mine]


@pytest.mark.parametrize("moment", range(1, 4))
def test_a_request_that_is_ordered_is_not_withdrawn_though_its_card_is_replaced_too(
    mull: Building, moment: int
) -> None:
    for later in range(1, 8):
        old, new = card(2 * later), card(2 * later + 1)
        asked = {"title": f"Ensam {later}", "author": "Moberg, Vilhelm", "publication_year": 1935, "category": "book"}
        request = mull.act("interlibrary/ask", card_number=old, idempotency_key=f"request-{later}", **asked)["request"]
        request_id = request["request_id"]
        order: Act = ("interlibrary/handle", {"request_id": request_id, "action": "order", **STAFF})
        rename: Act = ("patrons/rename", {"old_card_number": old, "new_card_number": new})
        withdraw: Act = ("interlibrary/cancel", {"card_number": new, "request_id": request_id})
        outcomes = between_statements(mull, withdraw, others=[(moment, rename), (moment + later, order)])
        state = mull.column(f"SELECT state FROM interlibrary_requests WHERE id = '{request_id}'")
        if outcomes[:-1] == ["ok", "ok"]:
            assert state == ["ordered"]
            assert outcomes[-1] in ("wrong_state", "unknown_request")


@pytest.mark.parametrize("moment", range(1, 4))
def test_a_fee_follows_a_card_that_is_replaced_twice_while_the_copy_comes_back(mull: Building, moment: int) -> None:
    for later in range(1, 8):
        first, second, third = (card(10 * later + number) for number in range(3))
        lend_late_film(mull, f"film-{later}", to=first)
        renames: list[Act] = [
            ("patrons/rename", {"old_card_number": old, "new_card_number": new})
            for old, new in ((first, second), (second, third))
        ]
        back: Act = ("loans/return", {"barcode": f"film-{later}"})
        outcomes = between_statements(mull, back, others=[(moment, renames[0]), (moment + later, renames[1])])
        if outcomes == ["ok", "ok", "ok"]:
            assert [mull.patron(number)["debt_total"] for number in (first, second, third)] == [0, 0, 10000]
