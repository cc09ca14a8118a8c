"""Who has looked at a patron's data, and where the patron is signed in: newest first, page by page."""

from collections.abc import Callable
from datetime import timedelta

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from app.register.card.families import give_permission, switch
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.patrons import FamilyPermission, Session
from tests.conftest import START, Clock
from tests.doors.test_my_data import ids
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page


def look_at(app: APIFlask, count: int, *, start: int = 0) -> None:
    with app.app_context():
        line = {
            "patron_id": 1,
            "library_id": "2023500",
            "role": "staff",
            "actor": "desk-2023500",
            "purpose": "scan",
            "fields": "name, age band, home library, device",
        }
        lines = [line | {"at": START + timedelta(minutes=start + n)} for n in range(count)]
        db.session.execute(insert(AccessLogEntry).values(lines))
        db.session.commit()


def test_who_looked_is_told_in_words_and_in_local_time(app: APIFlask, phone: FlaskClient) -> None:
    look_at(app, 1)
    page = main_text(phone.get("/my/data"))
    # 09:00 UTC in November is 10:00 in Oslo.
    assert "Your card was scanned Ullensaker bibliotek, staff at the desk" in page
    assert "Shown: name, age group, home library" in page
    assert "10:00" in page
    assert "desk-2023500" not in page


def test_looks_are_leafed_through_newest_first(app: APIFlask, phone: FlaskClient) -> None:
    assert "Nobody has seen your data" in main_text(phone.get("/my/data/looks"))
    look_at(app, 60)
    assert "See all 60" in main_text(phone.get("/my/data"))
    seen = []
    for number in (1, 2):
        page = read_page(phone.get(f"/my/data/looks?page={number}"))
        seen += [str(each["datetime"]) for each in page.select(".looks time")]
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 60
    for nowhere in ("0", "3", "-1", "x", "9" * 50, "١", ""):
        assert phone.get("/my/data/looks", query_string={"page": nowhere}).status_code in (200, 404)
    assert phone.get("/my/data/looks?page=3").status_code == 404


def test_a_guardian_who_looked_is_named_by_the_number_that_was_permitted(
    app: APIFlask, new_browser: Callable[..., FlaskClient]
) -> None:
    guardian, child = new_browser(), new_browser()
    log_in(guardian, *GUARDIAN)
    log_in(child, *CHILD)
    with app.app_context():
        known = ids(app)
        give_permission(patron_id=known[CHILD[0]], guardian_card_number=GUARDIAN[0], now=START)
        db.session.flush()
        permission = db.session.scalars(select(FamilyPermission.id)).one()
        switch(guardian_id=known[GUARDIAN[0]], permission_id=permission, on=True, now=START)
        db.session.commit()
    guardian.get("/my/loans")
    page = main_text(child.get("/my/data"))
    assert "Your loans were looked at in the family folder The guardian with card N000100001" in page
    assert "Ingrid" not in page


def test_the_thirty_newest_sign_ins_stand_there_and_the_rest_behind_a_link(
    app: APIFlask, phone: FlaskClient, clock: Clock
) -> None:
    with app.app_context():
        for number in range(40):
            hour = timedelta(hours=number + 1)
            db.session.add(
                Session(
                    patron_id=1,
                    token_hash=f"{number:064}",
                    started_at=clock() - hour,
                    expires_at=clock() + hour,
                    secret_entered_at=clock() - hour,
                    idle_seconds=60,
                )
            )
        db.session.commit()
    page = read_page(phone.get("/my/data"))
    assert len(page.select("[id^=sign-in-]")) == 30
    (link,) = page.select('a[href="/my/data/sign-ins"]')
    assert link.get_text() == "See all 41"
    seen = [
        each["id"]
        for number in (1, 2)
        for each in read_page(phone.get(f"/my/data/sign-ins?page={number}")).select("[id^=sign-in-]")
    ]
    assert len(set(seen)) == 41
    assert phone.get("/my/data/sign-ins?page=3").status_code == 404
