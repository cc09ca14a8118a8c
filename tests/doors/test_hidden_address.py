"""A hidden address is a mark of its own: while it stands, no address is stored, whoever sends it."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.keys.vault import vault
from app.register.messages.contact_changes import open_former
from app.register.moving.taking import ROW_COLUMN
from app.register.store.transaction import db
from app.register.tables.messages import ContactChange
from app.register.tables.moving import PatronImportBatch, PatronImportLine
from app.register.tables.patrons import Patron
from tests.doors.libraries import PATRONS, ULLENSAKER, correct, fetch
from tests.doors.test_moving import check, take_in
from tests.doors.test_my_data_acts import save
from tests.doors.visits import GUARDIAN, log_in, main_text, scan_at_desk, shown_code, submit

KARI = ("N000100006", "7346")
ADDRESS = {"address": "Hemmeligveien 1", "postcode": "2050", "place": "Jessheim"}


def address_of(app: APIFlask, card_number: str) -> tuple[str | None, ...]:
    columns = (Patron.address, Patron.postcode, Patron.place, Patron.proven_address)
    with app.app_context():
        return tuple(db.session.execute(select(*columns).where(Patron.card_number == card_number)).one())


@pytest.fixture
def kari(client: FlaskClient) -> FlaskClient:
    log_in(client, *KARI)
    return client


@pytest.mark.parametrize("sent", [ADDRESS, {"address": "Hemmeligveien 1"}, {"postcode": "2050"}, {"place": "Jessheim"}])
def test_a_library_that_sends_one_is_refused_and_nothing_is_stored(
    app: APIFlask, client: FlaskClient, sent: dict[str, str]
) -> None:
    answer = correct(client, KARI[0], seen=fetch(client, KARI[0]), **sent)
    assert answer.status_code == 422
    assert answer.json["errors"] == dict.fromkeys(sent, "hidden")
    assert address_of(app, KARI[0]) == (None,) * 4
    assert fetch(client, KARI[0]).json["address_hidden"] is True


def test_a_library_cannot_take_the_mark_away(client: FlaskClient) -> None:
    assert correct(client, KARI[0], seen=fetch(client, KARI[0]), address_hidden=False, **ADDRESS).status_code == 422
    assert fetch(client, KARI[0]).json["address_hidden"] is True


def test_a_library_sets_it_and_enrols_with_it(app: APIFlask, client: FlaskClient) -> None:
    assert correct(client, GUARDIAN[0], seen=fetch(client, GUARDIAN[0]), address_hidden=True).json["address"] is None
    assert address_of(app, GUARDIAN[0]) == (None,) * 4
    new = {"name": "Berit Skjult", "birth_date": "1980-01-02", "rules_accepted": True, "address_hidden": True}
    answer = client.post(PATRONS, json=new | ADDRESS, auth=ULLENSAKER)
    assert answer.json["errors"] == dict.fromkeys(ADDRESS, "hidden")
    made = client.post(PATRONS, json=new, auth=ULLENSAKER).json
    assert (made["address_hidden"], made["address"]) == (True, None)


def test_the_patrons_own_page_takes_none_before_the_mark_is_taken_away(app: APIFlask, kari: FlaskClient) -> None:
    assert "Hidden, and not stored." in main_text(kari.get("/my/data"))
    contact = {"email": "", "phone": "99900006", "preferred_contact": "sms"}
    answer = save(kari, **contact, **ADDRESS)
    assert answer.status_code == 422
    assert address_of(app, KARI[0]) == (None,) * 4
    assert submit(kari, "/my/data/address-not-hidden", page="/my/data/edit").status_code == 302
    assert save(kari, **contact, **ADDRESS).status_code == 302
    assert address_of(app, KARI[0])[0] == "Hemmeligveien 1"


def test_who_hides_an_address_leaves_none_behind_that_an_undo_could_restore(app: APIFlask, phone: FlaskClient) -> None:
    save(phone, address="Bjørkeveien 7")
    assert save(phone, address="", postcode="", place="", address_hidden="y").status_code == 302
    assert address_of(app, GUARDIAN[0]) == (None,) * 4
    with app.app_context():
        changes = [open_former(change) for change in db.session.scalars(select(ContactChange))]
    assert changes
    for former in changes:
        assert [former[name] for name in ("address", "postcode", "place", "proven_address")] == [None] * 4


def test_a_file_leaves_none_behind_that_it_says_is_hidden(app: APIFlask, administrator: FlaskClient) -> None:
    with app.app_context():
        kari = db.session.execute(select(Patron.name, Patron.birth_date).where(Patron.card_number == KARI[0])).one()
    person = f"{kari.name};{kari.birth_date:%d.%m.%Y}"
    file = f"Lånernr;Navn;Født;Adresse;Postnr;Poststed\n77;{person};Hemmeligveien 1 (sperret);2050;Jessheim\n"
    take_in(app, administrator, path := check(app, administrator, file))
    with app.app_context():
        (line,) = db.session.scalars(select(PatronImportLine)).all()
        kept = vault.open(line.sealed_row, column=ROW_COLUMN).decode()
        assert not db.session.scalars(select(PatronImportBatch)).all()
    assert "Hemmeligveien" not in kept
    assert "2050" not in kept
    # Somebody else of that name and birth date, whose address is hidden too.
    page = f"{path}/people"
    assert kari.name in main_text(administrator.get(page))
    assert submit(administrator, page, line="2").status_code == 302
    with app.app_context():
        made = select(Patron.address_hidden, Patron.address).where(Patron.name == kari.name).order_by(Patron.id.desc())
        assert tuple(db.session.execute(made).first() or ()) == (True, None)


def test_the_desk_takes_none_before_it_has_seen_papers(
    app: APIFlask, desk: FlaskClient, new_browser: Callable[..., FlaskClient]
) -> None:
    browser = new_browser()
    log_in(browser, *KARI)
    scan_at_desk(desk, shown_code(browser))
    form = {"name": "Kari Lunde", "birth_date": "1968-02-21", "gender": "female", "language": "nb"}
    form |= {"phone": "99900006", "preferred_contact": "sms"}
    refused = submit(desk, "/desk/patron/contact", **form, **ADDRESS)
    assert refused.status_code == 422
    assert "The address is hidden" in main_text(refused)
    submit(desk, "/desk/patron/address-not-hidden", page="/desk/patron/contact")
    assert submit(desk, "/desk/patron/contact", **form, **ADDRESS).status_code == 302
    assert address_of(app, KARI[0])[:3] == tuple(ADDRESS.values())
