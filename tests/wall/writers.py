"""Those who change patrons while libraries are told of it: each a process of its own, on patrons they all share.

`python -m tests.wall.writers URL SEED COUNT` makes so many changes, each committed by itself, and prints how many of
each kind there were.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

from sqlalchemy import delete, func, select

from app import create_app
from app.register.card.cards import replace_card, report_found, report_lost
from app.register.change.corrections import Correction, correct_patron
from app.register.change.enrolment import enrol_patron
from app.register.change.freezing import freeze_card, thaw_card
from app.register.change.membership import end_affiliation
from app.register.leaving.erasure import ASKED, erase_patron
from app.register.patron.patrons import NoSuchPatron, activate_card, lock_patron
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Affiliation, Patron
from app.rules.people.contact import Contact
from tests.conftest import settings_for

LIBRARIES = tuple(f"lib{number:02d}" for number in range(20))
# Out of a hundred changes.
_SHARES = {
    "enrol": 9,
    "correct": 47,
    "activate elsewhere": 13,
    "replace the number": 11,
    "leave": 5,
    "freeze or thaw": 6,
    "lose or find": 4,
    "erase": 5,
}


class Writer:
    """Makes random changes; a patron who was erased meanwhile is skipped and not counted."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(seed)
        self._made = 0
        self._looked = 0
        self._last = 1

    def enrol(self) -> bool:
        self._made += 1
        enrol_patron(
            library_id=self._dice.choice(LIBRARIES),
            name=f"Invented {self._seed} {self._made}",
            birth_date=date(1950 + self._made % 50, 1 + self._made % 12, 1 + self._made % 28),
            gender="unknown",
            contact=self._contact(),
            language="nb",
            national_id=None,
            guardian_consent=False,
            card_number=None,
            now=_now(),
        )
        return True

    def correct(self) -> bool:
        correct_patron(patron_id=self._somebody(), changes=Correction(contact=self._contact()), now=_now())
        return True

    def activate_elsewhere(self) -> bool:
        patron_id, library_id = lock_patron(self._somebody()).id, self._dice.choice(LIBRARIES)
        if library_id in _joined(patron_id) or len(_joined(patron_id)) > 1:
            return False
        activate_card(patron_id=patron_id, library_id=library_id, now=_now())
        return True

    def replace_the_number(self) -> bool:
        replace_card(patron_id=self._somebody(), now=_now())
        return True

    def leave(self) -> bool:
        patron_id = lock_patron(self._somebody()).id
        joined = _joined(patron_id)
        if len(joined) < 2:
            return False
        end_affiliation(patron_id=patron_id, library_id=self._dice.choice(joined), now=_now())
        return True

    def freeze_or_thaw(self) -> bool:
        patron_id = self._somebody()
        act = freeze_card if lock_patron(patron_id).frozen_at is None else thaw_card
        act(patron_id=patron_id, now=_now())
        return True

    def lose_or_find(self) -> bool:
        patron_id = self._somebody()
        act = report_lost if lock_patron(patron_id).card_state == "active" else report_found
        act(patron_id=patron_id, now=_now())
        return True

    def erase(self) -> bool:
        erase_patron(patron_id=self._somebody(), reason=ASKED, now=_now())
        return True

    def _contact(self) -> Contact:
        number = self._dice.randrange(10**7)
        return Contact(
            address=f"Furuveien {number}",
            postcode="2050",
            place="Jessheim",
            phone=f"+479{number:07d}",
            preferred_contact="sms",
        )

    def _somebody(self) -> int:
        if self._looked % 20 == 0:
            self._last = db.session.scalar(select(func.max(Patron.id))) or 1
        self._looked += 1
        chosen = self._dice.randint(1, self._last)
        found = db.session.scalar(select(Patron.id).where(Patron.id >= chosen).order_by(Patron.id).limit(1))
        if found is None:
            raise NoSuchPatron
        return found


def _joined(patron_id: int) -> list[str]:
    of_patron = select(Affiliation.library_id).where(Affiliation.patron_id == patron_id)
    return sorted(db.session.scalars(of_patron))


def _now() -> datetime:
    return datetime.now(UTC)


def write(seed: int, count: int) -> Counter[str]:
    """Make so many changes, and return how many there were of each kind."""
    writer, made = Writer(seed), Counter[str]()
    dice = random.Random(-seed)
    while made.total() < count:
        (kind,) = dice.choices(list(_SHARES), list(_SHARES.values()))
        act: Callable[[], bool] = getattr(writer, kind.replace(" ", "_"))
        try:
            done = act()
        except NoSuchPatron:
            done = False
        if not done:
            db.session.rollback()
            continue
        db.session.commit()
        made[kind] += 1
        if made.total() % 50 == 0:
            # Nothing here is about messages to patrons, and sending them would only cost time.
            db.session.execute(delete(Message))
            db.session.commit()
    return made


def main() -> None:
    url, seed, count = sys.argv[1:]
    app = create_app(settings_for(url))
    with app.app_context():
        made = write(int(seed), int(count))
        db.session.remove()
        db.engine.dispose()
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
