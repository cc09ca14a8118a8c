"""Messages that wait to be sent: taken once, sent at least once, by the way that the patron can be reached."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from app.register.keys.vault import Vault, use_vault
from app.register.messages.message_queue import (
    leave_to_desk,
    list_due,
    mark_failed,
    mark_sent,
    see_code,
    take_due_message,
)
from app.register.messages.outbox import Due, ask_for_message
from app.register.patron.proven import EMAIL, LETTER, SMS
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.messages import (
    CARD_FROZEN,
    CODES,
    CONTACT_CHANGED,
    FAMILY_ADVICE_TO_CHILD,
    INACTIVE_WARNING,
    KINDS,
    NEW_PIN,
    STEP_UP_CODE,
)
from tests.register.people import CHILD, GUARDIAN, as_proven, count_rows, patron_id, read_rows, reading

BY_MACHINE = (EMAIL, SMS)


def ask(kind=CARD_FROZEN, *, of=GUARDIAN, now, **more) -> None:
    ask_for_message(patron_id=patron_id(of), kind=kind, now=now, **more)
    db.session.commit()


def take(now, channels=BY_MACHINE) -> Due | None:
    return take_due_message(channels=channels, now=now)


def reach(card_number, **contact) -> None:
    db.session.execute(update(Patron).where(Patron.card_number == card_number).values(**as_proven(contact)))
    db.session.commit()


def only_message() -> Message:
    with reading() as connection:
        return connection.execute(select(Message)).one()


def test_a_message_that_is_due_is_taken_by_one_worker(clock):
    ask(now=clock())
    due = take(clock())
    assert (due.kind, due.channel, due.to, due.language) == (CARD_FROZEN, "email", "guardian@example.org", "nb")
    assert take(clock()) is None


def test_a_message_whose_worker_died_is_due_again_after_five_minutes(clock):
    ask(now=clock())
    first = take(clock())
    assert take(clock.turn(seconds=299)) is None
    assert take(clock.turn(seconds=1)) == first


def test_a_message_that_was_sent_is_not_sent_again(clock):
    ask(now=clock())
    mark_sent(message_id=take(clock()).id, now=clock())
    assert take(clock.turn(days=20)) is None
    assert only_message().sent_at == clock() - timedelta(days=20)


def test_the_most_urgent_message_is_taken_first_however_long_the_others_wait(clock):
    for kind in (INACTIVE_WARNING, FAMILY_ADVICE_TO_CHILD, CARD_FROZEN, NEW_PIN, STEP_UP_CODE):
        ask(kind, now=clock())
        clock.turn(seconds=60)
    db.session.execute(update(Patron).values(erase_at=clock() + timedelta(days=30), erase_reason="inactive"))
    db.session.commit()
    clock.turn(seconds=60)
    taken = [take(clock()).kind for _ in range(5)]
    assert taken == [STEP_UP_CODE, NEW_PIN, CARD_FROZEN, INACTIVE_WARNING, FAMILY_ADVICE_TO_CHILD]


def test_a_message_waits_in_the_queue_of_the_channel_that_it_will_go_by(clock):
    for channel, kind, contact in (
        ("sms", NEW_PIN, {"preferred_contact": "sms", "phone": "+4790000000"}),
        ("email", NEW_PIN, {"preferred_contact": "sms", "phone": None}),
        ("email", NEW_PIN, {"preferred_contact": "email", "phone": "+4790000000"}),
        ("letter", CARD_FROZEN, {"preferred_contact": "letter"}),
        ("email", NEW_PIN, {"preferred_contact": "letter"}),
        ("email", STEP_UP_CODE, {"preferred_contact": "letter"}),
        ("sms", NEW_PIN, {"preferred_contact": "email", "email": None}),
    ):
        reach(GUARDIAN, **contact)
        ask(kind, now=clock())
        (place,) = list_due(now=clock())
        urgency = KINDS[kind].urgency
        assert place == (channel, urgency)
        due = take_due_message(channels=BY_MACHINE, queues=[channel], urgencies=[urgency], now=clock())
        assert due.channel == channel
        mark_sent(message_id=due.id, now=clock())
    assert list_due(now=clock()) == frozenset()


def test_an_index_serves_the_taking_of_a_message(clock):
    db.session.execute(
        insert(Message),
        [{"patron_id": patron_id(GUARDIAN), "kind": INACTIVE_WARNING, "asked_at": clock(), "due_at": clock()}] * 2000,
    )
    db.session.commit()
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE messages")
        statement = (
            "SELECT id FROM messages WHERE queue = 'letter' AND urgency = 4 AND due_at <= '2030-01-01'"
            " ORDER BY due_at, id LIMIT 1"
        )
        explain = "EXPLAIN " if db.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        plan = " ".join(str(row) for row in connection.exec_driver_sql(explain + statement))
    assert "ix_messages_waiting" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_the_state_of_a_code_tells_whether_it_left(clock):
    whose, since = patron_id(GUARDIAN), clock()

    def see() -> str | None:
        return see_code(patron_id=whose, kind=STEP_UP_CODE, since=since, now=clock())

    assert see() is None
    ask(STEP_UP_CODE, now=clock())
    assert see() == "on its way"
    due = take(clock())
    assert see() == "on its way"
    mark_failed(message_id=due.id, now=clock())
    assert see() == "not sent"
    due = take(clock.turn(seconds=20))
    mark_sent(message_id=due.id, now=clock())
    assert see() == "sent"
    since = clock.turn(seconds=60)
    ask(STEP_UP_CODE, now=clock())
    clock.turn(seconds=19)
    assert see() == "on its way"
    clock.turn(seconds=1)
    assert see() == "not sent", "nobody sent it"


def test_a_code_that_failed_is_tried_again_within_seconds(clock):
    ask(STEP_UP_CODE, now=clock())
    mark_failed(message_id=take(clock()).id, now=clock())
    assert take(clock.turn(seconds=20)) is not None


def test_the_pause_after_a_failure_grows_to_six_hours_and_there_is_always_another_try(clock):
    ask(now=clock())
    pauses = []
    for _try in range(60):
        due = take(clock())
        mark_failed(message_id=due.id, now=clock())
        pauses.append(only_message().due_at - clock())
        clock.turn(seconds=pauses[-1].total_seconds())
    assert pauses[:3] == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=6)


@pytest.mark.parametrize(
    ("preferred", "contact", "channels", "goes_by"),
    [
        ("email", {"email": "a@example.org", "phone": "+4790000000"}, BY_MACHINE, "email"),
        ("sms", {"email": "a@example.org", "phone": "+4790000000"}, BY_MACHINE, "sms"),
        ("sms", {"email": "a@example.org", "phone": "+4790000000"}, (EMAIL,), "email"),
        ("sms", {"email": None, "phone": "+4790000000"}, (EMAIL,), "letter"),
        ("sms", {"email": "a@example.org", "phone": None}, BY_MACHINE, "email"),
        ("email", {"email": None, "phone": "+4790000000"}, BY_MACHINE, "sms"),
        ("letter", {"email": "a@example.org", "phone": "+4790000000"}, BY_MACHINE, "letter"),
        ("email", {"email": None, "phone": None}, BY_MACHINE, "letter"),
    ],
)
def test_a_message_goes_as_preferred_where_that_is_possible_and_else_as_it_is(
    clock, preferred, contact, channels, goes_by
):
    reach(GUARDIAN, preferred_contact=preferred, **contact)
    ask(now=clock())
    assert take(clock(), channels).channel == goes_by


def test_a_letter_goes_to_name_and_address(clock):
    reach(GUARDIAN, preferred_contact="letter", address="Storgata 1", postcode="2050", place="Jessheim")
    ask(now=clock())
    due = take(clock())
    assert due.to == f"{due.name}\nStorgata 1\n2050 Jessheim"


def test_a_letter_to_somebody_whose_address_is_hidden_has_the_name_alone(clock):
    reach(GUARDIAN, preferred_contact="letter", address=None, postcode=None, place=None)
    ask(now=clock())
    due = take(clock())
    assert due.to == due.name


@pytest.mark.parametrize("kind", CODES)
def test_a_code_for_somebody_who_waits_never_goes_by_letter(clock, kind):
    reach(GUARDIAN, preferred_contact="letter", email=None, phone="+4790000000")
    ask(kind, now=clock())
    assert take(clock()).channel == "sms"


def test_a_code_that_cannot_arrive_at_once_is_not_sent_at_all(clock):
    reach(CHILD, preferred_contact="letter", email=None, phone=None)
    ask(STEP_UP_CODE, of=CHILD, now=clock())
    assert take(clock()) is None
    assert count_rows("messages") == 0


def test_a_code_nobody_waits_for_any_more_is_not_sent_and_holds_up_nobody(clock):
    ask(STEP_UP_CODE, now=clock())
    ask(NEW_PIN, now=clock())
    assert take(clock.turn(seconds=600)).kind == NEW_PIN
    assert count_rows("messages") == 1


def test_a_warning_of_deletion_names_the_day_and_is_not_sent_to_somebody_who_came_back(clock):
    reach(GUARDIAN, erase_at=clock() + timedelta(days=30), erase_reason="inactive")
    ask(INACTIVE_WARNING, now=clock())
    assert take(clock()).day.isoformat() == "2026-12-22"
    reach(GUARDIAN, erase_at=None, erase_reason=None)
    assert take(clock.turn(seconds=300)) is None
    assert count_rows("messages") == 0


def test_a_former_address_is_sealed_until_it_is_used_and_then_gone(clock):
    ask(CONTACT_CHANGED, now=clock(), channel=EMAIL, to="former@example.org")
    with reading() as connection:
        assert "former" not in repr(read_rows(connection, "messages"))
    due = take(clock())
    assert (due.channel, due.to) == ("email", "former@example.org")
    mark_sent(message_id=due.id, now=clock())
    assert only_message().sealed_to is None


def test_a_former_address_that_cannot_be_opened_holds_up_nobody(app, clock):
    ask(CONTACT_CHANGED, now=clock(), channel=EMAIL, to="former@example.org")
    ask(now=clock())
    use_vault(Vault({1: bytes(32)}))
    assert take(clock()).kind == CARD_FROZEN
    assert take(clock()) is None
    assert count_rows("messages") == 2


def test_a_letter_waits_for_the_desk_and_no_machine_takes_it(clock):
    reach(CHILD, preferred_contact="letter")
    ask(of=CHILD, now=clock())
    leave_to_desk(message_id=take(clock()).id)
    assert take(clock.turn(days=10)) is None
    waiting = only_message()
    assert (waiting.channel, waiting.due_at, waiting.sent_at) == (LETTER, None, None)


def test_a_message_to_somebody_who_was_deleted_goes_with_them(clock):
    ask(now=clock())
    db.session.delete(db.session.get_one(Patron, patron_id(GUARDIAN)))
    db.session.commit()
    assert take(clock()) is None
    assert count_rows("messages") == 0


def test_a_landline_gets_no_text_message(clock):
    reach(GUARDIAN, preferred_contact="sms", phone="+4722222222")
    ask(now=clock())
    assert take(clock()).channel == "email"


def test_every_kind_fits_its_column():
    assert len(KINDS) > 10
    assert max(map(len, KINDS)) <= Message.kind.type.length
