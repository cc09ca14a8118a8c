"""What Google and Apple give an operator, made here: a service account, and a certificate under a CA of our own."""

import base64
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyotp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from app.rules.card.wallet_issuers import AppleIssuer, GoogleIssuer, read_apple_issuer, read_google_issuer

CLASS_ID = "3388000000012345678.lanekort"
EMAIL = "wallet@lanekort.iam.gserviceaccount.com"
PASS_TYPE, TEAM, OPERATOR = "pass.org.example.lanekort", "A1B2C3D4E5", "Nasjonalbiblioteket"
PASSWORD = "opens the key"
VALID = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
SAVE = "https://pay.google.com/gp/v/save/"


@cache
def make_key(_name: str) -> RSAPrivateKey:
    """Make a key for a name, once a process: that takes a while."""
    return generate_private_key(65537, 2048)


def pem_of(key: RSAPrivateKey, *, password: str = "") -> bytes:
    sealed = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)


def service_account(**changed: object) -> str:
    """Return a service account's key file as Google writes it."""
    account = {
        "type": "service_account",
        "project_id": "lanekort",
        "private_key_id": "0f" * 20,
        "private_key": pem_of(make_key("google")).decode(),
        "client_email": EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(account | changed)


def google_issuer() -> GoogleIssuer:
    return read_google_issuer(service_account(), class_id=CLASS_ID)


def certify(
    names: dict[x509.ObjectIdentifier, str], key: RSAPrivateKey, *, by: str = "authority", is_authority: bool = False
) -> bytes:
    """Return a certificate (PEM) for a key, signed by the key of that name."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in names.items()]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID[0])
        .not_valid_after(VALID[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    return builder.sign(make_key(by), SHA256()).public_bytes(Encoding.PEM)


def apple_contents(**changed: bytes) -> dict[str, bytes]:
    """Return the three files of an Apple pass type: certificate, key, authority."""
    names = {
        NameOID.USER_ID: PASS_TYPE,
        NameOID.COMMON_NAME: f"Pass Type ID: {PASS_TYPE}",
        NameOID.ORGANIZATIONAL_UNIT_NAME: TEAM,
        NameOID.ORGANIZATION_NAME: OPERATOR,
    }
    made = {
        "certificate": certify(names, make_key("apple")),
        "key": pem_of(make_key("apple"), password=PASSWORD),
        "authority": certify({NameOID.COMMON_NAME: "authority"}, make_key("authority"), is_authority=True),
    }
    return made | changed


def write_apple_files(folder: Path, **changed: bytes) -> tuple[str, str, str]:
    paths = []
    for name, content in apple_contents(**changed).items():
        path = folder / f"{name}.pem"
        path.write_bytes(content)
        paths.append(str(path))
    return paths[0], paths[1], paths[2]


def apple_issuer(folder: Path) -> AppleIssuer:
    files = write_apple_files(folder)
    first, second, third = (Path(file).read_bytes() for file in files)
    return read_apple_issuer(files=files, contents=(first, second, third), password=PASSWORD)


def claims_of(link: str) -> dict[str, Any]:
    """Return what a save link says, checked with the account's public key alone, as Google checks it."""
    public = make_key("google").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return dict(jwt.decode(link.removeprefix(SAVE), RSAKey.import_key(public), algorithms=["RS256"]).claims)


def google_object_of(link: str) -> dict[str, Any]:
    (made,) = claims_of(link)["payload"]["genericObjects"]
    return dict(made)


def fill_in(google_object: dict[str, Any], *, at: float) -> str:
    """Return the barcode that a wallet shows at an instant of Unix time, from the object's fields and nothing else."""
    barcode = google_object["rotatingBarcode"]
    details = barcode["totpDetails"]
    assert details["algorithm"] == "TOTP_SHA1"
    shown = str(barcode["valuePattern"])
    for place, parameters in enumerate(details["parameters"]):
        secret = base64.b32encode(bytes.fromhex(parameters["key"])).decode()
        period = int(details["periodMillis"]) // 1000
        value = pyotp.TOTP(secret, digits=parameters["valueLength"], interval=period).at(int(at))
        shown = shown.replace(f"{{totp_value_{place}}}", value)
    return shown
