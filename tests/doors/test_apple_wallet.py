"""The card in Apple Wallet: a package that Apple's rules accept, with a code that only some libraries take."""

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from PIL import Image

from app.rules.card.code import Kind, parse
from tests.conftest import START, Clock
from tests.doors.test_devices import devices_of
from tests.doors.visits import MULLSJO, desk_log_in, main_text, result_of, scan_at_desk, submit
from tests.doors.wallets import APPLE, allow, package
from tests.wallets import OPERATOR, PASS_TYPE, TEAM

pytestmark = pytest.mark.usefixtures("both_wallets", "programs")


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


def test_no_field_of_the_pass_is_empty_or_has_what_apple_forbids(phone: FlaskClient) -> None:
    made = json.loads(package(phone).read("pass.json"))
    fields = [field for place in made["generic"].values() for field in place]
    assert len(fields) == 3
    for field in fields:
        assert set(field) == {"key", "label", "value"}
        assert all(field.values())


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
