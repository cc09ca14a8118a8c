# ruff: noqa: F811 - fixtures of another folder
"""What kiosks and libraries' systems really send through the SIP2 gateway, and the right answer to each."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.register.store.transaction import db
from app.rules.sip2 import Framer, Message
from tests.conftest import Clock
from tests.doors.visits import GUARDIAN
from tests.ports import own_port
from tests.sip2.conftest import BY_ADDRESS, OpenGateway, open_gateway, port_of, show_code  # noqa: F401 - fixtures
from tests.sip2.kiosks import KIOSK_1, raw_kiosk
from tests.sip2.systems import DATE, ILS_PASSWORD, ILS_USER, recording, summed

ShowCode = Callable[[], str]

NUMBER = GUARDIAN[0].encode()
LOGIN = {"ils_user": ILS_USER.encode(), "ils_password": ILS_PASSWORD.encode()}
NO_SYSTEM = b"The library's system does not answer. Try again soon, or ask at the desk."
NO_REGISTER = b"The card cannot be checked just now. Try again soon, or ask at the desk."
NOT_SIGNED_ON = b"This machine is not signed on. Tell the staff."
USED = b"This code was used. Wait for the next one."
PATRON = b"AOULLE|AAN000100001|AC|AD|"
ABOUT_PATRONS = {
    b"01": b"01N" + DATE + PATRON + b"ALlost|",
    b"11": b"11NN" + DATE + DATE + PATRON + b"ABbok-1|",
    b"15": b"15+" + DATE + PATRON + b"ABbok-1|",
    b"23": b"23001" + DATE + PATRON,
    b"25": b"25" + DATE + PATRON,
    b"29": b"29NN" + DATE + DATE + PATRON + b"ABbok-1|",
    b"35": b"35" + DATE + PATRON,
    b"37": b"37" + DATE + b"0101NOKBV10.00|" + PATRON,
    b"63": b"63001" + DATE + b" " * 10 + PATRON,
    b"65": b"65" + DATE + PATRON,
}


def status(card: bytes, more: bytes = b"") -> bytes:
    return b"24" + b" " * 14 + b"001" + DATE + b"AOULLE|AA" + card + b"|AEname|BLY|" + more


def echo(message: bytes) -> bytes:
    """Answer a status question about the card in it, and a sign-on with yes."""
    if message.startswith(b"93"):
        return b"941\r"
    if message.startswith(b"35"):
        return b"36Y" + DATE + b"AOULLE|AA" + Message(message).value(b"AA") + b"|\r"
    return status(Message(message).value(b"AA")) + b"\r"


def break_register(app) -> None:
    with app.app_context():
        db.session.execute(db.text("ALTER TABLE credentials RENAME TO credentials_gone"))
        db.session.execute(db.text("ALTER TABLE machines RENAME TO machines_gone"))
        db.session.commit()


@pytest.mark.parametrize("code", ABOUT_PATRONS)
def test_nothing_is_said_of_a_patron_of_whom_nothing_is_known(open_gateway: OpenGateway, code: bytes) -> None:
    silent = port_of(open_gateway(own_port(), kiosks_by_address=BY_ADDRESS, language="en"))
    with raw_kiosk(silent) as kiosk:
        answer = kiosk.ask(ABOUT_PATRONS[code])
        assert answer.value(b"AF") == NO_SYSTEM
        assert {b"BL", b"CQ"}.isdisjoint(dict(answer.fields))


@pytest.mark.parametrize(
    ("system_answers", "password", "register_works", "sentence"),
    [
        pytest.param(None, "demo-kiosk", True, NO_SYSTEM, id="right password, system down"),
        pytest.param(echo, "wrong", True, NOT_SIGNED_ON, id="wrong password"),
        pytest.param(None, "wrong", True, NOT_SIGNED_ON, id="wrong password, system down"),
        pytest.param(lambda _message: b"940\r", "demo-kiosk", True, NOT_SIGNED_ON, id="the system refuses"),
        pytest.param(echo, "demo-kiosk", False, NO_REGISTER, id="no register"),
    ],
)
def test_the_sentence_names_why_a_kiosk_is_not_signed_on(
    open_gateway: OpenGateway, app, system_answers, password: str, register_works: bool, sentence: bytes
) -> None:
    with recording(system_answers) as system:
        ils_port = system.port if system_answers else own_port()
        port = port_of(open_gateway(ils_port, language="en"))
        if not register_works:
            break_register(app)
        with raw_kiosk(port, sums=False) as kiosk:
            assert kiosk.sign_on(KIOSK_1, password) == b"940"
            answer = kiosk.status("N000100001", language=b"001")
            assert answer.value(b"AF") == sentence
            assert {b"BL", b"CQ"}.isdisjoint(dict(answer.fields))


def test_a_system_that_refuses_the_librarys_login_is_not_said_to_be_silent(open_gateway: OpenGateway) -> None:
    with recording(lambda _message: b"940\r") as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS, **LOGIN))
        with raw_kiosk(port, sums=False) as kiosk:
            for _ in range(2):
                assert kiosk.status("N000100001", language=b"001").value(b"AF") == NOT_SIGNED_ON


def test_a_register_that_is_away_says_nothing_of_the_patron(
    open_gateway: OpenGateway, show_code: ShowCode, app
) -> None:
    with recording(echo) as system:
        code = show_code()
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        break_register(app)
        with raw_kiosk(port) as kiosk:
            answer = kiosk.status(code, language=b"001")
            assert answer.value(b"AF") == NO_REGISTER
            assert {b"BL", b"CQ"}.isdisjoint(dict(answer.fields))


@pytest.mark.parametrize("kiosk_end", [b"\r", b"\r\n", b"\n"])
@pytest.mark.parametrize("system_end", [b"\r", b"\r\n", b"\n"])
def test_own_answers_end_as_the_systems_last_one_did(
    open_gateway: OpenGateway, kiosk_end: bytes, system_end: bytes
) -> None:
    refused = f"AOULLE|AA{'921' + '0' * 21}|AC|AD|".encode()
    with recording(lambda message: echo(message)[:-1] + system_end) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, end=kiosk_end, sums=False) as kiosk:
            for end in (b"\r", system_end):
                kiosk.send(b"23001" + DATE + refused + kiosk_end)
                answer = b""
                while not answer.endswith(b"|" + end):
                    answer += kiosk.line.recv(1)
                kiosk.send(b"23001" + DATE + PATRON + kiosk_end)
                assert kiosk.read().endswith(b"BLY|" + system_end)


@contextmanager
def answering(*parts: bytes) -> Iterator[int]:
    """A system that answers each message with these parts, each in a segment of its own. Gives the port."""

    def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            ports.append(server.getsockname()[1])
            ready.set()
            line, _ = server.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with line:
                while line.recv(4096):
                    for part in parts:
                        line.sendall(part)
                        time.sleep(0.05)

    ports: list[int] = []
    ready = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    yield ports[0]
    thread.join()


def test_a_line_feed_in_a_later_segment_belongs_to_the_end(open_gateway: OpenGateway) -> None:
    with answering(status(b"N000100001") + b"\r", b"\n") as ils_port:
        port = port_of(open_gateway(ils_port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            kiosk.send(b"23001" + DATE + PATRON + b"\r")
            assert kiosk.read_exactly(len(status(b"N000100001")) + 2).endswith(b"|\r\n")
            kiosk.send(b"23001" + DATE + b"AOULLE|AA" + b"921" + b"0" * 21 + b"|\r")
            assert kiosk.read().endswith(b"|\r\n")


@pytest.mark.parametrize("between", ["end of session", "another card", "the next code"])
def test_a_code_is_used_up_when_its_session_ends(
    open_gateway: OpenGateway, show_code: ShowCode, clock: Clock, between: str
) -> None:
    with recording(echo) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            code = show_code()
            assert kiosk.status(code).value(b"BL") == b"Y"
            if between == "end of session":
                assert kiosk.end_session(code).value(b"AA") == code.encode()
            elif between == "another card":
                assert kiosk.status("N000100005").value(b"BL") == b"Y"
            else:
                clock.turn(seconds=30)
                assert kiosk.status(show_code()).value(b"BL") == b"Y"
            for seconds in (0, 20, 15):
                clock.turn(seconds=seconds)
                refused = kiosk.status(code, language=b"001")
                assert (refused.value(b"BL"), refused.value(b"AF")) == (b"N", USED)
            clock.turn(seconds=30)
            assert kiosk.status(show_code()).value(b"BL") == b"Y"


def test_a_code_is_used_up_for_a_kiosk_that_connects_anew(open_gateway: OpenGateway, show_code: ShowCode) -> None:
    with recording(echo) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        code = show_code()
        with raw_kiosk(port, sums=False) as kiosk:
            kiosk.end_session(code)
        with raw_kiosk(port, sums=False) as kiosk:
            assert kiosk.status(code, language=b"001").value(b"AF") == USED


def test_a_hang_up_refuses_no_other_kiosk(open_gateway: OpenGateway) -> None:
    def answer(message: bytes) -> bytes:
        if b"ABhang-up|" in message:
            raise ConnectionResetError
        return echo(message)

    with recording(answer) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as first, raw_kiosk(port, sums=False) as second:
            for _ in range(5):
                first.lend("N000100001", "hang-up")
                assert second.status("N000100001").value(b"BL") == b"Y"
                assert first.status("N000100001").value(b"BL") == b"Y"


@pytest.mark.parametrize("reached", [False, True])
def test_a_system_that_is_not_reached_or_too_slow_is_left_alone_for_a_while(
    open_gateway: OpenGateway, reached: bool
) -> None:
    with recording(lambda _message: b"") as system:
        gateway = open_gateway(system.port if reached else own_port(), kiosks_by_address=BY_ADDRESS, seconds=1)
        with raw_kiosk(port_of(gateway), sums=False) as kiosk:
            kiosk.status("N000100001")
            assert not gateway.stations[0].pause.is_over


@pytest.mark.parametrize("before", [b"\x00", b"\x02", b"\xef\xbb\xbf", b" ", b"\t ", b"\xef\xbb\xbf\x02", b"\x00\x00 "])
@pytest.mark.parametrize("sums", [True, False])
def test_what_comes_before_a_message_is_no_part_of_it(
    open_gateway: OpenGateway, show_code: ShowCode, before: bytes, sums: bool
) -> None:
    def answer(message: bytes) -> bytes:
        answered = b"941" if message.startswith(b"93") else status(Message(message).value(b"AA"))
        return before + (summed(answered, int(Message(message).sequence)) if sums else answered + b"\r")

    with recording(answer) as system:
        port = port_of(open_gateway(system.port, **LOGIN))
        with raw_kiosk(port, sums=sums) as kiosk:
            kiosk.send(before + kiosk.write(f"9300CN{KIOSK_1}|COdemo-kiosk|CPlobby|".encode()))
            assert kiosk.read().startswith(before + b"941")
            code = show_code().encode()
            kiosk.send(before + kiosk.write(b"23001" + DATE + b"AOULLE|AA" + code + b"|AC|AD|"))
            answered = Message(kiosk.read().lstrip(before).rstrip(b"\r"))
            assert (answered.value(b"AA"), answered.is_whole) == (code, True)
        assert b"|AA" + NUMBER + b"|" in system.received
        assert not [message for message in system.received.split(b"\r") if message.startswith(before)]


BROKEN = [
    b"AFfirst\nsecond|",
    b"BDStorgata 5\n2050 Jessheim|",
    b"AF\nsecond|",
    b"AFfirst\n|",
    b"|\nAFx|",
    b"AFa\n\n23|",
]


@pytest.mark.parametrize("field", BROKEN)
@pytest.mark.parametrize("sums", [True, False])
def test_a_line_feed_within_a_field_ends_no_message(
    open_gateway: OpenGateway, show_code: ShowCode, field: bytes, sums: bool
) -> None:
    """Neither is the code left out of the answer, nor taken for the next answer what is behind the line feed."""

    def answer(message: bytes) -> bytes:
        answered = status(Message(message).value(b"AA"), field)
        return summed(answered, int(Message(message).sequence)) if sums else answered + b"\r"

    with recording(answer) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=sums) as kiosk:
            for card in (show_code(), "N000100005", "N000100002"):
                kiosk.send(kiosk.write(b"23001" + DATE + f"AOULLE|AA{card}|AC|AD|".encode()))
                answered = b""
                while not answered.endswith(b"\r"):
                    answered += kiosk.line.recv(4096)
                message = Message(answered[:-1])
                assert (message.value(b"AA"), message.is_whole, field in answered) == (card.encode(), True, True)


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n"])
@pytest.mark.parametrize("content", [status(b"1"), status(b"1") + b"AY1AZ0000", b"941", b"98YYYYYY100003", b"24hello"])
def test_messages_of_a_system_that_ends_by_line_feed_are_still_told_apart(content: bytes, end: bytes) -> None:
    framer = Framer(limit=1000, fields_may_break=True)
    frames = framer.feed(content + end)
    assert [(frame.content, frame.end) for frame in frames] == [(content, end)]
    if content != b"24hello":
        assert [frame.content for frame in framer.feed((content + end) * 2)] == [content] * 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b" ", b""),
        (b"", b" "),
        (b"", b"\t"),
        (b"\x02", b"\x03"),
        (b"\xef\xbb\xbf", b""),
        (b"\xc2\xa0", b""),
        (b"", b"\xa0"),
        (b"]Q1", b""),
        (b"]C1", b" "),
        (b" ]Q3", b""),
        (b"]d2", b"\x1d"),
        ("\u200e".encode(), "\u200b\u2028".encode()),
    ],
)
def test_a_code_is_found_in_what_a_scanner_adds_to_it(
    open_gateway: OpenGateway, show_code: ShowCode, before: bytes, after: bytes
) -> None:
    with recording(echo) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            code = show_code().encode()
            spaced = code[:4] + b" " + code[4:]
            foreign = "".join(chr(0x660 + int(digit)) for digit in code.decode()).encode()
            for scanned in (before + code + after, before + spaced + after, code, foreign):
                kiosk.send(b"23001" + DATE + b"AOULLE|AA" + scanned + b"|AC|AD|\r")
                # It is echoed as it was scanned, and all are the same session.
                assert Message(kiosk.read().rstrip(b"\r")).value(b"AA") == scanned
        assert system.received.count(b"|AA" + NUMBER + b"|") == 4
        assert code not in system.received


@pytest.mark.parametrize("card", [b"N000100001 ", b"]C121234000123456", b"921123", b"978921123456789012294287082"])
def test_any_other_card_is_passed_on_as_it_was_scanned(open_gateway: OpenGateway, card: bytes) -> None:
    with recording(echo) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            kiosk.send(b"23001" + DATE + b"AOULLE|AA" + card + b"|AC|AD|\r")
            kiosk.read()
        assert b"|AA" + card + b"|" in system.received
