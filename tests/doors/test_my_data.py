"""Mine opplysninger: everything that is stored is shown, corrected, taken along, frozen, by its owner alone."""

import json
from collections import defaultdict
from datetime import timedelta

import pytest
from apiflask import APIFlask
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from sqlalchemy import select

from app.portal.my_data.data_words import TECHNICAL, label_of
from app.portal.my_data.stored import SECTIONS, explain_all
from app.register.card.cards import replace_card
from app.register.card.families import give_permission
from app.register.desk.visits import open_visit
from app.register.keys.vault import vault
from app.register.leaving.own_data import OWN_TABLES, UNTRACEABLE
from app.register.library.kept_answers import KeptAnswer, keep_answer, take_key
from app.register.log.access_log import Terminal, Viewer
from app.register.messages.contact_changes import store_change
from app.register.messages.outbox import ask_for_message
from app.register.moving.taking import NUMBER_COLUMN as IMPORTED_NUMBER
from app.register.online.registrations import FORM_COLUMN
from app.register.patron.changes import note_change
from app.register.sign_in.ceremonies import Created
from app.register.sign_in.one_time import STEP_UP, draw_code
from app.register.sign_in.passkeys import add_passkey
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.messages import Message
from app.register.tables.moving import ImportedPatron
from app.register.tables.patrons import Patron, Registration
from app.rules.messages import FAMILY_ADVICE_TO_GUARDIAN
from tests.conftest import START, Clock
from tests.doors.reminding import remind_in_every_way
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page, scan_at_desk, shown_code, submit
from tests.searching import stands_in

GROUNDS = ("GDPR", "personopplysningsloven", "Not about a person")


def ids(app: APIFlask) -> dict[str, int]:
    return {row.card_number: row.id for row in db.session.execute(select(Patron.card_number, Patron.id))}


@pytest.fixture
def with_a_row_in_every_table(app: APIFlask, desk: FlaskClient, phone: FlaskClient, clock: Clock) -> APIFlask:
    """The register, with at least one row about the guardian in each table that can hold one."""
    scan_at_desk(desk, shown_code(phone))
    with app.app_context():
        known = ids(app)
        me, child = known[GUARDIAN[0]], known[CHILD[0]]
        give_permission(patron_id=me, guardian_card_number=CHILD[0], now=clock())
        give_permission(patron_id=child, guardian_card_number=GUARDIAN[0], now=clock())
        ask_for_message(patron_id=me, kind="contact-changed", channel="email", to="former@example.org", now=clock())
        ask_for_message(patron_id=child, kind=FAMILY_ADVICE_TO_GUARDIAN, about_patron_id=me, now=clock())
        draw_code(patron_id=me, purpose=STEP_UP, now=clock())
        made = Created("a" * 43, "b" * 103, sign_count=0, backed_up=True, transports="internal")
        add_passkey(patron_id=me, handle="c" * 43, created=made, label="phone", now=clock())
        store_change(patron_id=me, former={}, fields=["email"], library_id="2023500", now=clock())
        at = Terminal(scope="desk:1", viewer=Viewer("staff", "desk-2023500", "2023500"), library_id="2023500")
        open_visit(patron_id=me, terminal=at, now=clock())
        take_key(username="2023500", key="k" * 32, asked="{}", now=clock())
        answer = KeptAnswer(status=200, headers={}, body={}, patron_id=me)
        keep_answer(answer, username="2023500", key="k" * 32)
        note_change(patron=db.session.get_one(Patron, me), now=clock())
        remind_in_every_way(patron_id=me, now=clock())
        db.session.add(
            ImportedPatron(
                token="f" * 64,
                key_id=1,
                library_id="2023500",
                patron_id=me,
                sealed_number=vault.seal(b"1001", column=IMPORTED_NUMBER),
                imported_at=clock(),
            )
        )
        tokens = {"own_token": "a" * 64, "child_token": "b" * 64, "guardian_token": "c" * 64, "code_token": "d" * 64}
        db.session.add(
            Registration(
                kind="own",
                **tokens,
                key_id=1,
                handle_hash="e" * 64,
                sealed_form=vault.seal(b"", column=FORM_COLUMN),
                patron_id=me,
                done_at=clock(),
                expires_at=clock() + timedelta(days=1),
            )
        )
        db.session.commit()
    return app


def columns_of(name: str) -> list[str]:
    return [column.name for column in OWN_TABLES[name].table.__table__.columns]


def test_the_fixture_has_a_row_in_every_table(with_a_row_in_every_table: APIFlask, phone: FlaskClient) -> None:
    told = phone.get("/my/data.json").json
    assert {name for name, rows in told["data"].items() if not rows} == set()


def test_every_table_stands_in_one_section() -> None:
    placed = [name for names in SECTIONS.values() for name in names]
    assert sorted(placed) == sorted(OWN_TABLES)


def test_every_column_is_on_the_page_with_its_purpose_ground_and_period_and_its_value_or_why_not(
    with_a_row_in_every_table: APIFlask, phone: FlaskClient
) -> None:
    page = read_page(phone.get("/my/data"))
    columns, shown = by_attribute(page, "data-column"), by_attribute(page, "data-value")
    rows = phone.get("/my/data.json").json["data"]
    for name, own in OWN_TABLES.items():
        for column in columns_of(name):
            named = columns[f"{name}.{column}"]
            assert len(named) == 1, f"{name}.{column}"
            purpose = named[0].get_text(" ")
            assert "Kept:" in purpose, f"{name}.{column}"
            assert any(ground in purpose for ground in GROUNDS), f"{name}.{column}"
            values = shown[f"{name}.{column}"]
            if column in own.withheld:
                assert not values, f"{name}.{column} is shown"
                assert "Not shown:" in purpose, f"{name}.{column}"
            elif name != "access_log" and any(row[column] is not None for row in rows[name]):
                assert values, f"{name}.{column} is not shown"


def by_attribute(page: BeautifulSoup, attribute: str) -> dict[str, list[Tag]]:
    """Return a page's elements by what stands in an attribute of theirs."""
    found: dict[str, list[Tag]] = defaultdict(list)
    for element in page.find_all(attrs={attribute: True}):
        found[str(element[attribute])].append(element)
    return found


def test_the_file_has_every_column_of_every_row_or_says_why_not(
    with_a_row_in_every_table: APIFlask, phone: FlaskClient
) -> None:
    told = phone.get("/my/data.json").json
    assert set(told["data"]) == set(OWN_TABLES)
    for name, own in OWN_TABLES.items():
        for row in told["data"][name]:
            assert set(columns_of(name)) - set(row) == set(own.withheld), name
        assert set(told["withheld"].get(name, {})) == set(own.withheld)
        assert set(told["explained"][name]) == set(columns_of(name))
    everything = {table.name for table in Base.metadata.sorted_tables}
    assert everything == {own.table.__tablename__ for own in OWN_TABLES.values()} | set(UNTRACEABLE)


def test_the_copy_for_paper_has_every_row_and_all_that_tells_a_reader_something(
    with_a_row_in_every_table: APIFlask, phone: FlaskClient
) -> None:
    page = read_page(phone.get("/my/data/print"))
    told = phone.get("/my/data.json").json["data"]
    shown = by_attribute(page, "data-value")
    for name, own in OWN_TABLES.items():
        table = page.select_one(f'[data-table="{name}"]')
        assert table is not None, name
        assert len(table.select("tbody tr") or table.select("dl")) == len(told[name]), name
        for column in set(columns_of(name)) - set(own.withheld) - TECHNICAL:
            filled = [row for row in told[name] if row[column] not in (None, "", "{}")]
            assert len([cell for cell in shown[f"{name}.{column}"] if cell.get_text(strip=True)]) == len(filled), column
    with with_a_row_in_every_table.test_request_context():
        sections = explain_all(patron_id=1)
        db.session.remove()
    assert {len(table.rows or ()) == table.count for tables in sections.values() for table in tables} == {True}


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en"])
@pytest.mark.parametrize("path", ["/my/data", "/my/data/print"])
def test_no_word_of_the_program_stands_where_a_citizen_reads(
    with_a_row_in_every_table: APIFlask, phone: FlaskClient, path: str, lang: str
) -> None:
    """No column's name, no True or None, no braces, no code of a value."""
    phone.get(f"{path}?lang={lang}")
    page = read_page(phone.get(path))
    for cell in page.select("[data-value], dt, th, summary, h2, h3, h4, .row-text"):
        text = cell.get_text(" ", strip=True)
        words = set(text.replace(",", " ").split())
        assert not words & {"True", "False", "None", "null", "{}", "[]"}, text
        assert not [word for word in words if "_" in word and "@" not in word], text
        assert not any(mark in text for mark in ("{", "}", "desk:", "kiosk:")), text
    codes = {"email", "sms", "step-up", "own", "contact-changed", "look-up", "new-pin", "rotating", "active"}
    for cell in page.select("[data-value]"):
        technical = str(cell["data-value"]).rpartition(".")[2] in TECHNICAL
        assert technical or cell.get_text(strip=True) not in codes - ({"email"} if lang == "en" else set()), cell


def test_every_column_has_a_word_of_its_own() -> None:
    for name, own in OWN_TABLES.items():
        for column in columns_of(name) + (["name"] if own.name_of else []):
            assert label_of(column, table=name), f"{name}.{column}"


def test_no_secret_of_the_register_is_given_out(with_a_row_in_every_table: APIFlask, phone: FlaskClient) -> None:
    """Whatever is withheld stands nowhere in what is shown or given."""
    secrets = set()
    with with_a_row_in_every_table.app_context():
        for own in OWN_TABLES.values():
            table = own.table.__table__
            for column in own.withheld:
                if column in ("token", "own_token", "token_hash", "handle_hash", "verifier", "session"):
                    secrets |= {str(value) for value in db.session.scalars(select(table.c[column]))}
    assert len(secrets) > 5
    for path in ("/my/data", "/my/data.json", "/my/data/print"):
        answer = phone.get(path).text
        assert not [secret for secret in secrets if secret in answer], path


def test_the_file_is_a_download_with_a_stable_shape(phone: FlaskClient, clock: Clock) -> None:
    answer = phone.get("/my/data.json")
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == "attachment; filename=lanekort-mine-opplysninger.json"
    told = json.loads(answer.data)
    shape = ["format", "version", "made_at", "data", "withheld", "not_traceable", "explained", "libraries"]
    assert list(told) == shape
    assert (told["format"], told["version"], told["made_at"]) == ("lanekort-own-data", 1, clock().isoformat())
    (patron,) = told["data"]["patrons"]
    assert (patron["card_number"], patron["email"]) == (GUARDIAN[0], "guardian@example.org")
    assert patron["birth_date"] == "1984-08-14"
    assert patron["registered_at"] == START.isoformat()
    assert told["libraries"] == {"2023500": "Ullensaker bibliotek", "Mull": "Mullsjö bibliotek"}
    assert not stands_in(GUARDIAN[1], answer.text)


@pytest.mark.parametrize("path", ["/my/data.json", "/my/data/print", "/my/data/download", "/my/data/edit"])
def test_taking_along_and_editing_ask_for_the_pin_where_it_was_entered_long_ago(
    phone: FlaskClient, clock: Clock, path: str
) -> None:
    assert phone.get(path).status_code == 200
    clock.turn(seconds=660)
    asked = phone.get(path)
    assert asked.location is not None
    assert asked.location.startswith("/my/confirm?next=portal.")
    assert "Solvang" not in asked.text
    assert submit(phone, asked.location, confirm_pin=GUARDIAN[1]).location == path


def test_the_link_to_the_file_leads_over_a_page_where_the_pin_is_asked_for(phone: FlaskClient, clock: Clock) -> None:
    """A download that follows a question leaves the question standing on the screen."""

    def download_link() -> str:
        (link,) = [a for a in read_page(phone.get("/my/data")).select("main a") if a.get_text() == "Download"]
        return str(link["href"])

    assert download_link() == "/my/data.json"
    clock.turn(seconds=660)
    assert download_link() == "/my/data/download"


def test_nothing_of_a_stranger_is_on_ones_page(app: APIFlask, phone: FlaskClient) -> None:
    with app.app_context():
        give_permission(patron_id=1, guardian_card_number=CHILD[0], now=START)
        db.session.commit()
    for path in ("/my/data", "/my/data.json", "/my/data/print"):
        assert "Jonas" not in phone.get(path).text, "a card number that was entered does not tell whose it is"


def test_a_replaced_card_is_shown_with_its_new_number(app: APIFlask, phone: FlaskClient) -> None:
    with app.app_context():
        replace_card(patron_id=1, now=START)
        db.session.commit()
        number = db.session.scalars(select(Patron.card_number).where(Patron.id == 1)).one()
    log_in(phone, number, GUARDIAN[1])
    assert phone.get("/my/data.json").json["data"]["patrons"][0]["card_number"] == number


def test_a_message_is_shown_by_its_subject(app: APIFlask, phone: FlaskClient) -> None:
    with app.app_context():
        db.session.add(Message(patron_id=1, kind="card-frozen", asked_at=START, sent_at=START))
        db.session.commit()
    assert "Your card is frozen" in main_text(phone.get("/my/data"))
