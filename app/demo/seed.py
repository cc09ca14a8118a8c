"""Put the demonstration's people into an empty register."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from app.demo.accounts import ADMINISTRATORS, BRANCHES, DESKS, HOURS, LIBRARIES, MACHINES, PATRONS, DemoPatron
from app.register.card.cards import report_lost
from app.register.change.membership import opt_out
from app.register.face.facts import add_branch
from app.register.face.opening import add_exception, set_week
from app.register.patron.libraries import add_library, has_libraries
from app.register.patron.patrons import activate_card, register_patron
from app.register.sign_in.pins import set_pin
from app.register.staff.machines import connect_machine
from app.register.staff.staff import employ
from app.register.store.transaction import writing
from app.rules.library.face import BranchFacts, version_of
from app.rules.library.opening import ALWAYS, Exceptional, read_day, read_week
from app.rules.library.staff import StaffRole
from app.rules.people.national_id import parse_national_id


@writing()
def seed_register(*, now: datetime) -> bool:
    """Seed the register if it is empty. Returns whether it was."""
    if has_libraries():
        return False
    for library_id, described in LIBRARIES.items():
        add_library(library_id=library_id, kind="folkbib", **described)
        _seed_hours(library_id, now=now)
    for branch in BRANCHES:
        facts = {name: value for name, value in branch.items() if name not in ("library_id", "week")}
        branch_id = add_branch(library_id=branch["library_id"], facts=BranchFacts(**facts))
        _seed_week(branch["library_id"], branch["week"], branch_id=branch_id, now=now)
    for patron in PATRONS:
        _seed_patron(patron, now=now)
    for desk in DESKS:
        employ(**asdict(desk))
    for administrator in ADMINISTRATORS:
        employ(**asdict(administrator), role=StaffRole.ADMINISTRATOR)
    for machine in MACHINES:
        connect_machine(**asdict(machine))
    return True


def _seed_hours(library_id: str, *, now: datetime) -> None:
    hours, today = HOURS[library_id], now.date()
    _seed_week(library_id, hours["week"], now=now)
    for day in hours["yearly"]:
        about = Exceptional(
            first=day["first"], last=day["last"], yearly=True, spans=read_day(day["hours"]), note=day["note"]
        )
        add_exception(library_id=library_id, about=about, today=today, now=now, is_seed=True)


def _seed_week(library_id: str, week: Sequence[str], *, branch_id: int | None = None, now: datetime) -> None:
    set_week(
        library_id=library_id,
        branch_id=branch_id,
        since=ALWAYS,
        days=read_week("\n".join(week)),
        shown=version_of(()),
        today=now.date(),
        now=now,
        is_seed=True,
    )


def _seed_patron(invented: DemoPatron, *, now: datetime) -> None:
    number = parse_national_id(invented.national_id, today=now.date(), allow_synthetic=True)
    patron = register_patron(
        card_number=invented.card_number,
        name=invented.name,
        birth_date=invented.birth_date(now.date()),
        gender=invented.gender,
        home_library_id=invented.libraries[0],
        contact=invented.contact,
        address_hidden=invented.address_hidden,
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
