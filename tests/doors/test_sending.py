"""Messages leave the house: in the patron's language, with what they open drawn at that moment, at least once."""

import re
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from apiflask import APIFlask
from sqlalchemy import delete, func, select, update

from app.messages.channels import Inbox, Letter, NotSent
from app.messages.smtp import Smtp
from app.register.change.corrections import Correction, Proof, correct_patron
from app.register.messages.outbox import ask_for_message
from app.register.sign_in.confirmation import code_channel
from app.register.sign_in.one_time import NEW_DEVICE, STEP_UP, find_link, use_code
from app.register.store.transaction import db
from app.register.tables.messages import Message, OneTimeSecret
from app.register.tables.patrons import Patron
from app.rules.messages import CARD_FROZEN, CODE_FIRST, CONTACT_CHANGED, NEW_DEVICE_CODE, NEW_PIN, STEP_UP_CODE, WELCOME
from app.rules.people.contact import Contact
from app.web.gate import channels_served
from app.work.clean_up import clean_up, empty_demo_inbox
from app.work.sending import send_one
from tests.conftest import Clock
from tests.doors.visits import CHILD, GUARDIAN
from tests.mail import running_mail_server
from tests.register.interrupting import interrupted
from tests.register.people import as_proven

Ask = Callable[..., int]


@pytest.fixture(autouse=True)
def in_the_register(app: APIFlask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def inbox(app: APIFlask) -> Inbox:
    return app.extensions["post"]


@pytest.fixture
def ask(clock: Clock) -> Ask:
    """Ask for a message to somebody who is reached in this way. Returns the patron's id."""

    def to_send(kind: str, *, of: tuple[str, str] = GUARDIAN, contact: dict | None = None, **more) -> int:
        patron_id = db.session.scalar(select(Patron.id).where(Patron.card_number == of[0]))
        db.session.execute(
            update(Patron).where(Patron.id == patron_id).values(**as_proven(contact or {"language": "nb"}))
        )
        ask_for_message(patron_id=patron_id, kind=kind, now=clock(), **more)
        db.session.commit()
        return patron_id

    return to_send


class RefusingInbox(Inbox):
    """A post that fails in this way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send(self, letter: Letter) -> None:
        raise self._error


class CrashingInbox(Inbox):
    """Sends a message, and then its process crashes."""

    def send(self, letter: Letter) -> None:
        super().send(letter)
        raise KeyboardInterrupt


def test_a_message_is_in_the_patrons_language_and_sent_once(inbox, ask):
    ask(CARD_FROZEN, contact={"language": "en"})
    assert send_one()
    (letter,) = inbox.read()
    assert (letter.channel, letter.to) == ("email", "guardian@example.org")
    assert letter.subject == "Your card is frozen"
    assert not send_one()


@pytest.mark.parametrize("kind", [NEW_PIN, WELCOME])
def test_a_link_in_a_message_opens_for_an_hour(inbox, ask, clock, kind):
    patron_id = ask(kind)
    send_one()
    (token,) = re.findall(r"^https://card\.example\.org/new-pin/(\S+)$", inbox.read()[0].body, re.M)
    assert find_link(token=token, now=clock.turn(seconds=3599)) == patron_id
    assert find_link(token=token, now=clock.turn(seconds=1)) is None


def test_a_link_in_a_letter_opens_for_fourteen_days(inbox, ask, clock):
    patron_id = ask(NEW_PIN, of=CHILD, contact={"preferred_contact": "letter"})
    send_one()
    (letter,) = inbox.read()
    assert letter.channel == "letter"
    (token,) = re.findall(r"/new-pin/(\S+)$", letter.body, re.M)
    clock.turn(days=14)
    assert find_link(token=token, now=clock.turn(seconds=-1)) == patron_id
    assert find_link(token=token, now=clock.turn(seconds=1)) is None


@pytest.mark.parametrize(
    ("kind", "purpose"), [(NEW_DEVICE_CODE, NEW_DEVICE), (CODE_FIRST, NEW_DEVICE), (STEP_UP_CODE, STEP_UP)]
)
def test_the_code_in_a_message_is_the_one_that_is_good(inbox, ask, clock, kind, purpose):
    patron_id = ask(kind)
    send_one()
    (code,) = re.findall(r"^\d{6}$", inbox.read()[0].body, re.M)
    use_code(patron_id=patron_id, purpose=purpose, code=code, address="192.0.2.1", now=clock())


def test_what_tells_of_a_change_also_goes_to_the_address_of_before(inbox, ask):
    ask(CONTACT_CHANGED, contact={"email": "new@example.org"}, channel="email", to="before@example.org")
    send_one()
    assert [letter.to for letter in inbox.read()] == ["before@example.org"]


def test_a_message_whose_worker_died_between_sending_and_noting_it_is_sent_again(app, inbox, ask, clock, tmp_path):
    ask(CARD_FROZEN)
    app.extensions["post"] = CrashingInbox(tmp_path / "inbox")
    with pytest.raises(KeyboardInterrupt):
        send_one()
    db.session.rollback()
    app.extensions["post"] = inbox
    assert len(inbox.read()) == 1
    assert not send_one()
    clock.turn(seconds=300)
    assert send_one()
    assert len(inbox.read()) == 2
    clock.turn(days=1)
    assert not send_one()


def test_of_two_messages_with_a_link_the_later_one_opens(inbox, ask, clock):
    patron_id = ask(NEW_PIN)
    ask(NEW_PIN)
    send_one()
    clock.turn(seconds=1)
    send_one()
    later, earlier = (re.search(r"/new-pin/(\S+)", letter.body)[1] for letter in inbox.read())
    assert find_link(token=later, now=clock()) == patron_id
    assert find_link(token=earlier, now=clock()) is None


@pytest.mark.parametrize("error", [NotSent("SMTPServerDisconnected"), RuntimeError("guardian@example.org 123456")])
def test_a_message_that_fails_in_whatever_way_waits_holds_up_nobody_and_leaves_nothing_in_the_log(
    app, inbox, ask, clock, capsys, error
):
    ask(NEW_PIN)
    app.extensions["post"] = RefusingInbox(error)
    assert send_one()
    app.extensions["post"] = inbox
    ask(CARD_FROZEN)
    assert send_one()
    assert len(inbox.read()) == 1
    logged = capsys.readouterr().out
    assert "message not sent" in logged
    assert "example.org" not in logged
    assert "Ingrid" not in logged
    assert not re.search(r"\b\d{6}\b|new-pin/", logged)
    clock.turn(seconds=120)
    assert send_one()
    assert len(inbox.read()) == 2


def test_a_name_of_the_internet_with_norwegian_letters_is_written_so_that_every_mail_server_takes_it(clock):
    letter = Letter("email", to="kari@blåbær.no", subject="Lånekort", body="Hei", at=clock())
    with running_mail_server() as mail:
        Smtp(mail.url, "kort@example.org").send(letter)
        assert [message["To"] for message in mail.received] == ["kari@xn--blbr-roah.no"]


def test_a_kind_that_has_no_words_holds_up_nobody(inbox, ask):
    ask("no-such-kind")
    ask(CARD_FROZEN)
    assert send_one()
    assert send_one()
    assert len(inbox.read()) == 1


def test_a_letter_is_left_to_the_desk_when_it_is_shown_in_the_demonstration(inbox, ask):
    ask(CARD_FROZEN, contact={"preferred_contact": "letter"})
    send_one()
    waiting = db.session.scalars(select(Message)).one()
    assert (waiting.channel, waiting.due_at, waiting.sent_at) == ("letter", None, None)
    assert len(inbox.read()) == 1


@pytest.mark.parametrize(
    ("contact", "answer"),
    [
        ({"email": "a@example.org", "phone": None}, True),
        ({"email": None, "phone": "+4790000000"}, True),
        ({"email": None, "phone": None}, False),
    ],
)
def test_a_code_can_be_sent_where_an_address_is_served_by_a_machine(ask, contact, answer):
    patron_id = ask(CARD_FROZEN, contact=contact)
    assert (code_channel(patron_id=patron_id, channels=channels_served()) is not None) == answer


def test_no_code_can_be_sent_to_a_telephone_where_no_machine_sends_text_messages(app, ask, tmp_path):
    class EmailOnly(Inbox):
        channels = ("email",)

    patron_id = ask(CARD_FROZEN, contact={"email": None, "phone": "+4790000000"})
    app.extensions["post"] = EmailOnly(tmp_path)
    assert code_channel(patron_id=patron_id, channels=channels_served()) is None


@pytest.mark.parametrize("throw_away", [lambda: empty_demo_inbox(), lambda: clean_up(rewrite=False)])
def test_the_demonstration_shows_a_message_for_a_day_and_keeps_no_file_of_it(inbox, ask, clock, tmp_path, throw_away):
    ask(CARD_FROZEN)
    send_one()
    clock.turn(seconds=24 * 3600 - 1)
    throw_away()
    assert len(inbox.read()) == 1
    clock.turn(seconds=1)
    ask(CARD_FROZEN)
    send_one()
    throw_away()
    assert [letter.at for letter in inbox.read()] == [clock()]
    assert len(list((tmp_path / "inbox").iterdir())) == 1


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", [NEW_PIN, STEP_UP_CODE])
def test_nothing_good_goes_to_an_address_that_is_changed_while_it_is_sent(app, inbox, ask, clock, kind):
    def move() -> None:
        with app.app_context():
            changes = Correction(contact=Contact(email=to, preferred_contact="email"))
            correct_patron(patron_id=patron_id, changes=changes, proof=Proof.CHANGED, now=clock())
            db.session.commit()

    for moment in count():
        to = f"home{moment}@example.org"
        patron_id = ask(kind)
        inbox.throw_away(until=clock())
        with interrupted(db.engine, before=moment, by=move) as acted:
            send_one()
        if not acted:
            break
        if db.session.scalar(select(func.count()).select_from(OneTimeSecret)):
            assert [letter.to for letter in inbox.read()] == [to]
        db.session.execute(delete(Message))
        db.session.execute(delete(OneTimeSecret))
        db.session.commit()
    assert moment > 2, "there were moments between statements"
