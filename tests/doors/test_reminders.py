"""Reminders as a patron chooses them, and as libraries learn of them."""

import pytest
from flask.testing import FlaskClient

from tests.doors.libraries import MULLSJO, ULLENSAKER, fetch, read_changes
from tests.doors.reminding import BY_EMAIL, NIGHT, NO_HOURS, PAGE, choose
from tests.doors.visits import GUARDIAN, main_text, submit

NOTHING_CHOSEN = "You have chosen nothing yet. Each of your libraries reminds you as it usually does."


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (NIGHT, "You are told by e-mail 3 days before the due date. Nothing is sent between 21 and 8."),
        ({"due": "sms", "days_before": "1"}, "You are told by SMS 1 day before the due date."),
        ({"due": "push", "days_before": "0"}, "You are told by notification on the due date."),
        ({"due": "none"}, "You are not reminded before the due date."),
    ],
)
def test_the_page_says_in_a_sentence_what_is_chosen(phone: FlaskClient, chosen, sentence):
    assert NOTHING_CHOSEN in main_text(phone.get(PAGE))
    assert choose(phone, **chosen).status_code == 302
    shown = main_text(phone.get(PAGE))
    assert f"Saved. {sentence}" in shown or sentence in shown
    assert sentence in main_text(phone.get(PAGE))


def test_what_is_chosen_is_what_the_form_shows_next_time(phone: FlaskClient):
    choose(phone, **NIGHT, ready="push", overdue="none", permission="sms", days_before="14")
    page = phone.get(PAGE).text
    for field, value in (("ready", "push"), ("overdue", "none"), ("permission", "sms"), ("quiet_from", "21")):
        field_part = page.partition(f'name="{field}"')[2].partition("</select>")[0]
        assert f'<option selected value="{value}">' in field_part, field
    assert 'value="14"' in page


@pytest.mark.parametrize("wrong", [{"days_before": "15"}, {"days_before": "-1"}, {"days_before": "x"}, {"due": "fax"}])
def test_what_cannot_be_chosen_is_refused_and_nothing_is_stored(phone: FlaskClient, wrong):
    assert choose(phone, **wrong).status_code == 422
    assert NOTHING_CHOSEN in main_text(phone.get(PAGE))


def test_a_library_that_was_joined_learns_of_the_choices_and_no_other(phone: FlaskClient, client: FlaskClient):
    number, _pin = GUARDIAN
    assert fetch(client, number).json["reminders"] is None
    before = read_changes(client, auth=ULLENSAKER).json["next"]
    choose(phone, **NIGHT, due="push")
    changes = read_changes(client, auth=ULLENSAKER, after=before).json["changes"]
    assert [(change["kind"], change["card_number"]) for change in changes] == [("changed", number)]
    assert fetch(client, number).json["reminders"] == {
        "due": "push",
        "ready": "email",
        "overdue": "email",
        "days_before": 3,
        "quiet_from": 21,
        "quiet_to": 8,
    }
    joined = fetch(client, number, auth=MULLSJO).json
    assert ("reminders" in joined) == joined["activated_here"]


def test_libraries_are_not_told_of_what_is_no_business_of_theirs(phone: FlaskClient, client: FlaskClient):
    choose(phone)
    before = read_changes(client, auth=ULLENSAKER).json["next"]
    choose(phone)
    choose(phone, permission="none")
    assert read_changes(client, auth=ULLENSAKER, after=before).json["changes"] == []


def test_the_choices_are_exported_and_gone_after_an_erasure(phone: FlaskClient):
    choose(phone, due="sms")
    (row,) = phone.get("/my/data.json").json["data"]["reminder_choices"]
    assert (row["due_by"], row["days_before"], row["quiet_from"]) == ("sms", 3, None)


def test_the_settings_lead_there(phone: FlaskClient):
    assert f'href="{PAGE}"' in phone.get("/my/settings").text


def test_the_form_is_refused_from_elsewhere(phone: FlaskClient):
    assert phone.post(PAGE, data=BY_EMAIL | NO_HOURS).status_code == 400
    assert submit(phone, PAGE, **BY_EMAIL).status_code in (302, 422)
