"""Library letters against registers and mail servers that are busy, strict or gone."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from circulation.notices import Post, Sent, send_notices
from circulation.settings import SettingsError
from circulation.tables import Notice
from tests.circulation.conftest import NOON, Building, circulation_template  # noqa: F401 - a fixture
from tests.conftest import Clock

CARDS = [f"N{number:09}" for number in range(300000001, 300000013)]


class Register(ThreadingHTTPServer):
    """Answers `budget` times, then 429 with `headers`, until somebody waits. `email` gives a card's address."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.budget, self.limit, self.status = 1000, 1000, 429
        self.headers: dict[str, str] = {}
        self.email: Callable[[str], str | None] = lambda card: f"{card}@example.org"


class _Answers(BaseHTTPRequestHandler):
    server: Register

    def do_GET(self) -> None:
        if self.server.budget == 0:
            self.send_response_only(self.server.status)
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            return
        self.server.budget -= 1
        self.send_response(200)
        self.end_headers()
        email = self.server.email(self.path.rpartition("/")[2])
        self.wfile.write((f'{{"email": "{email}"}}' if email else '{"email": null}').encode())

    def log_message(self, *_: object) -> None:
        pass


class MailServer(ThreadingTCPServer):
    """Seven bits only: no 8BITMIME and no SMTPUTF8. `answers` replaces the answer to a verb, once for each of them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.received: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.answers: list[tuple[str, str]] = []


class _Dialogue(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mail.example.org ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].decode("ascii").upper().strip()
            for wanted, answer in self.server.answers:
                if wanted == verb:
                    self.server.answers.remove((wanted, answer))
                    self._say(answer)
                    break
            else:
                self._answer(verb)
            if verb == "QUIT":
                return

    def _answer(self, verb: str) -> None:
        if verb == "DATA":
            self._say("354 go on")
            raw = b"".join(iter(self.rfile.readline, b".\r\n"))
            self.server.raw.append(raw)
            message = message_from_bytes(raw, policy=default)
            assert isinstance(message, EmailMessage)
            self.server.received.append(message)
        self._say("250-mail.example.org\r\n250 SIZE 10000000" if verb == "EHLO" else "250 OK")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mull(tmp_path: Path, circulation_template: Path) -> Iterator[Building]:  # noqa: F811
    shutil.copyfile(circulation_template, tmp_path / "mull.sqlite")
    building = Building(f"sqlite:///{tmp_path / 'mull.sqlite'}", Clock(NOON))
    yield building
    building.database.close()


@pytest.fixture
def register() -> Iterator[Register]:
    with Register() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def environment(register: Register, mail: MailServer, **changes: str) -> dict[str, str]:
    return {
        "CIRCULATION_REGISTER_URL": f"http://127.0.0.1:{register.server_address[1]}",
        "CIRCULATION_REGISTER_USER": "Mull",
        "CIRCULATION_REGISTER_PASSWORD": "a library's own",
        "CIRCULATION_SMTP": f"127.0.0.1:{mail.server_address[1]}",
        "CIRCULATION_MAIL_FROM": "bibliotek@example.org",
        **changes,
    }


@pytest.fixture
def post(register: Register, mail: MailServer) -> Post:
    return Post.from_environment(environment(register, mail))


class Run:
    """One run of `circulation notices send`; a pause fills the register's budget again, after `at_pause`."""

    def __init__(self, mull: Building, register: Register) -> None:
        self.mull, self.register, self.pauses = mull, register, list[float]()
        self.at_pause: Callable[[], object] = lambda: None

    def __call__(self, post: Post) -> Sent:
        return send_notices(
            database=self.mull.database,
            policy=self.mull.policy,
            sender=post.sender,
            address_of=post.address_of,
            send=post.send,
            now=self.mull.clock(),
            wait=self.pause,
        )

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.register.budget = self.register.limit
        self.at_pause()


@pytest.fixture
def run(mull: Building, register: Register) -> Run:
    return Run(mull, register)


def put_in_outbox(mull: Building, *cards: str) -> None:
    day = mull.today()
    with mull.database.writing() as session:
        session.add_all(
            Notice(card_number=card, kind="interlibrary_refused", about_day=day, created_on=day) for card in cards
        )


def date_in(seconds: int) -> str:
    return format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (429, {"Retry-After": "7"}, 7),
        (429, {"Retry-After": " 30 "}, 30),
        (429, {"Retry-After": "0"}, 1),
        (503, {"Retry-After": "2"}, 2),
        (429, {"Retry-After": date_in(90), "Date": date_in(0)}, 90),
        (429, {"Retry-After": date_in(-90), "Date": date_in(0)}, 1),
        (429, {"Retry-After": date_in(90)}, 60),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"Retry-After": "-5"}, 60),
        (429, {"Retry-After": "1.5"}, 60),
        (429, {}, 60),
        (503, {}, 60),
    ],
)
def test_the_registers_pace_is_kept_and_every_letter_goes(
    run: Run, post: Post, register: Register, mail: MailServer, status: int, headers: dict[str, str], pause: float
) -> None:
    put_in_outbox(run.mull, *CARDS)
    register.status, register.headers, register.budget, register.limit = status, headers, 5, 5
    assert run(post) == Sent(len(CARDS), 0, 0)
    assert run.pauses == [pause, pause]
    assert sorted(message["To"] for message in mail.received) == [f"{card}@example.org" for card in CARDS]


@pytest.mark.long
def test_a_longer_pause_than_an_hour_is_left_to_the_next_run_and_nobody_is_left_out_each_time(
    run: Run, post: Post, register: Register, mail: MailServer
) -> None:
    """Most cards have no address, and use the budget up in every run."""
    put_in_outbox(run.mull, *CARDS)
    register.headers, register.email = (
        {"Retry-After": "86400"},
        lambda card: "a@example.org" if card > CARDS[9] else None,
    )
    for _ in range(60):
        register.budget = 5
        run(post)
    assert run.pauses == []
    assert len(mail.received) == 2


def test_a_register_that_never_answers_otherwise_ends_the_run(run: Run, post: Post, register: Register) -> None:
    put_in_outbox(run.mull, *CARDS)
    register.headers, register.budget, register.limit = {"Retry-After": "3"}, 0, 0
    assert run(post) == Sent(0, 0, len(CARDS))
    assert run.pauses == [3.0] * 5


def test_what_came_back_during_a_pause_is_not_written_about(run: Run, post: Post, register: Register) -> None:
    put_in_outbox(run.mull, CARDS[0])
    register.budget, register.headers = 0, {"Retry-After": "60"}

    def return_it() -> None:
        with run.mull.database.writing() as session:
            session.query(Notice).delete()

    run.at_pause = return_it
    assert run(post) == Sent(0, 0, 0)


@pytest.mark.parametrize("gone", ["register", "mail"])
def test_a_neighbour_that_is_gone_is_not_asked_for_every_card(
    run: Run, register: Register, mail: MailServer, gone: str
) -> None:
    changes = {
        "register": {"CIRCULATION_REGISTER_URL": "http://127.0.0.1:9"},
        "mail": {"CIRCULATION_SMTP": "127.0.0.1:9"},
    }
    put_in_outbox(run.mull, *CARDS)
    assert run(Post.from_environment(environment(register, mail, **changes[gone]))) == Sent(0, 0, len(CARDS))
    assert register.budget == (1000 if gone == "register" else 995)


@pytest.mark.parametrize(
    ("answers", "sent", "pauses"),
    [
        ([("MAIL", "421 4.7.0 too many messages")], Sent(12, 0, 0), [60.0]),
        ([("MAIL", "450 4.7.1 slow down")] * 2, Sent(12, 0, 0), [60.0, 60.0]),
        ([("DATA", "451 4.3.0 try again later")], Sent(12, 0, 0), [60.0]),
        ([("EHLO", "421 busy"), ("HELO", "421 busy")], Sent(12, 0, 0), [60.0]),
        ([("RCPT", "550 5.1.1 no such mailbox")], Sent(11, 0, 1), []),
        ([("DATA", "554 5.7.1 spam")], Sent(11, 0, 1), []),
        ([("MAIL", "421 busy")] * 6, Sent(0, 0, 12), [60.0] * 5),
        ([("QUIT", "421 too many messages")], Sent(12, 0, 0), []),
        ([("QUIT", "500 what?")], Sent(12, 0, 0), []),
    ],
)
def test_what_a_mail_server_refuses_is_tried_again_and_the_others_go(
    run: Run, post: Post, mail: MailServer, answers: list[tuple[str, str]], sent: Sent, pauses: list[float]
) -> None:
    put_in_outbox(run.mull, *CARDS)
    mail.answers = list(answers)
    assert run(post) == sent
    assert run.pauses == pauses
    assert len(mail.received) == sent.sent
    waiting = run.mull.column("SELECT count(*) FROM notices WHERE sent_on IS NULL")
    assert waiting == [sent.failed]


@pytest.mark.parametrize(
    ("address", "to"),
    [
        ("kari@blåbær.no", "kari@xn--blbr-roah.no"),
        ("KARI@BLÅBÆR.NO", "KARI@xn--blbr-roah.no"),
        ("anna@mullsjö.example.se", "anna@xn--mullsj-1xa.example.se"),
        ("x@xn--blbr-roah.no", "x@xn--blbr-roah.no"),
        ("o'connor+lib@example.org", "o'connor+lib@example.org"),
        ("bjørn@example.org", None),  # no SMTPUTF8 here
        ("no address", None),
        ("a@example.org, b@example.org", None),
        ("a@example.org\\nBcc: b@example.org", None),
    ],
)
def test_addresses_are_written_as_every_mail_server_takes_them(
    run: Run, post: Post, register: Register, mail: MailServer, address: str, to: str | None
) -> None:
    put_in_outbox(run.mull, CARDS[0])
    register.email = lambda _card: address
    assert run(post) == (Sent(1, 0, 0) if to else Sent(0, 0, 1))
    assert [str(message["To"]) for message in mail.received] == ([to] if to else [])


@pytest.mark.parametrize(
    ("sender", "written"),
    [
        ("bibliotek@example.org", "bibliotek@example.org"),
        ("Mullsjö bibliotek <lån@example.org>", None),
        ("Mullsjö bibliotek <lan@example.org>", "Mullsjö bibliotek <lan@example.org>"),
        ('"Biblioteket, Mullsjö" <lan@blåbær.no>', '"Biblioteket, Mullsjö" <lan@xn--blbr-roah.no>'),
    ],
)
def test_a_letter_has_what_mail_servers_ask_for_in_seven_bits(
    run: Run, register: Register, mail: MailServer, sender: str, written: str | None
) -> None:
    put_in_outbox(run.mull, *CARDS[:2])
    post = Post.from_environment(environment(register, mail, CIRCULATION_MAIL_FROM=sender))
    assert run(post).sent == (2 if written else 0)
    for message, raw in zip(mail.received, mail.raw, strict=True):
        assert str(message["From"]) == written
        assert parsedate_to_datetime(message["Date"]) == NOON
        assert message["Message-ID"].endswith(f"@{str(written).rpartition('@')[2].rstrip('>')}>")
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Content-Transfer-Encoding"] == "quoted-printable"
        assert "Ett fjärrlån som du bad om 2026-03-02 kunde inte ordnas." in message.get_content()
        assert raw.isascii()
        assert max(map(len, raw.splitlines())) <= 78
    assert len({message["Message-ID"] for message in mail.received}) == len(mail.received)


@pytest.mark.parametrize("sender", ["library", "a@", "a@b@c", "Mullsjö <>"])
def test_a_sender_that_is_no_address_is_a_fault_of_the_settings(
    register: Register, mail: MailServer, sender: str
) -> None:
    with pytest.raises(SettingsError, match="CIRCULATION_MAIL_FROM: must be an e-mail address"):
        Post.from_environment(environment(register, mail, CIRCULATION_MAIL_FROM=sender))
