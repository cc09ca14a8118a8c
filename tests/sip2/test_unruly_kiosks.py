"""Kiosks, and others who connect, that are too slow, too many, too loud, or speak something else."""

import socket
import struct

import pytest

from app.sip2 import stream
from tests.sip2.conftest import BY_ADDRESS, LIBRARY, OpenGateway, port_of
from tests.sip2.kiosks import STATUS, raw_kiosk
from tests.sip2.systems import recording


def closed(gateway, why: str) -> float:
    labels = {"library": LIBRARY, "why": why}
    return gateway.figures.registry.get_sample_value("lanekort_sip2_closed_total", labels) or 0.0


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: kiosk\r\n\r\n", "garbage"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r", "garbage"),
        (b"x\r", "garbage"),
        (b"23" + b"x" * 9000, "too-long"),
        (b"23" + b"x" * 9000 + b"\r", "too-long"),
    ],
)
def test_what_is_no_sip2_is_hung_up_on(open_gateway: OpenGateway, raw: bytes, why: str) -> None:
    with recording() as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS)
        with raw_kiosk(port_of(gateway)) as kiosk:
            kiosk.send(raw)
            assert kiosk.is_hung_up_on()
        assert closed(gateway, why) == 1
        assert system.received == b""


def test_a_vendors_message_of_a_stranger_is_hung_up_on(open_gateway: OpenGateway) -> None:
    with recording() as system:
        gateway = open_gateway(system.port)
        with raw_kiosk(port_of(gateway)) as kiosk:
            kiosk.send(b"75open|\r")
            assert kiosk.is_hung_up_on()
        assert system.received == b""


def test_who_does_not_sign_on_is_not_waited_for(open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SIGN_ON_SECONDS", 0.2)
    with recording() as system:
        gateway = open_gateway(system.port)
        with raw_kiosk(port_of(gateway)) as kiosk:
            assert kiosk.is_hung_up_on()
        assert closed(gateway, "slow") == 1


def test_a_message_must_end_in_time_and_who_is_silent_may_be(
    open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "SIGN_ON_SECONDS", 0.2)
    monkeypatch.setattr(stream, "MESSAGE_SECONDS", 0.2)
    with recording() as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS)
        with raw_kiosk(port_of(gateway)) as silent, raw_kiosk(port_of(gateway)) as slow:
            slow.send(b"9")
            assert slow.is_hung_up_on()
            silent.send(STATUS + b"\r")
            assert silent.read() == b"98YYYYYY100003\r"
        assert closed(gateway, "slow") == 1


def test_the_loudest_cannot_keep_the_others_out(open_gateway: OpenGateway) -> None:
    with recording() as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS, connections=2)
        port = port_of(gateway)
        with raw_kiosk(port) as first, raw_kiosk(port) as second:
            for kiosk in (first, second):
                kiosk.send(STATUS + b"\r")
                assert kiosk.read()
            with raw_kiosk(port) as third:
                assert third.is_hung_up_on()
            first.send(STATUS + b"\r")
            assert first.read()
        assert closed(gateway, "too-many") == 1


def test_a_kiosk_that_vanishes_takes_its_line_to_the_system_with_it(open_gateway: OpenGateway) -> None:
    with recording() as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS)
        with raw_kiosk(port_of(gateway)) as kiosk:
            kiosk.send(STATUS + b"\r")
            kiosk.read()
            kiosk.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with raw_kiosk(port_of(gateway)) as kiosk:
            kiosk.send(STATUS + b"\r")
            kiosk.read()
            assert len(gateway.connections) == 1


def test_a_kiosk_that_never_reads_is_hung_up_on(open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MESSAGE_SECONDS", 0.5)
    with recording(lambda _message: b"98" + b"x" * 200_000 + b"\r") as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS)
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", port_of(gateway)))
            line.sendall((STATUS + b"\r") * 50)
            # Others are served meanwhile, and again and again until the deaf one is gone.
            with raw_kiosk(port_of(gateway)) as other:
                while not closed(gateway, "slow"):
                    other.send(STATUS + b"\r")
                    assert other.read().startswith(b"98x")
