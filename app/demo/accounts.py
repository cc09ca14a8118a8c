"""The demonstration's invented people, read from people.toml."""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from flask_babel import lazy_gettext as _l

from app.rules.people.contact import Contact


def birth_date_at(*, age: int, today: date) -> date:
    """Return a birth date that gives the age on `today`, some months after the birthday."""
    birthday = today - timedelta(days=100)
    return date(birthday.year - age, birthday.month, min(birthday.day, 28))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPatron:
    """A patron who was never born. `age` is the age on the day of seeding."""

    card_number: str
    pin: str
    name: str
    age: int
    gender: str
    libraries: list[str]
    contact: Contact
    national_id: str
    born_on_new_year: bool = False
    lost: bool = False
    local: bool = False
    address_hidden: bool = False

    def birth_date(self, today: date) -> date:
        """Return a birth date that gives the age on `today`, some months after the birthday."""
        if self.born_on_new_year:
            return date(today.year - self.age, 1, 1)
        return birth_date_at(age=self.age, today=today)


@dataclass(frozen=True, slots=True)
class DemoDesk:
    """A sign-in at the desk."""

    library_id: str
    username: str
    name: str
    password: str
    totp_secret: str


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """A system's or kiosk's sign-in."""

    library_id: str
    kind: str
    username: str
    password: str


_PEOPLE = tomllib.loads(Path(__file__).with_name("people.toml").read_text(encoding="utf-8"))

LIBRARIES = _PEOPLE["libraries"]
"""The libraries, by id."""
HOURS = _PEOPLE["hours"]
"""Their opening hours, by library's id."""
BRANCHES = _PEOPLE["branches"]

PATRONS = tuple(DemoPatron(**patron | {"contact": Contact(**patron["contact"])}) for patron in _PEOPLE["patrons"])
DESKS = tuple(DemoDesk(**desk) for desk in _PEOPLE["desks"])
ADMINISTRATORS = tuple(DemoDesk(**administrator) for administrator in _PEOPLE["administrators"])
MACHINES = tuple(DemoMachine(**machine) for machine in _PEOPLE["machines"])
WHO = {
    "N000100001": _l("adult and guardian, loans at both libraries"),
    "N000100002": _l("child of 9, no contact address of its own, loans at Ullensaker"),
    "N000100003": _l("turned 13 this year, loans at Ullensaker"),
    "N000100004": _l("adult, card reported lost"),
    "N000100005": _l("adult owing more than 200 kr at Mullsjö"),
    "N000100006": _l("adult with a hidden address"),
    "N000100007": _l("adult with a local card, which only Mullsjö takes"),
}
"""What the start page says of each patron, by card number."""
