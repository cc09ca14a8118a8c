"""SIP2 byte by byte: framing, checksums, encodings, and servers with manners of their own."""

import re
import socket
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ils.port import Block, Refused, Unavailable
from app.ils.sip2.system import Sip2System
from app.ils.sip2.wire import Sip2Settings, decode, encode
from app.rules.sip2 import checksum
from tests.contract.world import ANNA, BERIT, NOW, TITLE, listening

DATE = "20260302    120000"
NOTHING = " " * 14 + "000" + DATE + "0000" * 6
ONE_LOAN = " " * 14 + "000" + DATE + "000000000001000000000000"
PATRON = f"64{ONE_LOAN}AOMULL|AA{ANNA}|AEGranberg|BLY|AUB1|"
EMPTY = f"64{NOTHING}AOMULL|AA{ANNA}|AEGranberg|BLY|"
ITEM = f"18040001{DATE}ABB1|AJ{TITLE}|AH20260330    235900|"


class Script:
    """A server that gives these answers one after another; `requests` is what it was sent."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.requests: list[bytes] = []

    def talk(self, connection: socket.socket, stop: threading.Event) -> None:
        for answer in self.answers:
            received = b""
            while not received.endswith(b"\r"):
                if not (chunk := connection.recv(4096)):
                    return
                received += chunk
            self.requests.append(received)
            connection.sendall(answer)
        stop.wait()


def ask(script: Script, *, seconds: float = 30, **chosen):
    with listening(script.talk) as port:
        where = {"host": "127.0.0.1", "port": port, "currency": "SEK", "tls": False}
        system = Sip2System(settings=Sip2Settings(**where, **chosen), seconds=seconds, clock=lambda: NOW)
        (account,) = system.accounts(card_numbers=[ANNA])
    return account


def numbered(text: str, sequence: int, encoding: str = "utf-8") -> bytes:
    content = f"{text}AY{sequence}AZ".encode(encoding)
    return content + checksum(content) + b"\r"


@pytest.mark.parametrize(("message", "digits"), [(b"9900401.00AY1AZ", b"FCA5"), (b"941AY3AZ", b"FDFA")])
def test_the_checksum_is_that_of_the_specifications_examples(message, digits):
    assert checksum(message) == digits


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="|"), max_size=50))
def test_whatever_is_encoded_is_decoded(value):
    raw = encode("18", "040001" + DATE, [("AJ", value), ("AB", "1")], sequence=7, encoding="utf-8")
    message = decode(raw.rstrip(b"\r"), sequence=7, encoding="utf-8")
    assert (message.first("AJ"), message.first("AB")) == (value, "1")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(raw):
    with suppress(Unavailable):
        decode(raw, sequence=1, encoding="utf-8")


@pytest.mark.parametrize("value", ["a|AB2", "a\rb", "a\nb", "\x00"])
def test_a_value_cannot_smuggle_in_a_field_or_a_message(value):
    with pytest.raises(ValueError, match="separator"):
        encode("17", DATE, [("AB", value)], sequence=None, encoding="utf-8")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_messages_may_end_with_cr_lf_or_both(end):
    script = Script((PATRON + end).encode(), (ITEM + end).encode())
    account = ask(script, error_detection=False)
    assert [loan.title for loan in account.loans] == [TITLE]


@pytest.mark.parametrize("encoding", ["cp850", "latin-1", "utf-8"])
def test_titles_are_read_in_the_servers_encoding(encoding):
    script = Script(numbered(PATRON, 0, encoding), numbered(ITEM, 1, encoding))
    assert ask(script, encoding=encoding).loans[0].title == TITLE


def test_requests_are_numbered_and_summed_up():
    script = Script(numbered(PATRON, 0), numbered(ITEM, 1))
    ask(script)
    for sequence, request in enumerate(script.requests):
        assert re.search(rb"AY%dAZ[0-9A-F]{4}\r$" % sequence, request)
        assert request.count(b"\r") == 1
        assert (sum(request[:-5]) + int(request[-5:-1], 16)) % 65536 == 0


def test_no_pin_is_sent():
    script = Script(numbered(EMPTY, 0))
    ask(script)
    assert b"|AD|" in script.requests[0]


def test_a_request_to_send_again_is_fulfilled():
    script = Script(b"96AZFEF6\r", numbered(EMPTY, 0))
    assert ask(script).loans == ()
    assert script.requests[0] == script.requests[1]


def test_sign_on_comes_first_and_only_where_there_is_a_user():
    script = Script(numbered("941", 0), numbered(EMPTY, 1))
    ask(script, user="portal", password="secret", location="Gate")
    assert script.requests[0].startswith(b"9300CNportal|COsecret|CPGate|")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(numbered(EMPTY, 0)[:-2] + b"0\r", id="a wrong checksum"),
        pytest.param(numbered(EMPTY, 5), id="another message's number"),
        pytest.param(numbered(EMPTY.replace(ANNA, "N000200002"), 0), id="another card's account"),
        pytest.param(numbered(EMPTY.replace(f"AA{ANNA}|", ""), 0), id="nobody's account"),
        pytest.param(numbered("941", 0), id="the answer to another question"),
        pytest.param(numbered("64 short", 0), id="fields that are cut off"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
        pytest.param(b"96\r96\r", id="again and again"),
        pytest.param(b"x" * 70_000, id="a message without end"),
        pytest.param(numbered(EMPTY.replace("0000", "ØØØØ"), 0, "latin-1"), id="another encoding"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(answer):
    with pytest.raises(Unavailable) as unavailable:
        ask(Script(answer), seconds=0.5)
    assert unavailable.value.reason in ("bad_answer", "too_slow")


@pytest.mark.parametrize(("due", "form"), [("2026-03-30 23:59", ""), ("30.03.2026", "%d.%m.%Y")])
def test_due_dates_may_be_written_otherwise(due, form):
    item = ITEM.replace("20260330    235900", due)
    account = ask(Script(numbered(PATRON, 0), numbered(item, 1)), due_date_format=form)
    assert account.loans[0].due_on.isoformat() == "2026-03-30"


@pytest.mark.parametrize(
    ("amount", "currency", "debt"),
    [("12.50", "SEK", 1250), ("12,5", "NOK", 1250), ("12", "EUR", 1200), ("1200", "ISK", 1200), ("", "SEK", 0)],
)
def test_what_is_owed_is_read_in_its_currency(amount, currency, debt):
    account = ask(Script(numbered(f"{EMPTY}BH{currency}|BV{amount}|", 0)))
    assert (account.debt_total, account.currency) == (debt, currency)


@pytest.mark.parametrize(
    ("places", "blocks"),
    [
        ([], ()),
        ([10, 11], (Block("debt", 500),)),
        ([4], (Block("card_lost", 0),)),
        ([0], (Block("restricted", 0),)),
        ([0, 13], (Block("invoice", 500),)),
    ],
)
def test_the_patron_status_says_why_a_card_is_blocked(places, blocks):
    status = "".join("Y" if place in places else " " for place in range(14))
    account = ask(Script(numbered(f"64{status}{NOTHING[14:]}AA{ANNA}|BLY|BHSEK|BV5.00|", 0)))
    assert account.blocks == blocks


def test_renewing_is_not_tried_for_what_the_card_does_not_have(sip2_world):
    with pytest.raises(Refused) as refused:
        sip2_world.system.renew(card_number=ANNA, loan_id="B1")
    assert refused.value.code == "unknown_loan"


def test_renewals_denied_to_the_patron_show_on_each_loan(sip2_world):
    sip2_world.lend(ANNA)
    sip2_world.status = {1: "Y"}
    (account,) = sip2_world.system.accounts(card_numbers=[ANNA])
    assert (account.loans[0].renewable, account.loans[0].not_renewable_because) == (False, "blocked")


def test_a_server_without_tls_is_no_answer_to_a_gate_that_wants_it(sip2_world):
    with pytest.raises(Unavailable):
        sip2_world.open(tls=True, seconds=0.5).accounts(card_numbers=[ANNA])


def test_a_hold_that_the_server_keeps_is_said_to_be_kept(sip2_world):
    sip2_world.want(sip2_world.lend(BERIT), ANNA)
    sip2_world.keeps_holds = True
    (hold,) = sip2_world.system.accounts(card_numbers=[ANNA])[0].holds
    with pytest.raises(Refused) as refused:
        sip2_world.system.cancel_hold(card_number=ANNA, hold_id=hold.hold_id)
    assert refused.value.code == "hold_kept"


def test_a_server_that_does_not_name_the_message_is_not_asked_to_cancel(sip2_world):
    del sip2_world.server._handlers["15"]
    sip2_world.want(sip2_world.lend(BERIT), ANNA)
    (hold,) = sip2_world.system.accounts(card_numbers=[ANNA])[0].holds
    assert hold.acts == ()
