"""Put the demonstration's people into an empty register."""

from dataclasses import asdict
from datetime import datetime

from app.demo.accounts import DESKS, LIBRARIES, MACHINES, PATRONS, DemoPatron
from app.register.card.cards import report_lost
from app.register.change.membership import opt_out
from app.register.patron.libraries import add_library, has_libraries
from app.register.patron.patrons import activate_card, register_patron
from app.register.sign_in.pins import set_pin
from app.register.staff.machines import connect_machine
from app.register.staff.staff import employ
from app.register.store.transaction import writing
from app.rules.people.national_id import parse_national_id


@writing()
def seed_register(*, now: datetime) -> bool:
    """Seed the register if it is empty. Returns whether it was."""
    if has_libraries():
        return False
    for library_id, described in LIBRARIES.items():
        add_library(library_id=library_id, kind="folkbib", **described)
    for patron in PATRONS:
        _seed_patron(patron, now=now)
    for desk in DESKS:
        employ(**asdict(desk))
    for machine in MACHINES:
        connect_machine(**asdict(machine))
    return True


def _seed_patron(invented: DemoPatron, *, now: datetime) -> None:
    number = parse_national_id(invented.national_id, today=now.date(), allow_synthetic=True)
    patron = register_patron(
        card_number=invented.card_number,
        name=invented.name,
        birth_date=invented.birth_date(now.date()),
        gender=invented.gender,
        home_library_id=invented.libraries[0],
        contact=invented.contact,
        national_id=number,
        contact_is_proven=True,
        now=now,
    )
    for library_id in invented.libraries[1:]:
        activate_card(patron_id=patron.id, library_id=library_id, now=now)
    set_pin(patron_id=patron.id, pin=invented.pin, now=now)
    if invented.local:
        opt_out(patron_id=patron.id, library_id=invented.libraries[0], now=now)
    if invented.lost:
        report_lost(patron_id=patron.id, now=now)
