"""What has no card's code in it goes through byte for byte, in both directions."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rules.sip2 import FIXED_LENGTHS, Message, checksum
from tests.doors.visits import GUARDIAN
from tests.sip2.conftest import BY_ADDRESS, OpenGateway, port_of
from tests.sip2.kiosks import STATUS, raw_kiosk
from tests.sip2.systems import DATE, recording, summed

LETTERS = "Ærøskøbing på Åland"

codes = st.sampled_from(sorted(FIXED_LENGTHS)) | st.integers(0, 99).map(lambda number: b"%02d" % number)
texts = st.binary(max_size=120) | st.text("AYZBCDOF|0192 NÆØÅæøå", max_size=120).map(lambda text: text.encode("cp850"))
contents = st.builds(bytes.__add__, codes, texts).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
asked = contents.filter(lambda raw: not Message(raw).card_code())
ends = st.sampled_from([b"\r", b"\r\n", b"\n"])


@settings(max_examples=150)
@given(data=st.data())
def _converse(data: st.DataObject, kiosk, system) -> None:
    questions = data.draw(st.lists(st.tuples(asked, ends), min_size=1, max_size=4))
    answers = [data.draw(st.tuples(contents, ends)) for _ in questions]
    coming = iter(answers)
    system.answer = lambda _message: b"".join(next(coming))
    sent = b"".join(content + end for content, end in questions)
    expected = b"".join(content + end for content, end in answers)
    before = len(system.received)
    cut = data.draw(st.integers(0, len(sent)))
    kiosk.send(sent[:cut])
    kiosk.send(sent[cut:])
    assert kiosk.read_exactly(len(expected)) == expected
    assert system.wait_for(before + len(sent))[before:] == sent


def test_any_message_without_a_card_goes_through_in_both_directions(open_gateway: OpenGateway) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            _converse(kiosk=kiosk, system=system)
    assert len(system.lines) == 1


@pytest.mark.parametrize("encoding", ["cp850", "latin-1", "utf-8"])
@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n"])
@pytest.mark.parametrize("sequence", [None, 7])
def test_around_a_card_every_other_byte_is_left_alone(
    open_gateway: OpenGateway, show_code: Callable[[], str], encoding: str, end: bytes, sequence: int | None
) -> None:
    letters = LETTERS.encode(encoding)
    code, number = show_code().encode(), GUARDIAN[0].encode()

    def write(code_of_message: bytes, card: bytes) -> bytes:
        text = code_of_message + b"AOULLE|XV" + letters + b"|AA" + card + b"|ZQ\x00\x1b\xff|AD4719|"
        return (text if sequence is None else summed(text, sequence)[:-1]) + end

    asked, answered = b"63012" + DATE + b"  Y       ", b"64" + b" " * 14 + b"012" + DATE + b"0000" * 6
    with recording(lambda _message: write(answered, number)) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            kiosk.send(write(asked, code))
            assert kiosk.read_exactly(len(write(answered, code))) == write(answered, code)
        assert system.wait_for(len(write(asked, number))) == write(asked, number)


def test_the_answer_to_a_return_keeps_whom_it_names(open_gateway: OpenGateway, show_code: Callable[[], str]) -> None:
    number = GUARDIAN[0].encode()
    returned = summed(b"101YNN" + DATE + b"AOULLE|AB1|AQ|AA" + number + b"|", 1)
    status = summed(b"24" + b" " * 14 + b"000" + DATE + b"AOULLE|AA" + number + b"|AE|", 0)
    with recording(lambda message: returned if message.startswith(b"09") else status) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            code = show_code()
            assert kiosk.status(code).value(b"AA") == code.encode()
            kiosk.send(kiosk.write(b"09N" + DATE + DATE + b"AP|AOULLE|AB1|AC|"))
            assert kiosk.read() == returned


def test_the_answer_about_somebody_else_is_left_as_it_is(
    open_gateway: OpenGateway, show_code: Callable[[], str]
) -> None:
    stranger = summed(b"24" + b" " * 14 + b"000" + DATE + b"AOULLE|AAN000100009|AE|", 0)
    with recording(lambda _message: stranger) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            assert kiosk.status(show_code()).value(b"AA") == b"N000100009"


def test_a_wrong_sum_of_the_system_stays_wrong_until_the_kiosk_asks_again(
    open_gateway: OpenGateway, show_code: Callable[[], str]
) -> None:
    number = GUARDIAN[0].encode()
    right = summed(b"24" + b" " * 14 + b"000" + DATE + b"AOULLE|AA" + number + b"|AE|", 0)
    wrong = right[:-2] + b"\r"
    with recording(lambda message: right if message.startswith(b"97") else wrong) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            kiosk.send(kiosk.write(b"23000" + DATE + b"AOULLE|AA" + show_code().encode() + b"|AC|AD|"))
            assert kiosk.read() == wrong
            kiosk.send(b"97AZFEF5\r")
            kiosk.read()
        assert system.received.endswith(b"97AZFEF5\r")


def test_what_the_system_says_unasked_comes_through(open_gateway: OpenGateway) -> None:
    with recording(lambda _message: b"98YYYYYY100003\r\n98NNNNNN000003\r") as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            kiosk.send(STATUS + b"\r")
            assert kiosk.read() == b"98YYYYYY100003\r\n"
            assert kiosk.read() == b"98NNNNNN000003\r"


def test_messages_that_come_together_are_answered_each(open_gateway: OpenGateway, show_code: Callable[[], str]) -> None:
    number = GUARDIAN[0].encode()

    def answer(message: bytes) -> bytes:
        card = Message(message).value(b"AA")
        return b"36Y" + DATE + b"AOULLE|AA" + card + b"|\r" if message.startswith(b"35") else b"2" * 37 + b"AA|\r"

    with recording(answer) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            code = show_code().encode()
            end = b"35" + DATE + b"AOULLE|AA%s|\r"
            kiosk.send(end % code + end % b"N000100005" + end % b"1234")
            for card in (code, b"N000100005", b"1234"):
                assert Message(kiosk.read().rstrip()).value(b"AA") == card
        assert system.received == end % number + end % b"N000100005" + end % b"1234"


def test_a_repeated_answer_is_the_one_that_the_kiosk_had(
    open_gateway: OpenGateway, show_code: Callable[[], str]
) -> None:
    number = GUARDIAN[0].encode()
    status = summed(b"24" + b" " * 14 + b"000" + DATE + b"AOULLE|AA" + number + b"|AE|", 0)
    with recording(lambda _message: status) as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            kiosk.send(kiosk.write(b"23000" + DATE + b"AOULLE|AA" + show_code().encode() + b"|AC|AD|"))
            first = kiosk.read()
            kiosk.send(b"97AZFEF5\r")
            assert kiosk.read() == first
        assert b"97" not in system.received[-12:]


def test_a_message_whose_sum_is_wrong_is_asked_for_again_before_its_card_is_read(
    open_gateway: OpenGateway, show_code: Callable[[], str]
) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            asked = b"23000" + DATE + b"AOULLE|AA" + show_code().encode() + b"|AC|AD|AY1AZ"
            wrong = b"%04X" % ((int(checksum(asked), 16) + 1) & 0xFFFF)
            kiosk.send(asked + wrong + b"\r")
            assert kiosk.read() == b"96AZFEF6\r"
        assert system.received == b""
