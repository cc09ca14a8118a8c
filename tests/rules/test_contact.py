"""Contact data is written in one way, and what cannot be right is named by its field."""

import pytest

from app.rules.people.contact import Contact, ContactNotValid, check_contact

AT_HOME = {"address": "Storgata 1", "postcode": "2050", "place": "Jessheim"}
WHOLE = Contact(email="kari@example.org", phone="+4740612345", preferred_contact="sms", **AT_HOME)


def faults_of(contact: Contact) -> dict[str, str]:
    with pytest.raises(ContactNotValid) as refused:
        check_contact(contact)
    return refused.value.faults


def test_what_is_right_stays_as_it_is():
    assert check_contact(WHOLE) == WHOLE


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("22 22 55 55", "+4722225555"), ("004722225555", "+4722225555"), ("+46 8 508 310 00", "+46850831000")],
)
def test_a_number_is_kept_as_the_world_dials_it(typed, kept):
    assert check_contact(Contact(phone=typed)).phone == kept


def test_the_domain_of_an_email_address_is_written_small():
    assert check_contact(Contact(email=" Kari@EXAMPLE.org ")).email == "Kari@example.org"


@pytest.mark.parametrize(
    ("contact", "faults"),
    [
        (Contact(email="kari"), {"email": "not-valid"}),
        (Contact(email="kari@example.org\r\nBcc: all"), {"email": "not-valid"}),
        (Contact(phone="12"), {"phone": "not-valid"}),
        (Contact(preferred_contact="email"), {"email": "missing"}),
        (Contact(preferred_contact="sms"), {"phone": "missing"}),
        (Contact(preferred_contact="pigeon"), {"preferred_contact": "not-valid"}),
        (Contact(address="Storgata 1"), {"postcode": "missing", "place": "missing"}),
        (Contact(address="x" * 201, postcode="2050", place="Jessheim"), {"address": "too-long"}),
        (Contact(email="kari", phone="12"), {"email": "not-valid", "phone": "not-valid"}),
    ],
)
def test_every_fault_is_named_by_its_field_at_once(contact, faults):
    assert faults_of(contact) == faults


def test_empty_fields_are_no_data():
    assert check_contact(Contact(email=" ", phone="", address="", postcode="", place="")) == Contact()


def test_an_error_repeats_nothing_of_what_was_typed():
    with pytest.raises(ContactNotValid) as refused:
        check_contact(Contact(email="not an address of Kari"))
    assert "Kari" not in repr(refused.value)
