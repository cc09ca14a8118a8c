"""Neither the card nor the PIN is ever written down by the gateway."""

import logging
from collections.abc import Callable

import httpx
import pytest

from tests.contract.world import PATIENCE
from tests.doors.visits import GUARDIAN, NOBODYS_CODE, other_digit
from tests.sip2.conftest import OpenGateway, port_of
from tests.sip2.kiosks import PASSWORD, raw_kiosk
from tests.sip2.systems import ILS_PASSWORD, ILS_USER, recording, summed

PIN = "47190815"


def test_card_and_pin_are_in_no_log_and_no_figure_whatever_goes_wrong(
    open_gateway: OpenGateway,
    show_code: Callable[[], str],
    app,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, plastic = show_code(), "21234000123456"
    answers = {b"93": b"941", b"23": b"24" + b" " * 35 + b"AA" + GUARDIAN[0].encode() + b"|", b"35": b"36Y"}
    with caplog.at_level(logging.DEBUG), recording() as system:
        system.answer = lambda message: summed(answers.get(message[:2], b"76"), int(message[-7:-6]))
        login = {"ils_user": ILS_USER.encode(), "ils_password": ILS_PASSWORD.encode()}
        gateway = open_gateway(system.port, seconds=3, **login)
        with raw_kiosk(port_of(gateway)) as kiosk:
            kiosk.sign_on(password="a wrong password")
            assert kiosk.sign_on() == b"941"
            for card in (code, plastic, NOBODYS_CODE):
                kiosk.status(card, pin=PIN)
                kiosk.end_session(card)
            system.answer = lambda _message: b""
            kiosk.status(code, pin=PIN)
            monkeypatch.setattr("app.register.card.scans.vault", None)
            kiosk.status(other_digit(code, 23), pin=PIN)
            page = httpx.get(f"http://127.0.0.1:{gateway.status_port}/", timeout=PATIENCE).text
            figures = httpx.get(f"http://127.0.0.1:{gateway.status_port}/metrics", timeout=PATIENCE).text
            kiosk.send(b"garbage AA" + code.encode() + b"|AD" + PIN.encode() + b"\r")
            assert kiosk.is_hung_up_on()
    printed = capfd.readouterr()
    written = "\n".join((caplog.text, printed.out, printed.err, page, figures))
    assert "kiosk line closed" in written
    assert "register not reached" in written
    secrets = (code, code[3:15], NOBODYS_CODE, plastic, GUARDIAN[0], PIN, PASSWORD, "a wrong password", ILS_PASSWORD)
    assert [secret for secret in secrets if secret in written] == []
