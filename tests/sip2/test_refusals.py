"""Where the gateway says no by itself: in the form that each message is answered in, and in words for the patron."""

from collections.abc import Callable

import pysip2
import pytest
from pysip2.codec import decode_message

from app.register.staff.machines import disconnect_machine
from app.register.store.transaction import db
from app.rules.sip2 import FIXED_LENGTHS, Message
from tests.conftest import Clock
from tests.doors.visits import NOBODYS_CODE, other_digit
from tests.sip2.conftest import BY_ADDRESS, OpenGateway, port_of
from tests.sip2.kiosks import KIOSK_1, KIOSK_2, STATUS, raw_kiosk
from tests.sip2.systems import DATE, recording, summed

ShowCode = Callable[[], str]

AA = b"AOULLE|AA" + NOBODYS_CODE.encode() + b"|AC|AD4719|"
# What a kiosk asks, the answer's code, and the first of its fixed fields.
QUESTIONS = [
    pytest.param(b"23012" + DATE + AA, b"24YYYY", id="status"),
    pytest.param(b"63012" + DATE + b" " * 10 + AA, b"64YYYY", id="information"),
    pytest.param(b"11NN" + DATE + DATE + AA + b"ABbok-1|", b"120NUN", id="checkout"),
    pytest.param(b"29NN" + DATE + DATE + AA + b"ABbok-1|", b"300NUN", id="renew"),
    pytest.param(b"25" + DATE + AA, b"26YYYY", id="enable"),
    pytest.param(b"65" + DATE + AA, b"66000000000", id="renew all"),
    pytest.param(b"35" + DATE + AA, b"36N", id="end session"),
    pytest.param(b"37" + DATE + b"0101NOKBV10.00|" + AA, b"38N", id="fee paid"),
    pytest.param(b"15+" + DATE + AA + b"ABbok-1|", b"160N", id="hold"),
    pytest.param(b"01N" + DATE + AA + b"ALstolen|", b"24YYYY", id="block"),
]


@pytest.mark.parametrize(("question", "beginning"), QUESTIONS)
@pytest.mark.parametrize("sums", [True, False])
def test_a_refusal_is_a_whole_message_of_the_kind_that_is_waited_for(
    open_gateway: OpenGateway, question: bytes, beginning: bytes, sums: bool
) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS, encoding="cp850"))
        with raw_kiosk(port, sums=sums) as kiosk:
            refused = kiosk.ask(question)
        assert system.received == b""
    assert refused.content.startswith(beginning)
    assert refused.content[2 + FIXED_LENGTHS[refused.code] :].startswith(b"AOULLE|AA" + NOBODYS_CODE.encode() + b"|")
    assert (refused.value(b"BL"), refused.value(b"CQ")) == (b"N", b"N")
    assert refused.value(b"AF").decode("cp850") == "Kortet ble ikke gjenkjent. Skann igjen, eller spør i skranken."
    # What others wrote to read SIP2 finds nothing missing and nothing too much.
    assert isinstance(decode_message(refused.content + b"\r", encoding="cp850").message, pysip2.models.SIPResponse)


@pytest.mark.parametrize(
    ("language", "default", "sentence"),
    [
        (b"000", "nb", "Koden ble lest feil. Skann den en gang til."),
        (b"012", "nb", "Koden ble lest feil. Skann den en gang til."),
        (b"012", "nn", "Koden vart lesen feil. Skann han ein gong til."),
        (b"012", "sv", "Koden ble lest feil. Skann den en gang til."),
        (b"006", "nb", "Koden lästes fel. Skanna den en gång till."),
        (b"001", "nb", "The code was misread. Scan it again."),
        (b"004", "sv", "Koden lästes fel. Skanna den en gång till."),
    ],
)
def test_the_reason_is_in_the_language_that_the_kiosk_asks_for(
    open_gateway: OpenGateway, language: bytes, default: str, sentence: str
) -> None:
    misread = other_digit(NOBODYS_CODE, 15)
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS, language=default))
        with raw_kiosk(port) as kiosk:
            assert kiosk.status(misread, language=language).value(b"AF").decode() == sentence
            # A checkout names no language: the one before holds.
            assert kiosk.lend(misread, "bok-1").value(b"AF").decode() == sentence


def test_a_wrong_code_and_an_unknown_card_look_alike(open_gateway: OpenGateway, show_code: ShowCode) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            wrong = other_digit(show_code(), 23)
            answers = [kiosk.status(code).content.replace(code.encode(), b"") for code in (wrong, NOBODYS_CODE)]
    assert answers[0] == answers[1]


def test_ten_wrong_codes_and_the_kiosk_must_wait(open_gateway: OpenGateway, show_code: ShowCode) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            code = show_code()
            for _ in range(10):
                kiosk.status(other_digit(code, 23))
            refused = kiosk.status(code, language=b"001")
            assert refused.value(b"AF") == b"Too many wrong codes. Wait ten minutes, or ask at the desk."
        assert system.received == b""


def test_who_is_not_signed_on_reaches_nobody_and_may_ask_for_the_status_only(
    open_gateway: OpenGateway, show_code: ShowCode
) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port))
        with raw_kiosk(port, sums=False) as kiosk:
            for answer in (kiosk.status(show_code(), language=b"001"), kiosk.status("N000100001", language=b"001")):
                assert answer.value(b"AF") == b"This machine is not signed on. Tell the staff."
            assert kiosk.ask(b"09N" + DATE + DATE + b"APlobby|AOULLE|ABbok-1|AC|").content[:3] == b"100"
            assert system.received == b""
            assert kiosk.ask(STATUS).code == b"98"


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (KIOSK_1, "demo-kiosk2"),
        ("nobody", "demo-kiosk"),
        ("Mull-kiosk1", "demo-kiosk"),
        ("2023500", "demo-system-ullensaker"),
        ("", ""),
        ("\x00", "\x00"),
    ],
)
def test_a_sign_on_that_is_not_a_kiosks_of_this_library_is_refused_and_not_passed_on(
    open_gateway: OpenGateway, user: str, password: str
) -> None:
    with recording(lambda _message: b"941\r") as system:
        port = port_of(open_gateway(system.port))
        with raw_kiosk(port) as kiosk:
            assert kiosk.sign_on(user, password) == b"940"
        assert system.received == b""


def test_guessing_passwords_is_counted_and_a_right_one_works_still(open_gateway: OpenGateway, app) -> None:
    with recording(lambda message: summed(b"941", int(message[-7:-6]))) as system:
        port = port_of(open_gateway(system.port))
        with raw_kiosk(port) as kiosk:
            for _ in range(101):
                assert kiosk.sign_on(KIOSK_1, "wrong") == b"940"
            assert kiosk.sign_on(KIOSK_1) == b"941"
    with app.app_context():
        counted = db.session.execute(db.text("SELECT taken FROM attempt_counts WHERE purpose = 'machine'")).scalars()
        assert max(counted) >= 100


def test_a_login_at_the_system_goes_on_untouched_and_its_answer_decides(
    open_gateway: OpenGateway, show_code: ShowCode
) -> None:
    sign_on = summed(b"9300CNselfcheck|COtheir secret|CPlobby|", 3)
    with recording(lambda message: b"940\r" if b"wrong" in message else b"941\r") as system:
        port = port_of(open_gateway(system.port, kiosks_by_login={b"selfcheck": KIOSK_1}))
        with raw_kiosk(port, sums=False) as kiosk:
            kiosk.send(sign_on.replace(b"their secret", b"wrong"))
            assert kiosk.read() == b"940\r"
            assert b"not signed on" in kiosk.status("N000100001", language=b"001").value(b"AF")
            kiosk.send(sign_on)
            assert kiosk.read() == b"941\r"
        assert system.received.endswith(sign_on)


def test_a_kiosk_that_is_disconnected_in_the_register_takes_no_card_more(
    open_gateway: OpenGateway, show_code: ShowCode, app
) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address={"127.0.0.1": KIOSK_2}))
        with app.app_context():
            disconnect_machine(username=KIOSK_2)
            db.session.commit()
        with raw_kiosk(port) as kiosk:
            refused = kiosk.status(show_code(), language=b"001")
            assert refused.value(b"AF") == b"This machine is not signed on. Tell the staff."
        assert system.received == b""


def test_a_refused_code_in_a_message_that_nobody_has_described_goes_on_as_it_is(open_gateway: OpenGateway) -> None:
    with recording(lambda _message: b"76no\r") as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port, sums=False) as kiosk:
            kiosk.send(b"75vendor|" + AA + b"\r")
            assert kiosk.read() == b"76no\r"
        assert system.received == b"75vendor|" + AA + b"\r"


def test_an_old_code_and_one_of_a_revoked_card_are_refused(
    open_gateway: OpenGateway, show_code: ShowCode, clock: Clock, app
) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            code = show_code()
            clock.turn(seconds=120)
            assert b"Wait for the next code" in kiosk.status(code, language=b"001").value(b"AF")
            with app.app_context():
                db.session.execute(db.text("UPDATE patrons SET card_state = 'lost' WHERE card_number = 'N000100001'"))
                db.session.commit()
            sentence = kiosk.status(code, language=b"001").value(b"AF")
            assert sentence == b"This card cannot be used. Ask at the desk."
        assert system.received == b""


def test_a_register_that_is_not_reached_gets_the_kiosk_an_answer(
    open_gateway: OpenGateway, show_code: ShowCode, app
) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        code = show_code()
        with app.app_context():
            db.session.execute(db.text("ALTER TABLE credentials RENAME TO gone"))
            db.session.commit()
        with raw_kiosk(port) as kiosk:
            refused = kiosk.status(code, language=b"001")
            assert refused.value(b"AF").startswith(b"The card cannot be checked just now.")
        assert system.received == b""


def test_the_answers_date_is_the_librarys_own_time(open_gateway: OpenGateway) -> None:
    with recording() as system:
        port = port_of(open_gateway(system.port, kiosks_by_address=BY_ADDRESS))
        with raw_kiosk(port) as kiosk:
            assert Message(kiosk.status(NOBODYS_CODE).content).fixed(17, 18) == DATE
