"""What whoever runs the gateway sees."""

import json
import time
from collections.abc import Callable

import httpx
import pytest

from tests.contract.world import PATIENCE
from tests.doors.visits import NOBODYS_CODE
from tests.sip2.conftest import BY_ADDRESS, LIBRARY, OpenGateway, port_of
from tests.sip2.kiosks import KIOSK_1, raw_kiosk
from tests.sip2.systems import ILS_PASSWORD, ILS_USER, recording


def test_the_status_page_names_kiosks_and_systems(open_gateway: OpenGateway) -> None:
    with recording() as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS)
        port = port_of(gateway)
        with raw_kiosk(port, sums=False) as kiosk, raw_kiosk(port, sums=False) as again:
            kiosk.status("N000100001")
            again.status("N000100001")
            page = httpx.get(f"http://127.0.0.1:{gateway.status_port}/", timeout=PATIENCE)
            assert page.headers["Cache-Control"] == "no-store"
            assert f"Library {LIBRARY}" in page.text
            assert f"system 127.0.0.1:{system.port}: no fault known" in page.text
            assert f"signed on: {KIOSK_1}, 2 lines" in page.text
        assert httpx.get(f"http://127.0.0.1:{gateway.status_port}/elsewhere", timeout=PATIENCE).status_code == 404


def refuse_sign_on(message: bytes) -> bytes:
    return b"940\r" if message.startswith(b"93") else b""


def hang_up(_message: bytes) -> bytes:
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("answer", "why"),
    [(refuse_sign_on, "SignOnRefused"), (hang_up, "ConnectionResetError"), (lambda _message: b"", "TimeoutError")],
)
def test_the_status_page_and_the_log_say_why_a_system_does_not_answer(
    open_gateway: OpenGateway, answer: Callable[[bytes], bytes], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with recording(answer) as system:
        login = {"ils_user": ILS_USER.encode(), "ils_password": ILS_PASSWORD.encode()}
        seconds = 0.3 if why == "TimeoutError" else 20
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS, seconds=seconds, **login)
        with raw_kiosk(port_of(gateway), sums=False) as kiosk:
            for _ in range(4):
                kiosk.status("N000100001")
                time.sleep(0.3)
            page = httpx.get(f"http://127.0.0.1:{gateway.status_port}/", timeout=PATIENCE)
    assert f"system 127.0.0.1:{system.port}: does not answer ({why})" in page.text
    log = capsys.readouterr().out
    told = [line for line in map(json.loads, log.splitlines()) if line["event"] == "system does not answer"]
    assert [(line["library"], line["why"]) for line in told] == [(LIBRARY, why)]
    assert ILS_PASSWORD not in page.text + log


def test_the_figures_count_messages_cards_and_time(open_gateway: OpenGateway, show_code: Callable[[], str]) -> None:
    with recording(lambda _message: b"24\r") as system:
        gateway = open_gateway(system.port, kiosks_by_address=BY_ADDRESS)
        with raw_kiosk(port_of(gateway), sums=False) as kiosk:
            code = show_code()
            for card in (code, code, NOBODYS_CODE, "N000100001"):
                kiosk.status(card)
            kiosk.send(b"75\r")
            kiosk.read()
            figures = httpx.get(f"http://127.0.0.1:{gateway.status_port}/metrics", timeout=PATIENCE).text
    for line in (
        f'lanekort_sip2_connections{{library="{LIBRARY}"}} 1.0',
        f'lanekort_sip2_messages_total{{code="23",library="{LIBRARY}"}} 4.0',
        f'lanekort_sip2_messages_total{{code="other",library="{LIBRARY}"}} 1.0',
        f'lanekort_sip2_cards_total{{library="{LIBRARY}",outcome="accepted"}} 1.0',
        f'lanekort_sip2_cards_total{{library="{LIBRARY}",outcome="remembered"}} 1.0',
        f'lanekort_sip2_cards_total{{library="{LIBRARY}",outcome="UNKNOWN"}} 1.0',
        f'lanekort_sip2_system_up{{library="{LIBRARY}"}} 1.0',
        f'lanekort_sip2_system_seconds_count{{library="{LIBRARY}"}} 4.0',
    ):
        assert line in figures
    # The last message is measured after its answer is on its way.
    assert f'lanekort_sip2_added_seconds_bucket{{le="+Inf",library="{LIBRARY}"}}' in figures
