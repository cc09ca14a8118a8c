"""What the desk does with a card in each state, at the library that lends."""

from itertools import product

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.rules.card.status import CardStatus
from tests.conftest import Clock
from tests.doors.visits import AT_MULLSJO_ONLY, CHILD, csrf_token, log_in, main_text, scan_at_desk, shown_code
from tests.town import Town

EVERY = list(product((False, True), repeat=4))
FREE_ITEM = "2002"


@pytest.mark.parametrize(("dead", "lost", "frozen", "local"), EVERY)
def test_the_counter_lends_on_cards_in_use_alone(
    app: APIFlask, desk: FlaskClient, child: FlaskClient, town: Town, clock: Clock, dead, lost, frozen, local
):
    scan_at_desk(desk, shown_code(child))
    token = csrf_token(desk, "/desk")
    with app.app_context():
        db.session.execute(
            update(Patron)
            .where(Patron.card_number == CHILD[0])
            .values(
                card_state="lost" if lost else "active",
                frozen_at=clock() if frozen else None,
                erase_reason="death" if dead else None,
                erase_at=clock() if dead else None,
                local_to="Mull" if local else None,
            )
        )
        db.session.commit()
    status = CardStatus(dead, lost, frozen, local_to="Mull" if local else None)

    def press(act: str, **fields: str) -> str:
        answer = desk.post(f"/desk/counter/{act}", data={"csrf_token": token, **fields})
        return main_text(desk.get(answer.location) if answer.location else answer)

    lends = status.at("2023500") == "active"
    lent = main_text(desk.post("/desk", data={"csrf_token": token, "payload": FREE_ITEM}))
    assert ("Lent until" in lent) is lends
    assert ("renewed" in press("renew-all")) is lends
    # Who lost the card still pays; of a card at rest the counter shows nothing.
    assert ("Jonas Solvang" in main_text(desk.get("/desk"))) is not status.at_rest


def test_a_card_that_was_never_activated_here_is_lent_nothing(desk: FlaskClient, new_browser, town: Town):
    phone = new_browser()
    log_in(phone, *AT_MULLSJO_ONLY)
    scan_at_desk(desk, shown_code(phone))
    assert "not activated at this library" in main_text(scan_at_desk(desk, FREE_ITEM))


def test_a_patron_whose_card_is_frozen_must_thaw_it_before_renewing(app: APIFlask, child: FlaskClient, clock: Clock):
    token = csrf_token(child, "/my/loans")
    with app.app_context():
        db.session.execute(update(Patron).where(Patron.card_number == CHILD[0]).values(frozen_at=clock()))
        db.session.commit()
    answer = child.post("/my/loans/renew-all", data={"csrf_token": token, "library_id": "2023500", "permission_id": ""})
    assert answer.status_code == 409
    assert "The card is frozen" in main_text(answer)
