"""The post of a library's desk: its own patrons' letters and failures, each look written down, no address in full."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.register.keys.vault import Vault, use_vault
from app.register.log.access_log import Viewer
from app.register.messages.letters import (
    PAGE,
    NoSuchMessage,
    get_sender,
    list_failed,
    list_letters,
    mark_printed,
    open_letter,
    send_as_letter,
    try_again,
)
from app.register.messages.message_queue import leave_to_desk, mark_failed, take_due_message
from app.register.messages.outbox import ask_for_message
from app.register.patron.proven import PapersNotSeen
from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.messages import CARD_FROZEN, CONTACT_CHANGED, NEW_PIN, STEP_UP_CODE
from tests.register.people import AT_MULLSJO, CHILD, GUARDIAN, MULLSJO, ULLENSAKER, patron_id, reading

BY_MACHINE = ("email", "sms")
DESK = Viewer(role="staff", actor="desk-2023500", library_id=ULLENSAKER)
OTHER_DESK = Viewer(role="staff", actor="desk-mull", library_id=MULLSJO)


def ask(kind=NEW_PIN, *, of=CHILD, now, **more) -> int:
    ask_for_message(patron_id=patron_id(of), kind=kind, now=now, **more)
    db.session.commit()
    with reading() as connection:
        return max(connection.execute(select(Message.id)).scalars())


@pytest.fixture
def letter(clock) -> int:
    """A letter to the child, which waits at Ullensaker."""
    message_id = ask(now=clock())
    leave_to_desk(message_id=message_id)
    return message_id


@pytest.fixture
def failed(clock) -> int:
    """A message to the guardian that failed once."""
    message_id = ask(CARD_FROZEN, of=GUARDIAN, now=clock())
    take_due_message(channels=BY_MACHINE, now=clock())
    mark_failed(message_id=message_id, now=clock())
    return message_id


def letters(clock, *, viewer=DESK, after=0):
    shown = list_letters(library_id=viewer.library_id, viewer=viewer, after=after, now=clock())
    db.session.rollback()
    return shown


def failures(clock, *, viewer=DESK):
    shown, _more = list_failed(library_id=viewer.library_id, viewer=viewer, channels=BY_MACHINE, after=0, now=clock())
    db.session.rollback()
    return shown


def looks() -> list[tuple]:
    with reading() as connection:
        columns = (AccessLogEntry.patron_id, AccessLogEntry.actor, AccessLogEntry.purpose, AccessLogEntry.fields)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(AccessLogEntry.id))]


def message(message_id: int):
    with reading() as connection:
        return connection.execute(select(Message).where(Message.id == message_id)).one()


def test_a_waiting_letter_is_shown_to_its_library_and_the_look_is_written_down(clock, letter):
    (shown,), more = letters(clock)
    assert (shown.id, shown.kind, shown.asked_at, more) == (letter, NEW_PIN, clock(), False)
    assert looks() == [(patron_id(CHILD), "desk-2023500", "post", "name")]


def test_no_other_library_sees_or_touches_a_letter_and_nothing_is_written_of_it(clock, letter):
    assert letters(clock, viewer=OTHER_DESK) == ([], False)
    with pytest.raises(NoSuchMessage):
        open_letter(message_id=letter, library_id=MULLSJO, viewer=OTHER_DESK, now=clock())
    with pytest.raises(NoSuchMessage):
        mark_printed(message_id=letter, library_id=MULLSJO, now=clock())
    assert looks() == []


def test_no_other_library_sees_or_touches_a_message_that_failed(clock, failed):
    assert failures(clock, viewer=OTHER_DESK) == []
    with pytest.raises(NoSuchMessage):
        try_again(message_id=failed, library_id=MULLSJO, now=clock())
    with pytest.raises(NoSuchMessage):
        send_as_letter(message_id=failed, library_id=MULLSJO, now=clock())
    assert message(failed).channel is None


def test_a_letter_is_opened_with_its_address_after_the_look_is_written_down(clock, letter):
    db.session.execute(update(Patron).values(proven_address="Furuveien 3\n2050 Jessheim"))
    db.session.commit()
    due = open_letter(message_id=letter, library_id=ULLENSAKER, viewer=DESK, now=clock())
    assert (due.kind, due.channel, due.patron_id) == (NEW_PIN, "letter", patron_id(CHILD))
    assert due.to == f"{due.name}\nFuruveien 3\n2050 Jessheim"
    assert looks() == [(patron_id(CHILD), "desk-2023500", "post", "name, address")]


def test_a_link_without_a_proven_postal_address_is_printed_for_somebody_who_shows_papers(clock, letter):
    db.session.execute(update(Patron).values(address="Somewhere else 1", proven_address=None))
    db.session.commit()
    ((shown,), _more) = letters(clock)
    assert shown.needs_papers
    with pytest.raises(PapersNotSeen):
        open_letter(message_id=letter, library_id=ULLENSAKER, viewer=DESK, now=clock())
    due = open_letter(message_id=letter, library_id=ULLENSAKER, viewer=DESK, papers_seen=True, now=clock())
    assert due.to == due.name
    assert looks()[-1] == (patron_id(CHILD), "desk-2023500", "papers", "name, address")


def test_a_letter_to_a_former_address_is_opened_with_that(clock):
    message_id = ask(CONTACT_CHANGED, now=clock(), channel="letter", to="Gamleveien 2\n2050 Jessheim")
    leave_to_desk(message_id=message_id)
    due = open_letter(message_id=message_id, library_id=ULLENSAKER, viewer=DESK, now=clock())
    assert due.to == f"{due.name}\nGamleveien 2\n2050 Jessheim"


def test_a_printed_letter_waits_no_more(clock, letter):
    mark_printed(message_id=letter, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert letters(clock) == ([], False)
    assert message(letter).sent_at == clock()
    with pytest.raises(NoSuchMessage):
        mark_printed(message_id=letter, library_id=ULLENSAKER, now=clock())


def test_a_long_list_comes_in_pages_and_nothing_is_left_out(clock):
    ids = []
    for _letter in range(PAGE + 2):
        ids.append(ask(now=clock()))
        leave_to_desk(message_id=ids[-1])
    first, more = letters(clock)
    second, still_more = letters(clock, after=first[-1].id)
    assert [shown.id for shown in [*first, *second]] == ids
    assert (len(first), more, still_more) == (PAGE, True, False)


def test_a_failure_is_shown_with_as_much_of_the_address_as_shows_a_wrong_one(clock, failed):
    (shown,) = failures(clock)
    assert (shown.id, shown.channel, shown.to, shown.attempts) == (failed, "email", "g…@example.org", 1)
    assert shown.due_at == clock() + timedelta(minutes=2)
    assert shown.can_be_letter
    assert looks() == [(patron_id(GUARDIAN), "desk-2023500", "post", "name, contact data")]


def test_of_a_telephone_number_three_digits_are_shown(clock, failed):
    db.session.execute(update(Patron).values(preferred_contact="sms", proven_phone="+4799900123"))
    db.session.commit()
    (shown,) = failures(clock)
    assert (shown.channel, shown.to) == ("sms", "…123")


def test_a_message_that_nobody_has_tried_to_send_has_not_failed(clock):
    ask(CARD_FROZEN, of=GUARDIAN, now=clock())
    assert failures(clock) == []


def test_a_message_that_failed_is_tried_at_once_when_the_desk_says_so(clock, failed):
    assert take_due_message(channels=BY_MACHINE, now=clock()) is None
    try_again(message_id=failed, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert take_due_message(channels=BY_MACHINE, now=clock()).id == failed


def test_a_message_that_failed_becomes_a_letter_when_the_desk_says_so(clock, failed):
    send_as_letter(message_id=failed, library_id=ULLENSAKER, now=clock())
    db.session.commit()
    assert [shown.id for shown in letters(clock)[0]] == [failed]
    assert failures(clock) == []
    assert take_due_message(channels=BY_MACHINE, now=clock() + timedelta(days=1)) is None


def test_a_message_on_its_way_is_not_listed_as_failed_nor_tried_a_second_time(clock, failed):
    now = clock.turn(seconds=3600)
    assert take_due_message(channels=BY_MACHINE, now=now).id == failed
    assert failures(clock) == []
    with pytest.raises(NoSuchMessage):
        try_again(message_id=failed, library_id=ULLENSAKER, now=now)
    with pytest.raises(NoSuchMessage):
        send_as_letter(message_id=failed, library_id=ULLENSAKER, now=now)
    db.session.rollback()
    assert take_due_message(channels=BY_MACHINE, now=now) is None


def test_a_message_whose_worker_died_can_be_tried_again_once_its_lease_is_over(clock, failed):
    take_due_message(channels=BY_MACHINE, now=clock.turn(seconds=3600))
    now = clock.turn(seconds=300)
    (shown,) = failures(clock)
    assert (shown.id, shown.attempts) == (failed, 2)
    try_again(message_id=failed, library_id=ULLENSAKER, now=now)
    db.session.commit()
    assert take_due_message(channels=BY_MACHINE, now=now).id == failed


def test_a_message_that_becomes_a_letter_while_a_late_worker_tries_it_stays_one(clock, failed):
    assert take_due_message(channels=BY_MACHINE, now=clock.turn(seconds=3600)).id == failed
    now = clock.turn(seconds=300)
    send_as_letter(message_id=failed, library_id=ULLENSAKER, now=now)
    db.session.commit()
    mark_failed(message_id=failed, now=now)
    assert [shown.id for shown in letters(clock)[0]] == [failed]


def test_without_an_address_no_message_becomes_a_letter(clock, failed):
    db.session.execute(update(Patron).values(address=None))
    db.session.commit()
    (shown,) = failures(clock)
    assert not shown.can_be_letter
    with pytest.raises(NoSuchMessage):
        send_as_letter(message_id=failed, library_id=ULLENSAKER, now=clock())


@pytest.mark.parametrize(
    ("kind", "more"), [(STEP_UP_CODE, {}), (CONTACT_CHANGED, {"channel": "email", "to": "before@example.org"})]
)
def test_a_code_and_word_to_a_former_address_become_no_letter(clock, kind, more):
    message_id = ask(kind, of=GUARDIAN, now=clock(), **more)
    mark_failed(message_id=take_due_message(channels=BY_MACHINE, now=clock()).id, now=clock())
    (shown,) = failures(clock)
    assert not shown.can_be_letter
    with pytest.raises(NoSuchMessage):
        send_as_letter(message_id=message_id, library_id=ULLENSAKER, now=clock())


def test_a_former_address_is_hinted_at_and_where_it_cannot_be_opened_not_even_that(app, clock):
    ask(CONTACT_CHANGED, of=GUARDIAN, now=clock(), channel="email", to="before@example.org")
    mark_failed(message_id=take_due_message(channels=BY_MACHINE, now=clock()).id, now=clock())
    assert [shown.to for shown in failures(clock)] == ["b…@example.org"]
    use_vault(Vault({1: bytes(32)}))
    assert [shown.to for shown in failures(clock)] == [""]


def test_a_letter_names_its_library_as_the_sender():
    assert get_sender(library_id=ULLENSAKER) == ("Ullensaker bibliotek", "Storgata 1", "2050 Jessheim")


def test_a_letter_of_a_patron_who_moved_waits_at_the_new_home_library(clock, letter):
    db.session.execute(update(Patron).values(home_library_id=MULLSJO))
    db.session.commit()
    assert letters(clock) == ([], False)
    assert [shown.id for shown in letters(clock, viewer=OTHER_DESK)[0]] == [letter]


def test_letters_of_two_libraries_wait_apart(clock, letter):
    other = ask(of=AT_MULLSJO, now=clock())
    leave_to_desk(message_id=other)
    assert [shown.id for shown in letters(clock)[0]] == [letter]
    assert [shown.id for shown in letters(clock, viewer=OTHER_DESK)[0]] == [other]
