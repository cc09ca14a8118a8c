"""What gunicorn's workers make of the bytes that clients send."""

import pytest
from apiflask import APIFlask
from hypothesis import given
from hypothesis import strategies as st

from server import FIRST, MOST_BODY, MOST_HEAD, Arrival, arrival_of, is_first

HEAD = b"POST /login HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "whole",
    [
        b"GET /card HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"Content-Length: 0\r\n\r\n",
        HEAD + b"content-length:5\r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5;name=value\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
        CHUNKED + b"0\r\n\r\n",
    ],
)
def test_a_request_has_arrived_with_its_last_byte_and_not_before(whole: bytes):
    assert arrival_of(whole) is Arrival.WHOLE
    assert {arrival_of(whole[:length]) for length in range(len(whole))} == {Arrival.PART}


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nhelloXX", b"-5\r\n\r\n\r\n", b"x" * 1000])
def test_what_is_no_chunk_goes_to_the_parser_which_refuses_it(body: bytes):
    assert arrival_of(CHUNKED + body) is Arrival.WHOLE


def test_what_is_larger_than_the_portal_takes_is_not_gathered():
    assert arrival_of(HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BODY + 1)) is Arrival.LARGE
    assert arrival_of(HEAD + b"Content-Length: %d\r\n\r\n" % MOST_BODY) is Arrival.PART
    assert arrival_of(CHUNKED + b"FFFFFF\r\n" + b"x" * MOST_BODY) is Arrival.LARGE
    assert arrival_of(HEAD + b"X: " + b"x" * MOST_HEAD) is Arrival.HEAD_TOO_LARGE


@given(st.binary(max_size=300))
def test_nothing_that_is_sent_is_too_much_for_it(data: bytes):
    for sent in (data, HEAD + data, CHUNKED + data):
        assert arrival_of(sent) in Arrival
        assert is_first(sent) in (True, False)


def test_the_card_and_the_scan_come_first():
    assert is_first(b"GET /card HTTP/1.1\r\n\r\n")
    assert is_first(b"GET /card/code.svg?x=1 HTTP/1.1\r\n\r\n")
    assert is_first(b"POST /api/v1/scan HTTP/1.1\r\n\r\n")
    assert not is_first(b"GET /my/loans HTTP/1.1\r\n\r\n")
    assert not is_first(b"GET /cards HTTP/1.1\r\n\r\n")
    assert not is_first(b"\r\n\r\n")


def test_whatever_comes_first_is_an_address_of_the_portal(app: APIFlask):
    assert {rule.rule.encode() for rule in app.url_map.iter_rules()} >= FIRST
