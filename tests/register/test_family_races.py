"""Child and guardian who act on one permission at the same moment."""

from contextlib import suppress
from itertools import count

import pytest
from sqlalchemy import select

from app.register.card.carrying import carry_cards
from app.register.card.families import (
    NoSuchPermission,
    advise_older_children,
    give_permission,
    let_carry,
    switch,
    withdraw_permission,
)
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import FamilyPermission
from app.rules.messages import FAMILY_ADVICE_TO_CHILD
from tests.register.interrupting import interrupted
from tests.register.people import CHILD, GUARDIAN, NINETY_DAYS, TEEN, count_rows, make_phone, patron_id


def give(child: str, clock, *, may_carry: bool = False) -> int:
    give_permission(patron_id=patron_id(child), guardian_card_number=GUARDIAN, may_carry_card=may_carry, now=clock())
    db.session.commit()
    given = select(FamilyPermission.id).where(FamilyPermission.patron_id == patron_id(child))
    found = db.session.scalars(given).one()
    db.session.rollback()
    return found


def in_between(app, act, *, by):
    """Act, and let somebody else act before each of the statements in turn; give what is to be looked at each time."""

    def other() -> None:
        with app.app_context(), suppress(NoSuchPermission):
            by()
            db.session.commit()

    for moment in count():
        yield
        with interrupted(db.engine, before=moment, by=other) as acted:
            try:
                act()
                db.session.commit()
            except NoSuchPermission:
                db.session.rollback()
        if not acted:
            break
    assert moment > 1, "there were moments between statements"


@pytest.mark.parametrize("use", ["switch on", "switch off", "let carry", "no carry", "withdraw"])
def test_what_is_withdrawn_while_either_uses_it_is_gone(app, clock, use):
    guardian, child = patron_id(GUARDIAN), patron_id(CHILD)
    permission = 0
    acts = {
        "switch on": lambda: switch(guardian_id=guardian, permission_id=permission, on=True, now=clock()),
        "switch off": lambda: switch(guardian_id=guardian, permission_id=permission, on=False, now=clock()),
        "let carry": lambda: let_carry(patron_id=child, permission_id=permission, may=True, now=clock()),
        "no carry": lambda: let_carry(patron_id=child, permission_id=permission, may=False, now=clock()),
        "withdraw": lambda: withdraw_permission(patron_id=child, permission_id=permission, now=clock()),
    }

    def withdraw() -> None:
        withdraw_permission(patron_id=child, permission_id=permission, now=clock())

    for _ in in_between(app, acts[use], by=withdraw):
        assert count_rows("family_permissions") == 0
        permission = give(CHILD, clock)


def test_switching_on_and_a_phone_that_carries_the_card_never_wait_for_each_other(app, clock):
    guardian = patron_id(GUARDIAN)
    phone, tablet = (make_phone(GUARDIAN, now=clock(), token=f"guardian's {name}").id for name in ("phone", "tablet"))
    permission = give(CHILD, clock, may_carry=True)
    until = clock() + NINETY_DAYS

    def carry(device_id: int) -> None:
        carry_cards(guardian_id=guardian, device_id=device_id, expires_at=until, now=clock())

    def switch_on() -> None:
        switch(guardian_id=guardian, permission_id=permission, on=True, now=clock.turn(seconds=1))
        carry(phone)

    switch_on()
    db.session.commit()
    for _ in in_between(app, switch_on, by=lambda: carry(tablet)):
        pass


def test_the_advice_goes_out_once_however_many_give_it(app, clock):
    guardian = patron_id(GUARDIAN)

    def advised() -> int:
        return db.session.scalar(
            select(db.func.count()).where(Message.kind == FAMILY_ADVICE_TO_CHILD).select_from(Message)
        )

    permission = give(TEEN, clock)
    switch(guardian_id=guardian, permission_id=permission, on=True, now=clock())
    db.session.commit()
    before = advised()

    def advise() -> None:
        advise_older_children(now=clock())

    for times, _ in enumerate(in_between(app, advise, by=advise)):
        db.session.get_one(FamilyPermission, permission).advised_at = None
        db.session.commit()
        assert advised() == before + times
        db.session.rollback()
