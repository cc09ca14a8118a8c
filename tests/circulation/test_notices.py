"""The library's own letters, through a real register's HTTP and a real mail server's SMTP."""

import email
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from email import policy as email_policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from circulation.lending.reminders import run_reminders
from circulation.notices import Post, Sent, send_notices
from circulation.settings import SettingsError
from tests.circulation.conftest import ANNA, BERIT, Building
from tests.circulation.test_interlibrary import ask, handle

ADDRESSES = {ANNA: "anna@example.org", BERIT: None}
ERASED = "N000288888"


class Register(BaseHTTPRequestHandler):
    """Answers as the register's interface does."""

    def do_GET(self) -> None:
        card_number = self.path.rpartition("/")[2]
        known = card_number in ADDRESSES and self.headers["Authorization"] is not None
        self.send_response(200 if known else 410 if card_number == ERASED else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"card_number": card_number, "email": ADDRESSES.get(card_number)}).encode())

    def log_message(self, *_: object) -> None:
        pass


class MailServer(socketserver.StreamRequestHandler):
    """As much SMTP (RFC 5321) as a relay speaks to one client; letters end in `received`."""

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 ready")
        while command := self.rfile.readline().decode().strip().upper():
            if command == "DATA":
                self.say("354 go on")
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                self.server.received.append(b"".join(lines))  # type: ignore[attr-defined]
            self.say("221 bye" if command == "QUIT" else "250 ok")
            if command == "QUIT":
                return


class Mail(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailServer)
        self.received: list[bytes] = []


@pytest.fixture
def mail() -> Iterator[Mail]:
    with Mail() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def post(mail: Mail) -> Iterator[Post]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Register) as register:
        threading.Thread(target=register.serve_forever, daemon=True).start()
        yield Post.from_environment(
            {
                "CIRCULATION_REGISTER_URL": f"http://127.0.0.1:{register.server_address[1]}/",
                "CIRCULATION_REGISTER_USER": "Mull",
                "CIRCULATION_REGISTER_PASSWORD": "a library's own",
                "CIRCULATION_SMTP": f"127.0.0.1:{mail.server_address[1]}",
                "CIRCULATION_MAIL_FROM": "bibliotek@example.org",
            }
        )
        register.shutdown()


def send(mull: Building, post: Post) -> Sent:
    return send_notices(
        database=mull.database,
        policy=mull.policy,
        sender=post.sender,
        address_of=post.address_of,
        send=post.send,
        now=mull.clock(),
    )


def remind(mull: Building, *cards: str) -> None:
    for number, card_number in enumerate([*cards, ANNA]):
        mull.stock(f"b{number}")
        mull.lend(f"b{number}", to=card_number)
    mull.clock.turn(days=25)
    run_reminders(database=mull.database, policy=mull.policy, now=mull.clock())


def test_a_letter_says_how_many_and_when_and_never_what(
    mull: Building, post: Post, mail: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    remind(mull, ANNA)
    assert send(mull, post) == Sent(1, 0, 0)
    assert send(mull, post) == Sent(0, 0, 0)
    (letter,) = mail.received
    message = email.message_from_bytes(letter, policy=email_policy.default)
    assert message["To"] == "anna@example.org"
    body = message.get_body()
    assert body is not None
    assert "Lån som ska vara tillbaka senast 2026-03-30: 2." in body.get_content()
    assert "Gösta".encode() not in letter
    assert ANNA.encode() not in letter
    assert ANNA not in caplog.text


def test_a_card_without_an_address_keeps_its_notices(mull: Building, post: Post) -> None:
    remind(mull, BERIT, "N000299999", ERASED)
    assert send(mull, post) == Sent(1, 3, 0)
    assert mull.column("SELECT count(*) FROM notices WHERE sent_on IS NULL") == [3]


def test_what_fails_is_tried_again(mull: Building, post: Post, mail: Mail) -> None:
    remind(mull)

    def fail(_: object) -> None:
        raise ConnectionRefusedError

    failed = send_notices(
        database=mull.database,
        policy=mull.policy,
        sender=post.sender,
        address_of=post.address_of,
        send=fail,
        now=mull.clock(),
    )
    assert failed == Sent(0, 0, 1)
    assert send(mull, post) == Sent(1, 0, 0)
    assert len(mail.received) == 1


def test_a_refusal_is_gone_when_it_is_told(mull: Building, post: Post, mail: Mail) -> None:
    handle(mull, ask(mull), "refuse")
    assert send(mull, post) == Sent(1, 0, 0)
    assert mull.rows()["notices"] == []
    assert len(mail.received) == 1


def test_sending_needs_its_settings() -> None:
    with pytest.raises(SettingsError) as caught:
        Post.from_environment({"CIRCULATION_SMTP": "mail", "CIRCULATION_REGISTER_PASSWORD": "change-me"})
    assert len(str(caught.value).splitlines()) == 5
    assert "example" in str(caught.value)
