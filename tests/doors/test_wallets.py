"""The card in Google Wallet and Apple Wallet, from the button to the desk that accepts it."""

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import jsonschema_rs
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.card.offers import Wallets
from app.register.freezing import freeze_card
from app.register.libraries import allow_static_codes
from app.register.tables import Credential, Device, Message, Patron
from app.register.transaction import db
from app.register.vault import vault
from app.rules.card_code import Kind, parse
from tests.conftest import START, Clock
from tests.doors.conftest import Contents
from tests.doors.test_devices import devices_of
from tests.doors.visits import (
    CHILD,
    GUARDIAN,
    MULLSJO,
    desk_log_in,
    log_in,
    main_text,
    read_page,
    result_of,
    scan_at_desk,
    scan_at_kiosk,
    submit,
)
from tests.wallets import (
    CLASS_ID,
    EMAIL,
    OPERATOR,
    PASS_TYPE,
    SAVE,
    TEAM,
    VALID,
    apple_issuer,
    claims_of,
    fill_in,
    google_issuer,
    google_object_of,
)

GOOGLE, APPLE = "/card/wallet/google", "/card/wallet/apple"
BUTTONS = {GOOGLE: "Add to Google Wallet", APPLE: "Add to Apple Wallet"}
SCHEMA = json.loads((Path(__file__).parent / "google_wallet.json").read_text(encoding="utf-8"))
LONGEST_NAME = "Å" * 120
SAFE_LENGTH = 1800  # Google's "safe length of an encoded JWT"


@pytest.fixture
def app(app: APIFlask, tmp_path: Path) -> APIFlask:
    """The portal of an operator that has both, and of a home library that takes codes that stand still."""
    app.extensions["wallets"] = Wallets(google=google_issuer(), apple=apple_issuer(tmp_path))
    allow(app)
    return app


def allow(app: APIFlask, *, allowed: bool = True) -> None:
    with app.app_context():
        allow_static_codes(library_id="2023500", allowed=allowed)
        db.session.commit()


def buttons(browser: FlaskClient, page: str = "/card") -> set[str]:
    """Return where the page's wallet buttons lead."""
    forms = read_page(browser.get(page)).find_all("form")
    return {str(form["action"]) for form in forms} & set(BUTTONS)


def save_link(browser: FlaskClient) -> str:
    """Press the button, and return the link on the page that follows."""
    answer = submit(browser, GOOGLE, page="/card")
    assert answer.status_code == 200
    return link_on(answer)


def link_on(answer: TestResponse) -> str:
    (link,) = (
        str(link["href"]) for link in read_page(answer).find_all("a") if str(link.get("href", "")).startswith(SAVE)
    )
    return link


def shown(google_object: dict[str, object], clock: Clock) -> str:
    return fill_in(google_object, at=clock().timestamp())


def package(browser: FlaskClient) -> zipfile.ZipFile:
    answer = submit(browser, APPLE, page="/card")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.get_data()))


# --- who sees what ---


def test_the_card_page_has_a_button_for_each_wallet(phone: FlaskClient) -> None:
    for page in ("/card", "/card/wallet"):
        assert buttons(phone, page) == {GOOGLE, APPLE}
        assert all(text in main_text(phone.get(page)) for text in BUTTONS.values())


def test_without_an_issuer_there_is_no_button_and_no_pass(
    app: APIFlask, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    app.extensions["wallets"] = Wallets(google=None, apple=None)
    assert "Wallet" not in phone.get("/card").text
    assert "/card/wallet" not in phone.get("/card/app").text
    assert buttons(phone, "/card/wallet") == set()
    assert "cannot be put into a wallet now" in main_text(phone.get("/card/wallet"))
    before = read_database()
    for path in BUTTONS:
        assert submit(phone, path, page="/my/settings").status_code == 404
    assert read_database() == before


@pytest.mark.parametrize("missing", ["google", "apple"])
def test_one_issuer_alone_gives_one_button(app: APIFlask, phone: FlaskClient, missing: str) -> None:
    both = app.extensions["wallets"]
    known = {"google": both.google, "apple": both.apple} | {missing: None}
    app.extensions["wallets"] = Wallets(**known)
    assert buttons(phone) == {APPLE if missing == "google" else GOOGLE}


def test_an_expired_certificate_takes_apples_button_away(app: APIFlask, phone: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=(VALID[1] - START).total_seconds() - 1)
    log_in(phone, *GUARDIAN, keep=True)
    assert buttons(phone) == {GOOGLE, APPLE}
    clock.turn(seconds=1)
    assert buttons(phone) == {GOOGLE}
    assert submit(phone, APPLE, page="/card").status_code == 404


def test_apples_button_is_there_only_where_the_home_library_takes_static_codes(
    app: APIFlask, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    allow(app, allowed=False)
    assert buttons(phone) == {GOOGLE}
    before = read_database()
    assert submit(phone, APPLE, page="/card").status_code == 409
    assert read_database() == before


def test_the_app_on_the_home_screen_leads_to_the_wallets(client: FlaskClient) -> None:
    assert "/card/wallet" in {link.get("href") for link in read_page(client.get("/card/app")).find_all("a")}


def test_on_a_borrowed_device_there_is_nothing_to_press(
    client: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    log_in(client, *GUARDIAN)
    assert buttons(client) == set()
    assert "on your own phone" in main_text(client.get("/card"))
    before = read_database()
    for path in BUTTONS:
        assert submit(client, path, page="/my/settings").status_code == 409
    assert read_database() == before


def test_a_frozen_card_goes_into_no_wallet(
    app: APIFlask, phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    with app.app_context():
        freeze_card(patron_id=1, now=START)
        db.session.commit()
    assert buttons(phone) == set()
    before = read_database()
    for path in BUTTONS:
        assert submit(phone, path, page="/my/settings").status_code == 409
    assert read_database() == before


@pytest.mark.parametrize("path", BUTTONS)
def test_a_pass_is_made_only_by_pressing_and_only_for_whoever_is_signed_in(
    client: FlaskClient, phone: FlaskClient, desk: FlaskClient, path: str, read_database: Callable[[], Contents]
) -> None:
    before = read_database()
    assert phone.get(path).status_code == 405
    assert phone.post(path).status_code == 400
    assert submit(client, path, page="/login").location == "/login"
    assert submit(desk, path, page="/desk").location in (None, "/login")
    assert read_database() == before


@pytest.mark.parametrize("path", BUTTONS)
def test_a_phone_that_lies_open_is_asked_for_the_pin(
    phone: FlaskClient, clock: Clock, path: str, read_database: Callable[[], Contents]
) -> None:
    clock.turn(seconds=601)
    before = read_database()
    question = submit(phone, path, page="/card")
    assert question.status_code == 200
    assert "confirm_pin" in question.text
    assert SAVE not in question.text
    assert submit(phone, path, page="/card", confirm_pin="0000").status_code == 422
    assert read_database() == before
    answer = submit(phone, path, page="/card", confirm_pin=GUARDIAN[1])
    assert answer.status_code == 200
    assert (SAVE.encode() in answer.get_data()) == (path == GOOGLE)


def test_the_patron_is_told(app: APIFlask, phone: FlaskClient) -> None:
    save_link(phone)
    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert (message.patron_id, message.kind, message.channel) == (1, "new-wallet", "email")


# --- Google ---


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
        key = vault.open(credential.sealed_key, column="credentials.sealed_key")
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


def test_the_link_has_a_safe_length_even_for_the_longest_name(app: APIFlask, phone: FlaskClient) -> None:
    assert len(save_link(phone).removeprefix(SAVE)) <= SAFE_LENGTH
    with app.app_context():
        db.session.get_one(Patron, 1).name = LONGEST_NAME
        db.session.commit()
    link = save_link(phone)
    assert google_object_of(link)["header"]["defaultValue"]["value"] == LONGEST_NAME
    assert len(link.removeprefix(SAVE)) <= SAFE_LENGTH + 4 * len(LONGEST_NAME.encode()) / 3


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


# --- Apple ---


def signature_is_good(folder: Path, made: zipfile.ZipFile) -> bool:
    """Let OpenSSL check the signature of the manifest against the authority of the test."""
    (folder / "manifest").write_bytes(made.read("manifest.json"))
    (folder / "signature").write_bytes(made.read("signature"))
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "manifest"]
    command += [
        "-CAfile",
        "authority.pem",
        "-purpose",
        "any",
        "-attime",
        str(int(START.timestamp())),
        "-out",
        "/dev/null",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def test_the_package_opens_and_its_manifest_names_every_file_with_its_hash(phone: FlaskClient) -> None:
    answer = submit(phone, APPLE, page="/card")
    assert answer.mimetype == "application/vnd.apple.pkpass"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lanekort.pkpass"'
    assert answer.headers["Cache-Control"] == "no-store"
    made = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert made.testzip() is None
    manifest = json.loads(made.read("manifest.json"))
    assert manifest == {
        name: hashlib.sha1(made.read(name)).hexdigest()
        for name in made.namelist()
        if name not in ("manifest.json", "signature")
    }
    assert {"pass.json", "icon.png", "icon@2x.png", "logo.png"} <= set(manifest)
    with Image.open(io.BytesIO(made.read("icon@2x.png"))) as icon:
        assert (icon.format, icon.size) == ("PNG", (58, 58))


def test_the_manifest_is_signed_by_the_pass_certificate_under_its_authority(phone: FlaskClient, tmp_path: Path) -> None:
    made = package(phone)
    assert signature_is_good(tmp_path, made)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as forged:
        forged.writestr("manifest.json", made.read("manifest.json") + b" ")
        forged.writestr("signature", made.read("signature"))
    assert not signature_is_good(tmp_path, zipfile.ZipFile(changed))


def test_the_pass_has_what_apple_requires_and_the_card(phone: FlaskClient, clock: Clock) -> None:
    made = json.loads(package(phone).read("pass.json"))
    assert (made["formatVersion"], made["passTypeIdentifier"], made["teamIdentifier"]) == (1, PASS_TYPE, TEAM)
    assert made["organizationName"] == OPERATOR
    assert made["serialNumber"]
    assert made["description"]
    assert made["sharingProhibited"] is True
    assert made["expirationDate"] == (clock() + timedelta(days=90)).isoformat()
    assert "webServiceURL" not in made
    front = made["generic"]
    assert front["primaryFields"][0]["value"] == "Ingrid Solvang"
    assert front["secondaryFields"][0]["value"] == "N 000 100 001"
    (barcode,) = made["barcodes"]
    code = parse(barcode["message"])
    assert (code.kind, code.totp, barcode["format"]) == (Kind.STATIC, "", "PKBarcodeFormatQR")
    assert barcode["altText"].replace(" ", "") == barcode["message"]
    assert made["barcode"] == barcode


def test_a_later_pass_takes_the_place_of_the_former_one_in_the_wallet(phone: FlaskClient) -> None:
    first, second = (json.loads(package(phone).read("pass.json")) for _ in range(2))
    assert first["serialNumber"] == second["serialNumber"]
    assert first["barcode"]["message"] != second["barcode"]["message"]


def test_a_static_pass_is_accepted_at_home_and_refused_at_a_library_that_takes_none(
    app: APIFlask, phone: FlaskClient, desk: FlaskClient, new_browser: Callable[..., FlaskClient], clock: Clock
) -> None:
    code = json.loads(package(phone).read("pass.json"))["barcode"]["message"]
    answer = scan_at_desk(desk, code)
    assert result_of(answer)[0] == ""
    assert "Apple Wallet" in main_text(answer)
    elsewhere = new_browser()
    desk_log_in(elsewhere, MULLSJO)
    assert result_of(scan_at_desk(elsewhere, code))[0] == "STATIC_FORBIDDEN"
    clock.turn(seconds=30)
    allow(app, allowed=False)
    assert result_of(scan_at_desk(desk, code))[0] == "STATIC_FORBIDDEN"


def test_a_static_pass_is_ended_like_any_device(phone: FlaskClient, desk: FlaskClient) -> None:
    code = json.loads(package(phone).read("pass.json"))["barcode"]["message"]
    submit(phone, dict(devices_of(phone))["Apple Wallet"], page="/card/devices")
    assert result_of(scan_at_desk(desk, code))[0] == "REVOKED"


# --- the operator ---


def test_the_operator_switches_static_codes_on_and_off_for_a_library(app: APIFlask, phone: FlaskClient) -> None:
    run = app.test_cli_runner().invoke
    done = run(args=["libraries", "static-codes", "2023500", "off"])
    assert (done.exit_code, done.output) == (0, "2023500 takes none.\n")
    assert buttons(phone) == {GOOGLE}
    done = run(args=["libraries", "static-codes", "2023500", "on"])
    assert (done.exit_code, done.output) == (0, "2023500 takes codes that stand still.\n")
    assert buttons(phone) == {GOOGLE, APPLE}
    assert "There is no library nowhere." in run(args=["libraries", "static-codes", "nowhere", "on"]).output
