"""The demonstration's invented people. Their PINs and passwords exist nowhere else."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.rules.people.contact import Contact


def birth_date_at(*, age: int, today: date) -> date:
    """Return a birth date that gives the age on `today`, some months after the birthday."""
    birthday = today - timedelta(days=100)
    return date(birthday.year - age, birthday.month, min(birthday.day, 28))


@dataclass(frozen=True, slots=True)
class DemoPatron:
    """A patron who was never born. `age` holds on the day of seeding; `who` is for the start page."""

    card_number: str
    pin: str
    who: LazyString
    name: str
    age: int
    gender: str
    libraries: tuple[str, ...]
    contact: Contact
    national_id: str
    born_on_new_year: bool = False
    lost: bool = False
    local: bool = False

    def birth_date(self, today: date) -> date:
        """Return a birth date that gives the age on `today`, some months after the birthday."""
        if self.born_on_new_year:
            return date(today.year - self.age, 1, 1)
        return birth_date_at(age=self.age, today=today)


@dataclass(frozen=True, slots=True)
class DemoDesk:
    """A desk's sign-in."""

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


LIBRARIES = {
    "2023500": ("Ullensaker bibliotek", "0238", "Storgata 1", "2050", "Jessheim"),
    "Mull": ("Mullsjö bibliotek", "0642", "Järnvägsgatan 1", "565 31", "Mullsjö"),
}

JOINED_ONLINE = ("Mull",)
"""Where patrons may activate their card by themselves; the other library wants to see them at the desk."""

_AT_ULLENSAKER = {"postcode": "2050", "place": "Jessheim"}

PATRONS = (
    DemoPatron(
        card_number="N000100001",
        pin="4719",
        who=_l("adult and guardian, loans at both libraries"),
        name="Ingrid Solvang",
        age=42,
        gender="female",
        libraries=("2023500", "Mull"),
        contact=Contact(
            email="guardian@example.org",
            phone="+4799900001",
            address="Furuveien 3",
            preferred_contact="email",
            **_AT_ULLENSAKER,
        ),
        national_id="12848430062",
    ),
    DemoPatron(
        card_number="N000100002",
        pin="8302",
        who=_l("child of 9, no contact address of its own, loans at Ullensaker"),
        name="Jonas Solvang",
        age=9,
        gender="male",
        libraries=("2023500",),
        contact=Contact(address="Furuveien 3", **_AT_ULLENSAKER),
        national_id="05881760012",
    ),
    DemoPatron(
        card_number="N000100003",
        pin="5938",
        who=_l("turned 13 this year, loans at Ullensaker"),
        name="Nora Solvang",
        age=13,
        gender="female",
        libraries=("2023500",),
        contact=Contact(email="teen@example.org", address="Furuveien 3", preferred_contact="email", **_AT_ULLENSAKER),
        national_id="01811360062",
        born_on_new_year=True,
    ),
    DemoPatron(
        card_number="N000100004",
        pin="6184",
        who=_l("adult, card reported lost"),
        name="Per Bråten",
        age=47,
        gender="male",
        libraries=("2023500",),
        contact=Contact(email="per@example.org", address="Granlia 8", preferred_contact="email", **_AT_ULLENSAKER),
        national_id="23917920044",
        lost=True,
    ),
    DemoPatron(
        card_number="N000100005",
        pin="2957",
        who=_l("adult owing more than 200 kr at Mullsjö"),
        name="Åsa Lindqvist",
        age=35,
        gender="female",
        libraries=("Mull",),
        contact=Contact(
            email="asa@example.org",
            address="Sjövägen 12",
            postcode="565 31",
            place="Mullsjö",
            preferred_contact="email",
        ),
        national_id="30869140054",
    ),
    DemoPatron(
        card_number="N000100006",
        pin="7346",
        who=_l("adult with a hidden address"),
        name="Kari Lunde",
        age=58,
        gender="female",
        libraries=("2023500",),
        contact=Contact(phone="+4799900006", preferred_contact="sms"),
        national_id="17826810130",
    ),
    DemoPatron(
        card_number="N000100007",
        pin="6051",
        who=_l("adult with a local card, which only Mullsjö takes"),
        name="Erik Lund",
        age=57,
        gender="male",
        libraries=("Mull",),
        contact=Contact(
            email="erik@example.org",
            address="Kyrkvägen 2",
            postcode="565 31",
            place="Mullsjö",
            preferred_contact="email",
        ),
        national_id="28876940029",
        local=True,
    ),
)

DESKS = (
    DemoDesk(
        library_id="2023500",
        username="desk-2023500",
        name="Skranken i Ullensaker",
        password="demo-desk-ullensaker",
        totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    ),
    DemoDesk(
        library_id="Mull",
        username="desk-mull",
        name="Disken i Mullsjö",
        password="demo-desk-mullsjo",
        totp_secret="KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU",
    ),
)

MACHINES = (
    DemoMachine("2023500", "system", "2023500", "demo-system-ullensaker"),
    DemoMachine("Mull", "system", "Mull", "demo-system-mullsjo"),
    DemoMachine("2023500", "kiosk", "2023500-kiosk1", "demo-kiosk"),
    DemoMachine("2023500", "kiosk", "2023500-kiosk2", "demo-kiosk"),
    DemoMachine("Mull", "kiosk", "Mull-kiosk1", "demo-kiosk"),
    DemoMachine("2023500", "supplier", "2023500-ebooks", "demo-supplier"),
)
