"""SIP2's bytes: a stream is cut and nothing of it is lost, and one field changes while all others stay."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.sip2 import Frame, Framer, Message, TooLong, checksum, sign

CODE = b"921123456789012294287082"
NUMBER = b"N000100001"
DATE = b"20261122    100000"

no_end = st.binary(max_size=60).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b""))
value = no_end.map(lambda raw: raw.replace(b"|", b""))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_frames_are_the_stream_again_however_it_was_cut(raw: bytes, cuts: list[int]) -> None:
    framer = Framer(limit=1000)
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    frames = [frame for start, end in pairwise(places) for frame in framer.feed(raw[start:end])]
    put_together = b"".join(frame.raw for frame in frames)
    assert raw.startswith(put_together)
    assert framer.is_within_message == (len(put_together) < len(raw))
    assert not {13, 10} & set(b"".join(frame.content for frame in frames))
    assert not {13, 10} & set(raw[len(put_together) :])


@pytest.mark.parametrize("chunk", [b"x" * 5, b"x" * 5 + b"\r"])
def test_a_message_without_end_is_too_long(chunk: bytes) -> None:
    framer = Framer(limit=10)
    assert framer.feed(b"17\rx" + b"x" * 5) == [Frame(b"17", b"\r")]
    with pytest.raises(TooLong):
        framer.feed(chunk)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"23000" + DATE + b"AOULLE|AA" + CODE + b"|AC|AD4719|", id="status"),
        pytest.param(b"23000" + DATE + b"AA" + CODE + b"|AOULLE|", id="first of the fields"),
        pytest.param(b"23000" + DATE + b"AOULLE|AA" + CODE, id="last, without its end"),
        pytest.param(b"11NN" + DATE + b" " * 18 + b"AOULLE|AA" + CODE + b"|AB1|", id="a blank date"),
        pytest.param(b"11NNAOULLE|AA" + CODE + b"|AB1|", id="no dates"),
        pytest.param(b"11NNAA" + CODE + b"|AB1|", id="no dates, and first"),
        pytest.param(b"35" + DATE + b"XX\x8f\xff|AA" + CODE + b"|ZZ|", id="a vendor's fields"),
        pytest.param(b"77" + DATE + b"|AA" + CODE + b"|", id="a vendor's message"),
    ],
)
@pytest.mark.parametrize("trailer", [None, b"AY3AZ", b"AZ"])
def test_the_code_of_a_card_is_found_and_nothing_else_is_changed(content: bytes, trailer: bytes | None) -> None:
    if trailer and not content.endswith(b"|"):
        content += b"|"
    whole = content + trailer + checksum(content + trailer) if trailer else content
    message = Message(whole)
    assert message.card_code() == CODE
    changed = message.replace(b"AA", {CODE: NUMBER})
    expected = content.replace(CODE, NUMBER)
    assert changed.content == (expected + trailer + checksum(expected + trailer) if trailer else expected)
    assert changed.is_whole
    assert changed.replace(b"AA", {NUMBER: CODE}).content == whole


@pytest.mark.parametrize(
    "content",
    [
        b"23000" + DATE + b"AOULLE|AAN000100001|AD" + CODE + b"|",
        b"23000" + DATE + b"AOULLE|AA9" + CODE + b"|",
        b"23000" + DATE + b"AOAA" + CODE + b"|",
        b"23000" + DATE + b"AOULLE|AB" + CODE + b"|",
        b"09N" + DATE + DATE + b"APAA" + CODE + b"|ABAA|",
        b"9300CNAA" + CODE + b"|CO|",
        b"AA" + CODE,
        b"",
    ],
)
def test_what_only_looks_like_a_card_is_none(content: bytes) -> None:
    assert Message(content).card_code() == b""


@pytest.mark.parametrize(
    ("content", "has_checksum", "is_whole", "sequence"),
    [
        (b"9900401.00AY1AZFCA5", True, True, b"1"),
        (b"9900401.00AY1AZfca5", True, True, b"1"),
        (b"9900401.00AY1AZFCA6", True, False, b"1"),
        (b"96AZFEF6", True, True, None),
        (b"97AZFEF5", True, True, None),
        (b"17" + DATE + b"ABbook AZ1234", False, True, None),
        (b"17" + DATE + b"ABbook|", False, True, None),
        (sign(b"17" + DATE + b"ABbook|", sequence=b"9"), True, True, b"9"),
    ],
)
def test_a_checksum_is_told_from_a_value(content: bytes, has_checksum: bool, is_whole: bool, sequence: bytes) -> None:
    message = Message(content)
    assert (message.has_checksum, message.is_whole, message.sequence) == (has_checksum, is_whole, sequence)


def test_a_checksum_without_its_noughts_is_understood_and_written_out() -> None:
    content = next(
        content
        for filler in range(500)
        if checksum(content := b"23000" + DATE + b"AA" + CODE + b"|XX" + b"z" * filler + b"|AY1AZ").startswith(b"0")
    )
    message = Message(content + checksum(content).lstrip(b"0"))
    assert message.is_whole
    assert message.card_code() == CODE
    assert len(message.replace(b"AA", {CODE: NUMBER}).content) == len(content) + 4 - len(CODE) + len(NUMBER)


@given(no_end)
def test_no_bytes_break_the_reading(raw: bytes) -> None:
    message = Message(raw)
    assert message.replace(b"AA", {}).content == raw or message.has_checksum
    assert message.value(b"AA") in raw


@given(st.lists(st.tuples(st.sampled_from([b"AA", b"AO", b"AB", b"ZZ"]), value), max_size=6))
def test_the_first_value_of_a_field_is_found(fields: list[tuple[bytes, bytes]]) -> None:
    message = Message(sign(b"35" + DATE + b"".join(name + text + b"|" for name, text in fields), sequence=b"1"))
    for name in (b"AA", b"AO", b"AB", b"ZZ"):
        assert message.value(name) == next((text for field, text in fields if field == name), b"")
