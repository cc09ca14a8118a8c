"""A library's file of patrons in tests, and what became of its rows."""

from datetime import date

from sqlalchemy import select

from app.register.change.enrolment import enrol_patron
from app.register.moving.taking import work_on_imports
from app.register.store.transaction import db, writing
from app.register.tables.moving import PatronImportLine
from app.rules.people.contact import Contact
from app.rules.people.national_id import parse_national_id
from tests.register.people import MULLSJO

HEADINGS = "Lånernr;Navn;Født;Fnr;Mobil;E-post;Adresse;Postnr;Poststed;Sperret adresse"
NUMBER = "01831050027"
TUVA = f"1001;Tuva Moen;01.03.2003;{NUMBER};99900077;tuva@example.org;Storgata 1;0155;Oslo;"


def work_through(rules):
    while work_on_imports(rules):
        pass


def lines_of(import_id):
    rows = select(PatronImportLine.line, PatronImportLine.outcome, PatronImportLine.why)
    rows = rows.where(PatronImportLine.import_id == import_id).order_by(PatronImportLine.line)
    found = {line: (outcome, why) for line, outcome, why in db.session.execute(rows)}
    db.session.rollback()
    return found


def enrol(clock, *, library_id=MULLSJO, national_id=NUMBER, **changes):
    number = parse_national_id(national_id, today=date(2026, 11, 22), allow_synthetic=True) if national_id else None
    values = {
        "name": "Tuva Moen",
        "birth_date": date(2003, 3, 1),
        "gender": "unknown",
        "contact": Contact(email="elsewhere@example.org", preferred_contact="email"),
        "language": "nb",
        "guardian_consent": False,
        "card_number": None,
    }
    with writing():
        return enrol_patron(library_id=library_id, national_id=number, now=clock(), **values | changes)
