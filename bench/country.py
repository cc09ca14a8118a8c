"""A register in PostgreSQL as a country fills it: names, birth dates, postcodes and libraries spread as they are.

Made by PostgreSQL itself, so that half a million patrons with three million rows about them take about a minute.
"""

import base64
from datetime import UTC, datetime
from random import Random

import flask_migrate
from sqlalchemy import bindparam, text

from app.register.staff.machines import connect_machine
from app.register.staff.staff import employ
from app.register.store.transaction import autonomous, db
from app.register.tables.columns import UtcInstant
from app.register.tables.library import Library
from bench.people import make_portal

LIBRARIES = tuple(f"land{number:02d}" for number in range(40))
"""Each with a login of its own, so that its share of the requests is what a library may ask in a minute."""
LOOKS_A_PATRON = 3
TOTP_KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "only for measuring, on the loopback address"
_FIRST_NAMES = (
    "Anne Inger Kari Marit Ingrid Liv Eva Berit Astrid Bjørg Hilde Anna Solveig Marianne Randi Ida Nina Maria Elisabeth"
    " Kristin Jan Per Bjørn Ole Lars Kjell Knut Svein Thomas Arne Geir Hans Morten Tor Martin Andreas Åge Terje Odd"
    " Erik Nora Emma Olivia Ella Maja Sofie Leah Frida Ingeborg Selma Jakob Lucas Emil Oskar Oliver Filip Noah Elias"
    " Aksel Mohammed Fatima Aisha Omar Nguyen Agnieszka Piotr Olena Ahmad Yusuf Zahra"
)
_LAST_NAMES = (
    "Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Jensen Karlsen Johnsen Pettersen Eriksen Berg"
    " Haugen Hagen Johannessen Andreassen Jacobsen Dahl Jørgensen Henriksen Lund Halvorsen Sørensen Jakobsen Moen"
    " Gundersen Iversen Strand Solberg Svendsen Eide Knutsen Martinsen Paulsen Bakken Kristoffersen Mathisen Lie"
    " Amundsen Nguyen Rasmussen Ali Lunde Solheim Berge Moe Nygård Bakke Kristensen Fredriksen Holm Lien Hauge"
    " Christensen Andresen Nielsen Knudsen Evensen Sæther Aas Myhre Hanssen Ahmed Haugland Thomassen Sivertsen Simonsen"
    " Danielsen Berntsen Sandvik Rønning Arnesen Antonsen Næss Vik Haug Ellingsen Thorsen Edvardsen Birkeland Isaksen"
    " Gulbrandsen Ruud Aasen Strøm Myklebust Tangen Ødegård Eliassen Helland Bøe Jenssen Aune Mikkelsen Tveit Brekke"
    " Abrahamsen Madsen"
)
# A pseudo-random number for each patron and purpose, the same in each run.
_DRAWN = "(hashint8extended(n, {purpose}) & 2147483647)"
_PATRONS = f"""
    INSERT INTO patrons (card_number, card_state, name, birth_date, gender, address, postcode, place, phone, email,
                         preferred_contact, language, home_library_id, registered_at, last_used_on, version)
    SELECT 'N' || (100000000 + n), 'active',
           first_names[1 + {_DRAWN.format(purpose=1)} % cardinality(first_names)] || ' '
           || last_names[1 + {_DRAWN.format(purpose=2)} % cardinality(last_names)],
           date '1935-01-01' + ({_DRAWN.format(purpose=3)} % 31000)::int, 'unknown',
           'Furuveien ' || {_DRAWN.format(purpose=4)} % 300, lpad(({_DRAWN.format(purpose=5)} % 5000)::text, 4, '0'),
           'Jessheim', '+479' || lpad(n::text, 7, '0'), 'patron' || n || '@example.org', 'email', 'nb',
           libraries[1 + n % cardinality(libraries)], :now, current_date, 3
    FROM generate_series(1, :people) AS n,
         string_to_array(:first_names, ' ') AS first_names, string_to_array(:last_names, ' ') AS last_names,
         string_to_array(:libraries, ' ') AS libraries
"""
_AROUND_THEM = (
    "INSERT INTO affiliations (patron_id, library_id, activated_at) SELECT id, home_library_id, :now FROM patrons",
    "INSERT INTO national_id_tokens (token, patron_id, key_id)"
    " SELECT encode(sha256(('id ' || id)::bytea), 'hex'), id, 1 FROM patrons",
    "INSERT INTO issued_numbers (token, key_id) SELECT encode(sha256(('number ' || id)::bytea), 'hex'), 1 FROM patrons",
    "INSERT INTO access_log (at, patron_id, library_id, role, actor, purpose, fields)"
    " SELECT :now, id, home_library_id, 'system', home_library_id, 'fetch', 'name'"
    " FROM generate_series(1, :looks) AS look CROSS JOIN patrons",
    "INSERT INTO library_notices (library_id, seq, patron_id, patron_version, kind, asked_at, attempts, confirmed_at)"
    " SELECT home_library_id, row_number() OVER (PARTITION BY home_library_id ORDER BY version, id), id, version,"
    " CASE version WHEN 1 THEN 'joined' ELSE 'changed' END, :now, 0, :now"
    " FROM (SELECT id, home_library_id, made AS version FROM patrons CROSS JOIN generate_series(1, 3) AS made) AS told",
    "INSERT INTO library_queues (library_id, last_seq, purged_seq, attempts)"
    " SELECT library_id, max(seq), 0, 0 FROM library_notices GROUP BY library_id",
)


def staff_name(number: int) -> str:
    """Return the user name of somebody at a desk, counted from 0."""
    return f"desk-{number}"


def authorization_of(library_id: str) -> str:
    """Return the header by which a library's system signs in (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{library_id}:{PASSWORD}".encode()).decode()


def fill_country(database_url: str, *, people: int, staff: int) -> None:
    """Migrate an empty database and put so many patrons into it, forty libraries, and so many people at desks."""
    app = make_portal(database_url)
    with app.app_context():
        flask_migrate.upgrade()
        for number, library_id in enumerate(LIBRARIES):
            db.session.add(Library(id=library_id, name=f"Bibliotek nummer {number}", kind="folkbib"))
        db.session.flush()
        for library_id in LIBRARIES:
            connect_machine(username=library_id, library_id=library_id, kind="system", password=PASSWORD)
        for number in range(staff):
            library_id = LIBRARIES[number % len(LIBRARIES)]
            name = staff_name(number)
            employ(library_id=library_id, username=name, name=name, password=PASSWORD, totp_secret=TOTP_KEY)
        given = {
            "people": people,
            "looks": LOOKS_A_PATRON,
            "first_names": _FIRST_NAMES,
            "last_names": _LAST_NAMES,
            "libraries": " ".join(LIBRARIES),
        }
        for statement in (_PATRONS, *_AROUND_THEM):
            clock = bindparam("now", datetime.now(UTC), type_=UtcInstant())
            asked = {name: value for name, value in given.items() if f":{name}" in statement}
            made = text(statement)
            db.session.execute(made.bindparams(clock) if ":now" in statement else made, asked)
        db.session.commit()
        with autonomous() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
        db.session.remove()
        db.engine.dispose()


def draw_people(database_url: str, *, count: int) -> list[tuple[str, str, str, str]]:
    """Return card number, name, birth date (ISO) and home library of so many patrons, drawn from all of them."""
    app = make_portal(database_url)
    with app.app_context(), autonomous() as connection:
        people = connection.execute(text("SELECT count(*) FROM patrons")).scalar_one()
        drawn = Random(people).choices(range(1, people + 1), k=count)
        rows = connection.execute(
            text("SELECT id, card_number, name, birth_date, home_library_id FROM patrons WHERE id = ANY(:drawn)"),
            {"drawn": drawn},
        )
        found = {row.id: (row.card_number, row.name, row.birth_date.isoformat(), row.home_library_id) for row in rows}
    with app.app_context():
        db.engine.dispose()
    return [found[patron_id] for patron_id in drawn]
