"""A library's system that is dead, dumb or deaf: the kiosk has an answer in time, and goes on when it is back."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.doors.visits import GUARDIAN
from tests.ports import own_port
from tests.sip2.conftest import BY_ADDRESS, OpenGateway, port_of
from tests.sip2.kiosks import STATUS, raw_kiosk
from tests.sip2.systems import DATE, ILS_PASSWORD, ILS_USER, Library, lending, recording, summed

QUESTIONS = {
    b"99": STATUS,
    b"23": b"23001" + DATE + b"AOULLE|AAN000100001|AC|AD|",
    b"11": b"11NN" + DATE + DATE + b"AOULLE|AAN000100001|ABbok-1|AC|",
    b"09": b"09N" + DATE + DATE + b"APlobby|AOULLE|ABbok-1|AC|",
    b"17": b"17" + DATE + b"AOULLE|ABbok-1|AC|",
    b"19": b"19" + DATE + b"AOULLE|ABbok-1|CH|AC|",
    b"35": b"35" + DATE + b"AOULLE|AAN000100001|AC|",
}
BEGINNINGS = {
    b"99": b"98NNNNNN000003",
    b"23": b"24YYYY",
    b"11": b"120NUN",
    b"09": b"100NUN",
    b"17": b"18010001",
    b"19": b"200",
    b"35": b"36N",
}
SORRY = b"The library's system does not answer. Try again soon, or ask at the desk."


@pytest.mark.parametrize("code", QUESTIONS)
def test_every_question_to_a_dead_system_is_answered(open_gateway: OpenGateway, code: bytes) -> None:
    port = port_of(open_gateway(own_port(), kiosks_by_address=BY_ADDRESS, language="en"))
    with raw_kiosk(port) as kiosk:
        for _ in range(3):
            answer = kiosk.ask(QUESTIONS[code])
            assert answer.content.startswith(BEGINNINGS[code])
            assert answer.value(b"AF") == SORRY


def test_a_sign_on_while_the_system_is_dead_is_answered_no(open_gateway: OpenGateway) -> None:
    with raw_kiosk(port_of(open_gateway(own_port()))) as kiosk:
        assert kiosk.sign_on() == b"940"


def test_a_system_that_says_nothing_is_given_so_long_and_no_longer(open_gateway: OpenGateway) -> None:
    with recording(lambda _message: b"") as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS, language="en", seconds=2))
        with raw_kiosk(port) as kiosk:
            assert kiosk.ask(QUESTIONS[b"23"]).value(b"AF") == SORRY
        assert system.received.startswith(b"23001")


def test_a_system_that_hangs_up_in_the_middle_of_an_answer_is_not_waited_for(open_gateway: OpenGateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut_short() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(b"24      ")

        thread = threading.Thread(target=cut_short)
        thread.start()
        port = port_of(open_gateway(server.getsockname()[1], kiosks_by_address=BY_ADDRESS, language="en"))
        with raw_kiosk(port) as kiosk:
            assert kiosk.ask(QUESTIONS[b"23"]).value(b"AF") == SORRY
        thread.join()


def test_when_the_system_is_back_the_kiosk_is_signed_on_again_by_itself(
    open_gateway: OpenGateway, show_code: Callable[[], str]
) -> None:
    ils_port = own_port()

    def answer(message: bytes) -> bytes:
        sequence = int(message[-7:-6])
        return summed(b"941" if message.startswith(b"93") else b"24" + b" " * 14 + b"000" + DATE + b"BLY|", sequence)

    login = {"ils_user": ILS_USER.encode(), "ils_password": ILS_PASSWORD.encode()}
    with raw_kiosk(port_of(open_gateway(ils_port, language="en", **login))) as kiosk:
        with recording(answer, port=ils_port) as system:
            assert kiosk.sign_on() == b"941"
            assert kiosk.status("N000100001").value(b"BL") == b"Y"
            assert [line.count(b"93") for line in system.lines] == [1]
        code = show_code()
        assert kiosk.status(code).value(b"AF") == SORRY
        with recording(answer, port=ils_port) as system:
            until = time.monotonic() + 30
            while kiosk.status(code).value(b"BL") != b"Y":
                assert time.monotonic() < until
            assert system.received.startswith(b"9300CNlibrary|CO")
            assert GUARDIAN[0].encode() in system.received


def test_a_kiosk_that_sends_no_sign_on_is_signed_on_with_the_librarys_login(open_gateway: OpenGateway) -> None:
    library = Library()
    with lending(library) as ils_port:
        login = {"ils_user": ILS_USER.encode(), "ils_password": ILS_PASSWORD.encode()}
        port = port_of(open_gateway(ils_port, kiosks_by_address=BY_ADDRESS, **login))
        with raw_kiosk(port) as kiosk:
            assert kiosk.status("N000100001").value(b"BL") == b"Y"
    assert library.logins == [(ILS_USER, ILS_PASSWORD)]
