"""The issuers of passes for Google Wallet and Apple Wallet, read from the files that Google and Apple give an operator.

Sources: Google's service account keys (JSON) and save links; Apple's pass type certificates (PEM). How to get them:
docs/wallets.md.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

_CLASS_ID = re.compile(r"[0-9]{6,25}\.[A-Za-z0-9._-]{1,60}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LEAST_BITS = 2048


class NotAnIssuer(ValueError):
    """The files make no issuer. The text says why, and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleIssuer:
    """A service account that makes passes of one class; `class_id` begins with the issuer's number and a dot."""

    class_id: str
    email: str
    private_key: str = field(repr=False)

    @property
    def issuer_id(self) -> str:
        """The number that Google gave the issuer."""
        return self.class_id.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleIssuer:
    """A certificate that makes passes of one type, with its key and Apple's own certificate.

    The files are read again where a pass is signed. `expires_at` is UTC.
    """

    certificate_file: str
    key_file: str
    authority_file: str
    password: str = field(repr=False)
    pass_type: str
    team: str
    organization: str
    expires_at: datetime


def read_google_issuer(text: str, *, class_id: str) -> GoogleIssuer:
    """Return the issuer that a service account's key file describes. Raises NotAnIssuer."""
    if _CLASS_ID.fullmatch(class_id) is None:
        raise NotAnIssuer("GOOGLE_WALLET_CLASS_ID must be the issuer's number, a dot and the class's name")
    try:
        account = json.loads(text)
        email, private_key = account["client_email"], account["private_key"]
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
        raise NotAnIssuer("GOOGLE_WALLET_FILE must be a service account's key file (JSON)") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS or not _EMAIL.fullmatch(str(email)):
        raise NotAnIssuer("GOOGLE_WALLET_FILE must have the account's e-mail address and an RSA key of 2048 bits")
    return GoogleIssuer(class_id=class_id, email=email, private_key=private_key)


def read_apple_issuer(
    *, files: tuple[str, str, str], contents: tuple[bytes, bytes, bytes], password: str
) -> AppleIssuer:
    """Return the issuer that three PEM files describe: its certificate, the key, Apple's. Raises NotAnIssuer."""
    try:
        certificate = x509.load_pem_x509_certificate(contents[0])
        authority = x509.load_pem_x509_certificate(contents[2])
    except ValueError:
        raise NotAnIssuer("the certificates of APPLE_WALLET_* must be PEM") from None
    try:
        key = load_pem_private_key(contents[1], password=password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise NotAnIssuer("APPLE_WALLET_KEY_FILE must be PEM, and APPLE_WALLET_KEY_PASSWORD what opens it") from None
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise NotAnIssuer("APPLE_WALLET_KEY_FILE must be the key of APPLE_WALLET_CERTIFICATE_FILE")
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        raise NotAnIssuer("APPLE_WALLET_AUTHORITY_FILE must be the certificate that signed the other one") from None
    pass_type, team = _named(certificate, NameOID.USER_ID), _named(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)
    if not pass_type.startswith("pass.") or not team:
        raise NotAnIssuer("APPLE_WALLET_CERTIFICATE_FILE must be a certificate for a pass type")
    return AppleIssuer(
        certificate_file=files[0],
        key_file=files[1],
        authority_file=files[2],
        password=password,
        pass_type=pass_type,
        team=team,
        organization=_named(certificate, NameOID.ORGANIZATION_NAME) or team,
        expires_at=certificate.not_valid_after_utc,
    )


def _named(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(name)
    return str(found[0].value) if found else ""
