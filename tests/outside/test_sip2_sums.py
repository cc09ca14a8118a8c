"""SIP2 checksums: some programs sum bytes, others code points. Both are right, and are answered in their own way."""

from datetime import UTC, datetime

import pytest

from app.rules.sip2 import Message, checksum, sign
from app.sip2.answers import refuse

DATE = b"20261122    100000"
TEXT = "23000" + DATE.decode() + "AOSentralbiblioteket Ærøya|AA921123456789012294287082|"
CODE, NUMBER = b"921123456789012294287082", b"N000100001"


@pytest.mark.parametrize(
    ("encoding", "characters", "summed"),
    [
        ("utf-8", "", ""),
        ("utf-8", "utf-8", "utf-8"),
        ("latin-1", "", ""),
        ("latin-1", "latin-1", ""),
        ("cp850", "", ""),
        ("cp850", "cp850", "cp850"),
    ],
)
def test_a_sum_of_bytes_and_one_of_code_points_are_right_and_kept(encoding: str, characters: str, summed: str) -> None:
    message = Message(sign(TEXT.encode(encoding), sequence=b"3", characters=characters))
    assert (message.is_whole, message.summed) == (True, summed)
    changed = message.replace(b"AA", {CODE: NUMBER})
    assert (changed.is_whole, changed.summed, changed.value(b"AA")) == (True, summed, NUMBER)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp850"])
def test_a_wrong_sum_stays_wrong(encoding: str) -> None:
    content = TEXT.encode(encoding) + b"AY3AZ"
    wrong = b"%04X" % ((int(checksum(content), 16) + 1) & 0xFFFF)
    assert (Message(content + wrong).is_whole, Message(content + wrong).summed) == (False, None)


@pytest.mark.parametrize("characters", ["", "utf-8"])
def test_the_gateways_own_answer_is_summed_as_the_kiosk_sums(characters: str) -> None:
    asked = Message(sign(TEXT.encode(), sequence=b"3", characters=characters))
    now = datetime(2026, 11, 22, 9, tzinfo=UTC)
    answer = Message(refuse(asked, sentence="Kortet er ikke på".encode(), now=now, characters=characters))
    assert (answer.is_whole, answer.summed, answer.sequence) == (True, characters, b"3")
