"""Whatever happens in whatever order: nobody's loans are seen without a standing permission that is switched on."""

from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from apiflask import APIFlask
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from app.register.card.cards import replace_card, report_lost
from app.register.card.families import (
    NotToOneself,
    advise_older_children,
    give_permission,
    list_given,
    list_received,
    switch,
    view_family,
    withdraw_permission,
)
from app.register.patron.patrons import register_patron
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import FamilyPermission, Patron
from app.rules.people.contact import Contact
from tests.conftest import START

FAMILY = range(5)
BORN = [date(1980, 5, 1), date(1984, 2, 29), date(2013, 12, 1), date(2014, 6, 15), date(2017, 3, 3)]
member = st.sampled_from(FAMILY)


@pytest.fixture
def engine() -> str:
    # What the engines do alike is shown in test_families.py; the many steps are taken on the quicker one.
    return "sqlite"


class Family(RuleBasedStateMachine):
    """The register beside a model of it: who permits whom, and whether that is switched on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.people = [
            register_patron(
                name=f"Person {index}",
                birth_date=born,
                gender="unknown",
                home_library_id="2023500",
                contact=Contact(),
                national_id=None,
                now=START,
            ).id
            for index, born in enumerate(BORN)
        ]
        db.session.commit()
        self.erased: set[int] = set()
        self.switched_on: dict[tuple[int, int], bool] = {}

    def both_live(self, *members: int) -> bool:
        return not self.erased & set(members)

    @rule(child=member, guardian=member)
    def give(self, child: int, guardian: int) -> None:
        if not self.both_live(child, guardian):
            return
        number = db.session.get_one(Patron, self.people[guardian]).card_number
        try:
            give_permission(patron_id=self.people[child], guardian_card_number=number, now=self.now)
        except NotToOneself:
            assert child == guardian
            db.session.rollback()
            return
        db.session.commit()
        self.switched_on.setdefault((child, guardian), False)

    @rule(child=member, guardian=member, on=st.booleans())
    def switch(self, child: int, guardian: int, on: bool) -> None:
        if (child, guardian) not in self.switched_on:
            return
        switch(guardian_id=self.people[guardian], permission_id=self.permission(child, guardian), on=on, now=self.now)
        db.session.commit()
        self.switched_on[child, guardian] = on

    @rule(child=member, guardian=member)
    def withdraw(self, child: int, guardian: int) -> None:
        if (child, guardian) not in self.switched_on:
            return
        withdraw_permission(patron_id=self.people[child], permission_id=self.permission(child, guardian), now=self.now)
        db.session.commit()
        del self.switched_on[child, guardian]

    @rule(who=member, lost_first=st.booleans())
    def replace(self, who: int, lost_first: bool) -> None:
        if not self.both_live(who):
            return
        if lost_first:
            report_lost(patron_id=self.people[who], now=self.now)
        replace_card(patron_id=self.people[who], now=self.now)
        db.session.commit()

    @rule(who=member)
    def erase(self, who: int) -> None:
        if len(self.erased) >= 2:
            return
        db.session.execute(delete(Patron).where(Patron.id == self.people[who]))
        db.session.commit()
        self.erased.add(who)
        self.switched_on = {pair: on for pair, on in self.switched_on.items() if who not in pair}

    @rule(days=st.integers(1, 1500))
    def grow_older(self, days: int) -> None:
        self.now += timedelta(days=days)
        advise_older_children(now=self.now)
        db.session.commit()

    @invariant()
    def whoever_sees_may_see(self) -> None:
        for guardian in FAMILY:
            if guardian in self.erased:
                continue
            before = self.lines()
            seen = view_family(guardian_id=self.people[guardian], now=self.now)
            expected = {child for (child, viewer), on in self.switched_on.items() if on and viewer == guardian}
            assert {person.patron_id for person in seen[1:]} == {self.people[child] for child in expected}
            assert seen[0].patron_id == self.people[guardian]
            assert self.lines() == before + len(expected), "every look is written down, and nothing else"

    @invariant()
    def both_sides_are_shown_the_same(self) -> None:
        for (child, guardian), on in self.switched_on.items():
            received = {one.patron_id: one.switched_on for one in list_received(guardian_id=self.people[guardian])}
            given = [one.switched_on for one in list_given(patron_id=self.people[child])]
            assert received[self.people[child]] is on
            assert on in given
        db.session.rollback()

    def permission(self, child: int, guardian: int) -> int:
        return db.session.scalars(
            select(FamilyPermission.id).where(
                FamilyPermission.patron_id == self.people[child],
                FamilyPermission.guardian_id == self.people[guardian],
            )
        ).one()

    def lines(self) -> int:
        count = len(db.session.scalars(select(AccessLogEntry.id)).all())
        db.session.rollback()
        return count


def test_nothing_is_seen_without_a_standing_permission_that_is_switched_on(app: APIFlask):
    run_state_machine_as_test(Family, settings=settings(max_examples=15, stateful_step_count=20))
