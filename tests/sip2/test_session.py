"""A patron at a kiosk, from sign-on to the end of the session, with clients and a system that others wrote."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.register.store.transaction import db
from app.register.tables.log import AccessLogEntry
from tests.conftest import Clock
from tests.doors.visits import GUARDIAN, scan_at_kiosk
from tests.doors.visits import KIOSK_1 as KIOSK_1_AT_API
from tests.sip2.conftest import OpenGateway, port_of
from tests.sip2.kiosks import KIOSK_1, KIOSK_2, raw_kiosk, sip2_kiosk
from tests.sip2.systems import DATE, ILS_PASSWORD, ILS_USER, Library, lending

NUMBER = GUARDIAN[0]
# In seconds since 1970: pysip2 takes no blank date.
DUE = 1_797_000_000
LOGIN = {"ils_user": ILS_USER.encode(), "ils_password": ILS_PASSWORD.encode()}

ShowCode = Callable[[], str]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_an_independent_client_lends_and_returns_with_a_rotating_code(
    open_gateway: OpenGateway, show_code: ShowCode, tmp_path: Path
) -> None:
    library = Library()
    with lending(library) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        with sip2_kiosk(port, tmp_path) as kiosk:
            code = show_code()
            assert kiosk.login_device(KIOSK_1, "demo-kiosk")
            assert kiosk.login_patron(code, "4719")
            status = kiosk.get_patron_status()
            assert status["variable"]["AA"] == [code]
            assert status["variable"]["AE"] == ["Låner, Øse"]
            information = kiosk.sip_patron_information("charged")
            assert information["variable"]["AA"] == [code]
            lent = kiosk.sip_item_checkout("bok-1", nbDueDate=DUE)
            assert (lent["fixed"]["Ok"], lent["variable"]["AA"]) == ("1", [code])
            assert library.loans == {"bok-1": NUMBER}
            returned = kiosk.sip_item_checkin("bok-1")
            # The previous borrower, as the library knows them.
            assert (returned["fixed"]["Ok"], returned["variable"]["AA"]) == ("1", [NUMBER])
            kiosk.sip_patron_session_end()
            assert kiosk.return_last_response_parsed()["variable"]["AA"] == [code]
    assert library.logins == [(ILS_USER, ILS_PASSWORD)]
    assert {patron for _, patron in library.asked} == {NUMBER}
    assert set(library.passwords) == {"4719"}


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n"])
@pytest.mark.parametrize("sums", [True, False])
def test_a_raw_kiosk_does_the_same_whatever_ends_its_messages(
    open_gateway: OpenGateway, show_code: ShowCode, end: bytes, sums: bool
) -> None:
    library = Library()
    with lending(library) as ils_port:
        # pysip2 reads no more after a LF.
        port = port_of(open_gateway(ils_port, always_cr=True, **LOGIN))
        with raw_kiosk(port, end=end, sums=sums) as kiosk:
            code = show_code()
            assert kiosk.sign_on() == b"941"
            for answer in (kiosk.status(code), kiosk.information(code), kiosk.lend(code, "bok-1")):
                assert answer.value(b"AA") == code.encode()
            assert kiosk.ask(b"09N" + DATE + DATE + b"APlobby|AOULLE|ABbok-1|AC|").value(b"AA") == NUMBER.encode()
            assert kiosk.end_session(code).value(b"AA") == code.encode()
    assert [code for code, _ in library.asked] == ["23", "63", "11", "35"]
    assert {patron for _, patron in library.asked} == {NUMBER}


def test_a_second_kiosk_that_is_shown_the_same_code_is_refused(open_gateway: OpenGateway, show_code: ShowCode) -> None:
    library = Library()
    with lending(library) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        with raw_kiosk(port) as first, raw_kiosk(port) as second:
            code = show_code()
            assert (first.sign_on(KIOSK_1), second.sign_on(KIOSK_2)) == (b"941", b"941")
            assert first.status(code).value(b"BL") == b"Y"
            refused = second.status(code, language=b"001")
            assert (refused.code, refused.value(b"BL"), refused.value(b"CQ")) == (b"24", b"N", b"N")
            assert refused.value(b"AF") == b"This code was used. Wait for the next one."
            assert refused.value(b"AA") == code.encode()
            assert first.lend(code, "bok-1").content.startswith(b"121")
    assert library.asked == [("23", NUMBER), ("11", NUMBER)]


def test_a_kiosk_is_the_same_terminal_at_the_gateway_and_at_the_api(
    open_gateway: OpenGateway, show_code: ShowCode, app
) -> None:
    with lending(Library()) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        with raw_kiosk(port) as kiosk:
            code = show_code()
            assert kiosk.sign_on(KIOSK_1) == b"941"
            assert kiosk.status(code).value(b"BL") == b"Y"
    scanned = scan_at_kiosk(app.test_client(), code, kiosk=KIOSK_1_AT_API)
    assert scanned.json["result"] == "accepted"
    with app.app_context():
        looks = db.session.query(AccessLogEntry).filter_by(purpose="scan").all()
        assert {(look.role, look.actor, look.library_id) for look in looks} == {("kiosk", KIOSK_1, "2023500")}


def test_a_plastic_card_is_passed_on_as_it_is(open_gateway: OpenGateway) -> None:
    library = Library()
    with lending(library) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        with raw_kiosk(port) as kiosk:
            assert kiosk.sign_on() == b"941"
            assert kiosk.status("N000100005").value(b"AA") == b"N000100005"
            assert kiosk.status("21234000123456").value(b"AA") == b"21234000123456"
    assert library.asked == [("23", "N000100005"), ("23", "21234000123456")]


def test_a_session_outlives_its_code_and_ends_after_five_idle_minutes(
    open_gateway: OpenGateway, show_code: ShowCode, clock: Clock
) -> None:
    library = Library()
    with lending(library) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        with raw_kiosk(port) as kiosk:
            code = show_code()
            assert kiosk.sign_on() == b"941"
            assert kiosk.status(code).value(b"BL") == b"Y"
            for _ in range(3):
                clock.turn(seconds=299)
                assert kiosk.lend(code, "bok-1").content.startswith(b"121")
            clock.turn(seconds=300)
            refused = kiosk.lend(code, "bok-2")
            assert (refused.code, refused.content[2:3]) == (b"12", b"0")
    assert "bok-2" not in library.loans


@pytest.mark.parametrize("between", ["end", "another card"])
def test_a_session_ends_with_message_35_and_with_another_card(
    open_gateway: OpenGateway, show_code: ShowCode, clock: Clock, between: str
) -> None:
    with lending(Library()) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        with raw_kiosk(port) as kiosk:
            code = show_code()
            assert kiosk.sign_on() == b"941"
            assert kiosk.status(code).value(b"BL") == b"Y"
            clock.turn(seconds=120)
            assert kiosk.status(code).value(b"BL") == b"Y"
            answer = kiosk.end_session(code) if between == "end" else kiosk.status("N000100005")
            assert answer.content[2:3] in (b"Y", b" ")
            assert kiosk.status(code).value(b"BL") == b"N"


def test_a_kiosk_that_connects_anew_for_each_message_keeps_its_patron(
    open_gateway: OpenGateway, show_code: ShowCode, clock: Clock
) -> None:
    library = Library()
    with lending(library) as ils_port:
        port = port_of(open_gateway(ils_port, **LOGIN))
        code = show_code()
        for item in ("bok-1", "bok-2"):
            with raw_kiosk(port) as kiosk:
                assert kiosk.sign_on() == b"941"
                assert kiosk.lend(code, item).value(b"AA") == code.encode()
            clock.turn(seconds=200)
    assert library.loans == {"bok-1": NUMBER, "bok-2": NUMBER}
