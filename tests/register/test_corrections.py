"""Correcting a patron: what may be corrected, in which form it is kept, and who is told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.register.change.corrections import Correction, LanguageNotKnown, NotYourLibrary, Proof, correct_patron
from app.register.keys.vault import vault
from app.register.messages.outbox import SEALED_TO_COLUMN
from app.register.patron.patrons import NoSuchPatron
from app.register.sign_in.one_time import LETTER_LASTS, draw_link, find_link
from app.register.store.transaction import db
from app.register.tables.library import LibraryNotice
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.people.contact import Contact, ContactNotValid
from tests.conftest import START
from tests.register.people import CHILD, GUARDIAN, MULLSJO, ULLENSAKER, patron_id, read_register

LATER = START + timedelta(days=1)
NEW = Contact(
    email=" Ingrid@Example.NET ",
    phone="999 00 009",
    address="Bjørkeveien  7",
    postcode="2060",
    place="Gardermoen",
    preferred_contact="sms",
)

FORMER = Contact(
    email="guardian@example.org",
    phone="+4799900001",
    address="Furuveien 3",
    postcode="2050",
    place="Jessheim",
    preferred_contact="email",
)


def correct(card_number: str = GUARDIAN, **changes) -> None:
    correct_patron(patron_id=patron_id(card_number), changes=Correction(**changes), proof=Proof.CHANGED, now=LATER)
    db.session.commit()


def read(card_number: str = GUARDIAN) -> Patron:
    return db.session.scalars(select(Patron).where(Patron.card_number == card_number)).one()


def notices_since(instant) -> list[tuple[str, str, int]]:
    rows = db.session.execute(
        select(LibraryNotice.library_id, LibraryNotice.kind, LibraryNotice.patron_version)
        .where(LibraryNotice.asked_at >= instant)
        .order_by(LibraryNotice.library_id)
    )
    return [tuple(row) for row in rows]


def test_contact_data_are_kept_in_their_canonical_form():
    correct(contact=NEW)
    patron = read()
    assert (patron.email, patron.phone) == ("Ingrid@example.net", "+4799900009")
    assert (patron.address, patron.postcode, patron.place) == ("Bjørkeveien 7", "2060", "Gardermoen")
    assert patron.preferred_contact == "sms"


def test_an_address_that_is_left_out_is_gone():
    correct(contact=Contact(email="guardian@example.org", preferred_contact="email"))
    patron = read()
    assert (patron.phone, patron.address, patron.postcode, patron.place) == (None, None, None, None)


def messages() -> list[tuple[str, str | None, str | None]]:
    rows = db.session.execute(select(Message.kind, Message.channel, Message.sealed_to).order_by(Message.id))
    return [
        (kind, channel, sealed and vault.open(sealed, column=SEALED_TO_COLUMN).decode())
        for kind, channel, sealed in rows
    ]


@pytest.mark.parametrize("replaced", [{"email": "i@example.net"}, {"phone": None}, {"address": "Granlia 1"}])
def test_a_link_that_was_sent_to_where_they_are_not_reached_any_more_is_worth_nothing(replaced):
    link = draw_link(patron_id=patron_id(GUARDIAN), lasting=LETTER_LASTS, now=START)
    db.session.commit()
    correct(contact=replace(FORMER, **replaced))
    assert find_link(token=link, now=LATER) is None


def test_a_link_stays_good_where_they_are_reached_as_before():
    link = draw_link(patron_id=patron_id(CHILD), lasting=LETTER_LASTS, now=START)
    db.session.commit()
    correct(CHILD, language="nn")
    correct(CHILD, contact=replace(FORMER, phone=None, email="jonas@example.org"))
    assert find_link(token=link, now=LATER) == patron_id(CHILD)


def test_the_patron_is_told_the_new_way_and_at_the_addresses_that_were_replaced():
    correct(contact=NEW)
    assert messages() == [
        ("contact-changed", "email", "guardian@example.org"),
        ("contact-changed", "sms", "+4799900001"),
        ("contact-changed", None, None),
    ]


def test_somebody_who_was_not_reached_before_is_told_the_new_way_alone():
    db.session.execute(update(Patron).values(proven_address=None))
    db.session.commit()
    correct(CHILD, contact=Contact(email="jonas@example.org", preferred_contact="email"))
    assert messages() == [("contact-changed", None, None)]


def test_another_language_or_home_library_is_no_news_of_contact_data():
    correct(language="sv", home_library_id=MULLSJO)
    assert messages() == []


def test_every_library_of_the_patron_is_told_once_that_there_is_something_new():
    before = read().version
    correct(contact=NEW, language="sv", home_library_id=MULLSJO)
    assert notices_since(LATER) == [(ULLENSAKER, "changed", before + 1), (MULLSJO, "changed", before + 1)]
    assert read().version == before + 1


def test_what_stands_already_changes_nothing_and_nobody_is_told():
    patron = read()
    same = Contact(
        email=patron.email,
        phone=patron.phone,
        address=patron.address,
        postcode=patron.postcode,
        place=patron.place,
        preferred_contact=patron.preferred_contact,
    )
    db.session.rollback()
    before = read_register()
    correct(contact=same, language="nb", home_library_id=ULLENSAKER)
    correct()
    assert read_register() == before


def test_the_home_library_is_one_that_the_patron_has_joined():
    correct(home_library_id=MULLSJO)
    assert read().home_library_id == MULLSJO
    db.session.rollback()
    for library_id in (MULLSJO, "0000000", ""):
        with pytest.raises(NotYourLibrary):
            correct(CHILD, home_library_id=library_id)
        db.session.rollback()


def test_nobody_is_written_to_in_a_language_that_there_is_not():
    with pytest.raises(LanguageNotKnown):
        correct(language="no")


def test_where_one_value_is_wrong_none_is_changed():
    before = read_register()
    with pytest.raises(ContactNotValid) as refused:
        correct(contact=Contact(email="nobody", phone="12", address="Furuveien 3"), language="sv")
    db.session.rollback()
    assert refused.value.faults == {
        "email": "not-valid",
        "phone": "not-valid",
        "postcode": "missing",
        "place": "missing",
    }
    with pytest.raises(NotYourLibrary):
        correct(CHILD, contact=Contact(), home_library_id=MULLSJO)
    db.session.rollback()
    assert read_register() == before


def test_a_late_correction_of_somebody_who_is_gone_changes_nothing():
    before = read_register()
    with pytest.raises(NoSuchPatron):
        correct_patron(patron_id=4711, changes=Correction(language="sv"), now=LATER)
    db.session.rollback()
    assert read_register() == before
