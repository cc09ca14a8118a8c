"""The card in Google Wallet: Google's published shape, the protocol's code, and the desk that accepts it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import jsonschema_rs
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.register.card.cards import KEY_COLUMN
from app.register.keys.vault import vault
from app.register.store.transaction import db
from app.register.tables.devices import Credential, Device
from app.register.tables.patrons import Patron
from app.rules.card.code import parse
from tests.conftest import Clock
from tests.doors.conftest import Contents
from tests.doors.serving import INGRID, act, serve
from tests.doors.test_devices import devices_of
from tests.doors.visits import (
    CHILD,
    log_in,
    main_text,
    read_page,
    result_of,
    scan_at_desk,
    scan_at_kiosk,
    submit,
)
from tests.doors.wallets import GOOGLE, link_on, save_link, shown
from tests.wallets import CLASS_ID, EMAIL, SAVE, claims_of, google_object_of

pytestmark = pytest.mark.usefixtures("both_wallets")

SCHEMA = json.loads((Path(__file__).parent / "google_wallet.json").read_text(encoding="utf-8"))
SAFE_LENGTH = 1800
"""Google's safe length of an encoded JWT."""


def test_the_object_has_googles_published_shape(phone: FlaskClient) -> None:
    jsonschema_rs.validator_for(SCHEMA).validate(google_object_of(save_link(phone)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: made.pop("header"),
        lambda made: made.update(barCode={}),
        lambda made: made["rotatingBarcode"]["totpDetails"].update(periodMillis=30000),
        lambda made: made["rotatingBarcode"]["totpDetails"]["parameters"][0].update(key="not base 16"),
        lambda made: made["rotatingBarcode"].update(type="CODE_128"),
        lambda made: made.update(id="no issuer"),
    ],
)
def test_the_shape_refuses_what_google_would(phone: FlaskClient, spoil: Callable[[dict], object]) -> None:
    made = google_object_of(save_link(phone))
    spoil(made)
    assert not jsonschema_rs.validator_for(SCHEMA).is_valid(made)


def test_the_object_is_as_the_protocol_says(app: APIFlask, phone: FlaskClient, clock: Clock) -> None:
    made = google_object_of(save_link(phone))
    with app.app_context():
        credential = db.session.scalars(select(Credential).order_by(Credential.id.desc())).first()
        assert credential is not None
        key = vault.open(credential.sealed_key, column=KEY_COLUMN)
        number = credential.number
    barcode = made["rotatingBarcode"]
    head = barcode["valuePattern"].removesuffix("{totp_value_0}")
    assert parse(head + "00000000").credential == number
    assert barcode == {
        "type": "QR_CODE",
        "renderEncoding": "UTF_8",
        "valuePattern": head + "{totp_value_0}",
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            "periodMillis": "30000",
            "parameters": [{"key": key.hex(), "valueLength": 8}],
        },
    }
    assert "barcode" not in made
    assert made["passConstraints"] == {"screenshotEligibility": "INELIGIBLE"}
    assert (made["classId"], made["id"]) == (CLASS_ID, f"{CLASS_ID.split('.')[0]}.{head}")
    assert made["validTimeInterval"]["end"]["date"] == (clock() + timedelta(days=365)).isoformat()


def test_the_link_is_signed_by_the_service_account_for_google_alone(phone: FlaskClient, clock: Clock) -> None:
    claims = claims_of(save_link(phone))
    assert (claims["iss"], claims["aud"], claims["typ"]) == (EMAIL, "google", "savetowallet")
    assert claims["iat"] == int(clock().timestamp())
    assert claims["origins"] == ["https://card.example.org"]
    assert set(claims["payload"]) == {"genericObjects"}


def test_google_is_told_name_and_card_number_and_nothing_else_of_the_patron(app: APIFlask, phone: FlaskClient) -> None:
    told = json.dumps(google_object_of(save_link(phone)), ensure_ascii=False)
    with app.app_context():
        patron = db.session.get_one(Patron, 1)
        assert patron.name in told
        assert "N 000 100 001" in told
        kept = (patron.email, patron.phone, patron.address, patron.place, patron.birth_date.isoformat())
        assert [value for value in kept if value and value in told] == []


def test_the_link_is_on_one_page_that_nobody_keeps_and_sends_no_referrer(phone: FlaskClient) -> None:
    answer = submit(phone, GOOGLE, page="/card")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.text.count(SAVE) == 1
    link = read_page(answer).find("a", href=link_on(answer))
    assert link is not None
    assert "noreferrer" in link["rel"]
    for page in ("/card", "/card/wallet", "/card/devices"):
        assert SAVE not in phone.get(page).text


LONG_NAMES = ["N" * 80, "N" * 120, "Å" * 120, "Ŧ" * 61, "한" * 120, '"' * 120, "👩" * 120, "Åse-Marie " * 12]


@pytest.mark.parametrize("name", LONG_NAMES)
def test_a_long_name_is_cut_where_the_link_would_be_longer_than_is_safe(
    app: APIFlask, phone: FlaskClient, name: str
) -> None:
    with app.app_context():
        db.session.get_one(Patron, 1).name = name
        db.session.commit()
    link = save_link(phone)
    shown = google_object_of(link)["header"]["defaultValue"]["value"]
    assert len(link.removeprefix(SAVE)) <= SAFE_LENGTH
    if name == "N" * 80:
        assert shown == name
    else:
        assert shown.endswith("…")
        assert name.startswith(shown.removesuffix("…"))
        assert len(shown) > 15


def test_the_desk_accepts_what_google_wallet_shows_and_names_it(
    phone: FlaskClient, desk: FlaskClient, clock: Clock
) -> None:
    made = google_object_of(save_link(phone))
    answer = scan_at_desk(desk, shown(made, clock))
    assert result_of(answer)[0] == ""
    assert "Google Wallet" in main_text(answer)
    clock.turn(seconds=30)
    kiosk = scan_at_kiosk(desk, shown(made, clock)).json
    assert (kiosk["result"], kiosk["device"]["label"]) == ("accepted", "Google Wallet")
    assert result_of(scan_at_desk(desk, shown(made, clock)))[0] == "REPLAY"


def test_a_pass_is_ended_alone_from_the_list_of_devices(phone: FlaskClient, desk: FlaskClient, clock: Clock) -> None:
    made = google_object_of(save_link(phone))
    listed = dict(devices_of(phone))
    assert len(listed) == 2
    page = main_text(phone.get("/card/devices"))
    assert "Google Wallet" in page
    assert "It does not vanish from the wallet by itself" in page
    assert submit(phone, listed["Google Wallet"], page="/card/devices").location == "/card/devices"
    assert result_of(scan_at_desk(desk, shown(made, clock)))[0] == "REVOKED"
    assert phone.get("/card").status_code == 200
    assert "Google Wallet" not in dict(devices_of(phone))


def test_a_desk_that_serves_the_patron_sees_the_pass_and_ends_it(
    phone: FlaskClient, desk: FlaskClient, clock: Clock
) -> None:
    made = google_object_of(save_link(phone))
    assert "Google Wallet" in serve(desk, **INGRID)
    number = dict(devices_of(phone))["Google Wallet"].split("/")[-2]
    assert "Google Wallet" not in act(desk, f"devices/{number}/revoke")
    assert result_of(scan_at_desk(desk, shown(made, clock)))[0] == "REVOKED"


def test_nobody_ends_another_patrons_pass(
    phone: FlaskClient, client: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    save_link(phone)
    revoke = dict(devices_of(phone))["Google Wallet"]
    log_in(client, *CHILD)
    before = read_database()
    assert submit(client, revoke, page="/card/devices").status_code == 409
    assert read_database() == before


def test_the_token_of_a_pass_is_no_device_that_signs_in(app: APIFlask, phone: FlaskClient) -> None:
    save_link(phone)
    with app.app_context():
        wallet = db.session.scalars(select(Device).where(Device.label == "Google Wallet")).one()
        assert wallet.confirmed_at is None
