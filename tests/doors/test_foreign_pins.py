"""A stolen login is no oracle: of patrons who never were at the library, no machine of it confirms a PIN."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from app.demo.accounts import PATRONS
from app.register.keys.vault import vault
from app.register.patron.patrons import register_patron
from app.register.store.transaction import db
from app.register.tables.patrons import PinVerifier
from app.rules.people.contact import Contact
from app.sip2.checks import Checks
from tests.conftest import Clock
from tests.doors.libraries import ULLENSAKER
from tests.doors.visits import CHILD, KIOSK_1, log_in, scan_at_kiosk, shown_code

STRANGERS = [f"N0007{number:05d}" for number in range(50)]
PIN = "3856"
SUPPLIER = Authorization("basic", {"username": "2023500-ebooks", "password": "demo-supplier"})
MULLSJO_KIOSK = Authorization("basic", {"username": "Mull-kiosk1", "password": "demo-kiosk"})
MULLSJO_SYSTEM = Authorization("basic", {"username": "Mull", "password": "demo-system-mullsjo"})
PIN_CHECK, AUTHENTICATE = "/api/v1/pin-checks", "/api/v1/authenticate"


@pytest.fixture
def strangers(app: APIFlask, clock: Clock) -> None:
    """Fifty patrons of Mullsjö, who have never been at Ullensaker. They have one PIN, so that it is worked out once."""
    with app.app_context():
        verifier = vault.hash_pin(PIN)
        for number in STRANGERS:
            made = register_patron(
                card_number=number,
                name="Somebody Else",
                birth_date=PATRONS[0].birth_date(clock().date()),
                gender="unknown",
                home_library_id="Mull",
                contact=Contact(),
                national_id=None,
                now=clock(),
            )
            db.session.add(PinVerifier(patron_id=made.id, verifier=verifier, key_id=vault.key_id, set_at=clock()))
        db.session.commit()


def ask(client: FlaskClient, number: str, *, path: str = PIN_CHECK, auth: Authorization = KIOSK_1) -> TestResponse:
    return client.post(path, json={"card_number": number, "pin": PIN}, auth=auth)


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(
    ("path", "auth"),
    [(PIN_CHECK, ULLENSAKER), (PIN_CHECK, KIOSK_1), (AUTHENTICATE, SUPPLIER), (AUTHENTICATE, ULLENSAKER)],
    ids=["a system", "a kiosk", "an e-book supplier", "a system that asks as one"],
)
def test_of_fifty_right_pins_of_strangers_none_is_confirmed(
    client: FlaskClient, path: str, auth: Authorization
) -> None:
    answers = [ask(client, number, path=path, auth=auth) for number in STRANGERS]
    said = [value for answer in answers for value in answer.get_json().values()]
    assert [answer.status_code for answer in answers] == [200] * 50
    assert said == [False] * 50
    wrong = ask(client, "N099999999", path=path, auth=auth)
    assert {(answer.data, tuple(sorted(answer.headers.keys()))) for answer in answers} == {
        (wrong.data, tuple(sorted(wrong.headers.keys())))
    }


@pytest.mark.usefixtures("strangers")
def test_at_their_own_library_every_right_pin_is_confirmed(client: FlaskClient) -> None:
    answers = [ask(client, number, auth=auth) for number in STRANGERS for auth in (MULLSJO_SYSTEM, MULLSJO_KIOSK)]
    assert [answer.get_json() for answer in answers] == [{"valid": True}] * 100


def test_a_patron_who_has_just_scanned_at_a_kiosk_is_answered_there(
    client: FlaskClient, new_browser: Callable[..., FlaskClient], clock: Clock
) -> None:
    def checked(auth: Authorization) -> object:
        return client.post(PIN_CHECK, json=dict(zip(("card_number", "pin"), CHILD, strict=True)), auth=auth).get_json()

    phone = new_browser()
    log_in(phone, *CHILD)
    assert checked(MULLSJO_KIOSK) == {"valid": False}
    assert scan_at_kiosk(client, shown_code(phone), kiosk=MULLSJO_KIOSK).get_json()["result"] == "accepted"
    assert (checked(MULLSJO_KIOSK), checked(MULLSJO_SYSTEM)) == ({"valid": True}, {"valid": True})
    clock.turn(seconds=300)
    assert checked(MULLSJO_KIOSK) == {"valid": False}


def test_the_librarys_system_is_answered_of_who_scanned_through_the_sip2_gateway_alone(
    app: APIFlask, client: FlaskClient, new_browser: Callable[..., FlaskClient]
) -> None:
    """A kiosk that speaks SIP2 sends its PIN to the library's own system, which asks here."""

    def checked() -> object:
        return client.post(
            PIN_CHECK, json=dict(zip(("card_number", "pin"), CHILD, strict=True)), auth=MULLSJO_SYSTEM
        ).get_json()

    phone = new_browser()
    log_in(phone, *CHILD)
    assert checked() == {"valid": False}
    gateway = Checks(app)
    shown = gateway.check_card(payload=shown_code(phone), kiosk="Mull-kiosk1", library_id="Mull")
    # A thread of its own: one that drives a browser has a loop that runs already.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asyncio.run, shown).result()
    gateway.close()
    assert found == CHILD[0]
    assert checked() == {"valid": True}
