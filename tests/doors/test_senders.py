"""Nothing that is sent holds up what is more urgent, another channel or another duty, whatever a server does."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import func, insert, select, update

from app.messages import sms as sms_module
from app.messages import smtp as smtp_module
from app.messages.channels import Channels, Inbox, Letter, NotSent
from app.messages.sms import Sms
from app.messages.smtp import Smtp
from app.register.messages.outbox import ask_for_message
from app.register.store.transaction import db
from app.register.tables.messages import Message
from app.register.tables.patrons import Patron
from app.rules.messages import CARD_FROZEN, STEP_UP_CODE, Urgency
from app.work.senders import BULK_A_MINUTE, SenderPool, Senders
from app.work.sending import send_one
from app.work.worker import work
from tests.conftest import Clock
from tests.doors.visits import CHILD, GUARDIAN
from tests.mail import MailServer, running_mail_server, unhelpful_server

PATIENCE = 60
SENDER = "kort@example.org"
LETTER = Letter("email", to="kari@example.org", subject="S", body="B", at=Clock()())


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what other threads do; nothing is claimed of how long it takes."""
    ends = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends, "it never came to be"
        time.sleep(0.02)


def find(card_number: str) -> int:
    found = db.session.scalar(select(Patron.id).where(Patron.card_number == card_number))
    assert found is not None
    return found


def ask(app: APIFlask, kind: str, *, of: tuple[str, str] = GUARDIAN, times: int = 1) -> None:
    with app.app_context():
        for _time in range(times):
            ask_for_message(patron_id=find(of[0]), kind=kind, now=app.config["CLOCK"]())
        db.session.commit()


def ask_for_bulk(app: APIFlask, count: int) -> None:
    with app.app_context():
        now = app.config["CLOCK"]()
        row = {"patron_id": find(GUARDIAN[0]), "kind": CARD_FROZEN, "urgency": Urgency.BULK, "queue": "email"}
        db.session.execute(insert(Message), [row | {"asked_at": now, "due_at": now, "attempts": 0}] * count)
        db.session.commit()


def is_code(message: object) -> bool:
    return "bekrefter" in str(message)


@contextmanager
def working(app: APIFlask) -> Iterator[None]:
    """Let the worker do its duties meanwhile."""
    going_on = True
    thread = threading.Thread(target=lambda: work(app, go_on=lambda: going_on))
    thread.start()
    try:
        yield
    finally:
        going_on = False
        thread.join()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_codes_are_sent_while_thousands_of_others_wait_and_one_of_them_hangs(app: APIFlask, mail: MailServer) -> None:
    app.extensions["post"] = Channels({"email": Smtp(mail.url, SENDER)})
    ask_for_bulk(app, 2071)
    go_on, held = threading.Event(), threading.Event()

    def hold_the_bulk(message: object) -> None:
        if not is_code(message):
            held.set()
            go_on.wait(PATIENCE)

    mail.before_taking = hold_the_bulk
    with Senders(app):
        try:
            assert held.wait(PATIENCE)
            ask(app, STEP_UP_CODE, times=20)
            wait_until(lambda: len(mail.received) == 20)
            assert all(map(is_code, mail.received))
        finally:
            go_on.set()


def test_of_all_that_waits_one_worker_sends_the_code_first(app: APIFlask, mail: MailServer) -> None:
    app.extensions["post"] = Channels({"email": Smtp(mail.url, SENDER)})
    ask_for_bulk(app, 20)
    ask(app, CARD_FROZEN)
    app.config["CLOCK"].turn(seconds=60)
    ask(app, STEP_UP_CODE)
    with app.app_context():
        while send_one():
            pass
    assert [is_code(message) for message in mail.received] == [True] + [False] * 21


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_several_workers_send_each_message_once(app: APIFlask, mail: MailServer) -> None:
    app.extensions["post"] = Channels({"email": Smtp(mail.url, SENDER)})
    ask(app, CARD_FROZEN, times=30)
    ask(app, CARD_FROZEN, of=("N000100003", ""), times=30)
    with Senders(app), Senders(app), Senders(app):
        wait_until(lambda: len(mail.received) >= 60)
    assert Counter(message["To"] for message in mail.received) == {"guardian@example.org": 30, "teen@example.org": 30}
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Message.sent_at.is_(None))) == 0


def test_bulk_leaves_at_a_pace_and_notices_do_not_wait_for_it(app: APIFlask) -> None:
    seconds = [1000.0]
    ask_for_bulk(app, 10)
    sender_pool = SenderPool("email", Urgency.NOTICE, Urgency.BULK, at_once=1, ticks=lambda: seconds[0])
    with app.app_context():
        assert sender_pool.take() is not None
        assert sender_pool.take() is None
        ask(app, CARD_FROZEN)
        assert sender_pool.take() is not None
        assert sender_pool.take() is None
        seconds[0] += 60 / BULK_A_MINUTE
        assert sender_pool.take() is not None
        assert sender_pool.take() is None


def test_a_mail_server_that_never_speaks_holds_up_no_erasure_and_no_code_by_sms(
    app: APIFlask, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("LONGEST_SECONDS", "SILENCE_SECONDS"):
        monkeypatch.setattr(smtp_module, limit, 24 * 3600)
    phone = Inbox(tmp_path / "sms")
    with unhelpful_server() as server:
        app.extensions["post"] = Channels({"email": Smtp(f"smtp://127.0.0.1:{server.port}", SENDER), "sms": phone})
        ask(app, STEP_UP_CODE, times=20)
        ask_for_bulk(app, 20)
        with app.app_context():
            now = app.config["CLOCK"]()
            reach = {"preferred_contact": "sms", "phone": "+4790000000", "proven_phone": "+4790000000"}
            db.session.execute(update(Patron).where(Patron.card_number == "N000100003").values(**reach))
            dead = {"erase_at": now - timedelta(days=1), "erase_reason": "death"}
            db.session.execute(update(Patron).where(Patron.card_number == CHILD[0]).values(**dead))
            db.session.commit()

        def is_erased() -> bool:
            with app.app_context():
                gone = db.session.scalar(select(Patron.id).where(Patron.card_number == CHILD[0])) is None
                db.session.rollback()
                return gone

        with working(app):
            try:
                wait_until(lambda: len(server.visitors) > 8)
                ask(app, STEP_UP_CODE, of=("N000100003", ""))
                wait_until(is_erased)
                wait_until(lambda: len(phone.read()) == 1)
            finally:
                server.close()


ENDLESS = b"220-" + b"a" * 1_000_000


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("says", [b"", ENDLESS, b"\x16\x03\x03\x40\x00" + b"\x00" * 1_000_000])
def test_a_server_that_says_little_at_a_time_is_left_in_the_end(
    monkeypatch: pytest.MonkeyPatch, scheme: str, says: bytes
) -> None:
    monkeypatch.setattr(smtp_module, "LONGEST_SECONDS", 0.5)
    monkeypatch.setattr(smtp_module, "SILENCE_SECONDS", 24 * 3600)
    with unhelpful_server(says) as server, pytest.raises(NotSent):
        Smtp(f"{scheme}://127.0.0.1:{server.port}", SENDER).send(LETTER)


def test_a_server_that_hangs_after_the_mail_is_left_and_the_mail_is_tried_again(
    app: APIFlask, mail: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_module, "LONGEST_SECONDS", 0.5)
    monkeypatch.setattr(smtp_module, "SILENCE_SECONDS", 24 * 3600)
    app.extensions["post"] = Channels({"email": Smtp(mail.url, SENDER)})
    over = threading.Event()
    mail.before_taking = lambda _message: over.wait(PATIENCE)
    ask(app, STEP_UP_CODE)
    with app.app_context():
        assert send_one()
        over.set()
        mail.before_taking = lambda _message: None
        assert not send_one()
        clock.turn(seconds=20)
        assert send_one()
        assert db.session.scalar(select(Message.sent_at)) == clock()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000])
def test_an_sms_provider_that_hangs_is_left_in_the_end(monkeypatch: pytest.MonkeyPatch, says: bytes) -> None:
    monkeypatch.setattr(sms_module, "LONGEST_SECONDS", 0.5)
    letter = Letter("sms", to="+4790000000", subject="", body="B", at=Clock()())
    with unhelpful_server(says) as server, pytest.raises(NotSent):
        Sms(f"json://127.0.0.1:{server.port}/{{to}}").send(letter)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_sms_provider_that_holds_every_line_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_module, "LONGEST_SECONDS", 0.1)
    monkeypatch.setattr(sms_module, "MOST_AT_ONCE", 2)
    letter = Letter("sms", to="+4790000000", subject="", body="B", at=Clock()())
    with unhelpful_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000) as server:
        provider = Sms(f"json://127.0.0.1:{server.port}/{{to}}")
        for _try in range(3):
            with pytest.raises(NotSent) as raised:
                provider.send(letter)
        assert str(raised.value) == "every connection to the provider hangs"
        wait_until(lambda: len(server.visitors) == 2)
