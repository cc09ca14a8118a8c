"""What is stored of a person stands in one declaration, and everything that shows or changes it follows it."""

from flask.testing import FlaskClient

from app.api.patrons.schemas import CorrectionIn, PatronOut
from app.desk.patron.forms import EnrolForm, PatronFields
from app.portal.forms import CorrectionForm
from app.register.tables.patrons import Patron
from app.rules.people.contact import CONTACT_FIELDS
from app.rules.people.fields import FIELD, FIELDS, Editor
from tests.doors.serving import find_form
from tests.doors.test_api_patrons import MULLSJO
from tests.doors.visits import GUARDIAN, log_in

COLUMNS = Patron.__table__.columns
ABOUT_THE_CARD = {
    "id",
    "card_state",
    "proven_email",
    "proven_phone",
    "proven_address",
    "awaits_first_link",
    "local_to",
    "consent_ends_on",
    "guardian_consent_at",
    "registered_at",
    "rules_accepted_at",
    "last_used_on",
    "frozen_at",
    "erase_at",
    "erase_reason",
    "death_reported_by",
    "stated_at",
    "version",
}
"""Columns that say something of the card, and nothing of the person."""


def names(editor: Editor) -> set[str]:
    return {field.name for field in FIELDS if editor in field.editors}


def test_every_column_about_a_person_is_declared():
    assert {column.name for column in COLUMNS} == FIELD.keys() | ABOUT_THE_CARD
    for field in FIELDS:
        assert field.longest is None or field.name == "phone" or COLUMNS[field.name].type.length == field.longest


def test_each_door_lets_correct_what_is_declared_for_it(app):
    with app.test_request_context():
        assert {name for name in CorrectionForm()._fields if name in FIELD} == names(Editor.PATRON)
        assert {name for name in PatronFields()._fields if name in FIELD} == names(Editor.DESK)
        assert names(Editor.DESK) <= EnrolForm()._fields.keys()
    assert CorrectionIn().fields.keys() == names(Editor.SYSTEM)
    assert {field.name for field in FIELDS} - {"home_library_id"} <= PatronOut().fields.keys()


def test_a_library_gets_every_declared_field_as_documented(client: FlaskClient):
    answer = client.get("/api/v1/patrons/N000100001", auth=MULLSJO).json
    assert answer.keys() == PatronOut().fields.keys()


def test_every_field_is_on_the_patrons_page_in_the_form_and_in_the_export(app, client: FlaskClient):
    assert set(CONTACT_FIELDS) <= FIELD.keys()
    log_in(client, *GUARDIAN)
    page = client.get("/my/data", query_string={"lang": "en"}).get_data(as_text=True)
    assert [field.label for field in FIELDS if f"<dt>{field.label}</dt>" not in page and field.on_page] == []
    form = find_form(client.get("/my/data/edit"), "/my/data/edit")
    shown = {field["name"] for field in form.find_all(["input", "select"])}
    assert shown >= names(Editor.PATRON)
    assert client.get("/my/data.json").json["data"]["patrons"][0].keys() >= FIELD.keys()
