"""The card as Apple Wallet takes it: a signed package with a code that stands still, since that wallet rotates none.

Sources: Apple's *Wallet Passes* (`Pass`, `Pass.Barcodes`, `PassFields`) and *Building a Pass* (manifest, signature).
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final, cast
from zipfile import ZipFile

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder
from cryptography.x509 import load_pem_x509_certificate
from PIL import Image

from app.register.card.wallet_passes import WalletPass
from app.rules.card.code import group_digits
from app.rules.card.number import group_card_number
from app.rules.card.wallet_issuers import AppleIssuer

MIMETYPE: Final = "application/vnd.apple.pkpass"
_PICTURE = Path(__file__).parent.parent / "static" / "img" / "icon-512.png"
# In points, and so many pixels on screens of one, two and three pixels to a point.
_PICTURES = {"icon": 29, "logo": 50}
_DENSITIES = {"": 1, "@2x": 2, "@3x": 3}


@dataclass(frozen=True, slots=True)
class PassWords:
    """What stands on the pass beside what is the patron's, in the patron's language."""

    title: str
    name_label: str
    number_label: str
    about_label: str
    about: str


def make_pkpass(wallet_pass: WalletPass, *, issuer: AppleIssuer, words: PassWords) -> bytes:
    """Return the package. A pass that the patron is given later takes the place of this one in the wallet."""
    code = {
        "format": "PKBarcodeFormatQR",
        "message": wallet_pass.head,
        "messageEncoding": "iso-8859-1",
        "altText": group_digits(wallet_pass.head),
    }
    made = {
        "formatVersion": 1,
        "passTypeIdentifier": issuer.pass_type,
        "teamIdentifier": issuer.team,
        "organizationName": issuer.organization,
        "serialNumber": wallet_pass.holder,
        "description": words.title,
        "logoText": words.title,
        "backgroundColor": "rgb(0,98,186)",
        "foregroundColor": "rgb(255,255,255)",
        "labelColor": "rgb(255,255,255)",
        "barcode": code,
        "barcodes": [code],
        "expirationDate": wallet_pass.expires_at.isoformat(timespec="seconds"),
        "sharingProhibited": True,
        "generic": {
            "primaryFields": [_field("name", wallet_pass.name, words.name_label)],
            "secondaryFields": [_field("number", group_card_number(wallet_pass.card_number), words.number_label)],
            "backFields": [_field("about", words.about, words.about_label)],
        },
    }
    files = {"pass.json": json.dumps(made).encode(), **_pictures()}
    # Apple's manifest takes no other hash.
    hashes = {name: hashlib.sha1(content, usedforsecurity=False).hexdigest() for name, content in files.items()}
    manifest = json.dumps(hashes).encode()
    package = BytesIO()
    with ZipFile(package, "w") as archive:
        for name, content in {**files, "manifest.json": manifest, "signature": _sign(manifest, issuer)}.items():
            archive.writestr(name, content)
    return package.getvalue()


def _field(key: str, value: str, label: str) -> dict[str, str]:
    return {"key": key, "value": value, "label": label}


def _sign(manifest: bytes, issuer: AppleIssuer) -> bytes:
    """Return the signature that stands beside what is signed (PKCS #7, DER), with both certificates."""
    certificate, authority = (
        load_pem_x509_certificate(Path(file).read_bytes()) for file in (issuer.certificate_file, issuer.authority_file)
    )
    key = load_pem_private_key(Path(issuer.key_file).read_bytes(), issuer.password.encode() or None)
    builder = PKCS7SignatureBuilder().set_data(manifest).add_certificate(authority)
    # What an AppleIssuer is made from has an RSA key.
    builder = builder.add_signer(certificate, cast("RSAPrivateKey", key), SHA256())
    return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature])


@lru_cache(maxsize=1)
def _pictures() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with Image.open(_PICTURE) as whole:
        for name, points in _PICTURES.items():
            for suffix, density in _DENSITIES.items():
                image = BytesIO()
                side = points * density
                whole.convert("RGBA").resize((side, side), Image.Resampling.LANCZOS).save(image, "PNG")
                found[f"{name}{suffix}.png"] = image.getvalue()
    return found
