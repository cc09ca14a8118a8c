"""The two ceremonies of WebAuthn, for whoever signs in with a passkey. Nothing else here knows the library.

Passkeys are discoverable and verify their user by face, fingerprint or screen lock. No attestation is asked for: any
phone will do, and its make is nobody's business (W3C, Web Authentication Level 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.rules.errors import RuleBroken
from app.rules.json_text import parse_json

LASTS_SECONDS: Final = 5 * 60
LONGEST_ID: Final = 1364
"""1023 bytes, the most that the standard allows, in base64url."""
LONGEST_KEY: Final = 2000
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_PORTS: Final = {"https": 443, "http": 80}


class PasskeyRefused(RuleBroken):
    """Not a passkey's answer to this challenge, an unknown or removed passkey, or a card that is blocked."""


@dataclass(frozen=True, slots=True)
class Party:
    """The relying party: the domain for which a passkey is good, and the one origin that may use it."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Known:
    """A passkey that is registered: its id in base64url, and by which ways a browser reaches it, with commas."""

    credential_id: str
    transports: str


@dataclass(frozen=True, slots=True)
class Created:
    """A new passkey. Id and public key (COSE, RFC 9053) are in base64url; `backed_up`: it is on other devices too."""

    credential_id: str
    public_key: str
    sign_count: int
    backed_up: bool
    transports: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What somebody says to have signed. Nothing of it is checked yet. Id and user handle are in base64url."""

    credential_id: str
    user_handle: str | None
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a passkey says of itself at a sign-in: how often it has signed, and whether it is on other devices too."""

    sign_count: int
    backed_up: bool


def party_at(public_url: str) -> Party | None:
    """Return the relying party of a portal at this address. None for a number: passkeys are bound to a domain."""
    address = urlsplit(public_url)
    name = (address.hostname or "").encode("idna").decode()
    try:
        ip_address(name)
    except ValueError:
        port = "" if address.port in (None, _PORTS[address.scheme]) else f":{address.port}"
        return Party(id=name, origin=f"{address.scheme}://{name}{port}") if name else None
    return None


def creation_options(party: Party, *, handle: str, name: str, known: Sequence[Known], challenge: str) -> dict[str, Any]:
    """Return what a browser is asked to make a passkey with (`PublicKeyCredentialCreationOptionsJSON`).

    `handle` and `challenge` are in base64url; `name` is shown where the passkey is chosen; `known` are the user's own.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name="Lånekort",
        user_id=base64url_to_bytes(handle),
        user_name=name,
        user_display_name=name,
        challenge=base64url_to_bytes(challenge),
        timeout=LASTS_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(known),
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def request_options(party: Party, *, challenge: str, known: Sequence[Known] = ()) -> dict[str, Any]:
    """Return what a browser is asked to sign (`PublicKeyCredentialRequestOptionsJSON`).

    Without `known` the browser offers every passkey that it has for this domain, and nothing tells whose they are.
    """
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=base64url_to_bytes(challenge),
        timeout=LASTS_SECONDS * 1000,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def _descriptors(known: Sequence[Known]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(each.credential_id),
            transports=[AuthenticatorTransport(way) for way in each.transports.split(",") if way],
        )
        for each in known
    ]


def check_created(answer: str, *, party: Party, challenge: str) -> Created:
    """Check a browser's answer to `creation_options`, as JSON. Raises PasskeyRefused."""
    try:
        said = parse_json(answer)
        made = verify_registration_response(
            credential=said,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
        ways = said["response"].get("transports") or []
        known_ways = [way.value for way in AuthenticatorTransport if way.value in ways]
    except Exception as error:
        # Anybody may send anything, and errors of the library's parsers are of every kind.
        raise PasskeyRefused from error
    created = Created(
        bytes_to_base64url(made.credential_id),
        bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        backed_up=made.credential_backed_up,
        transports=",".join(known_ways),
    )
    if len(created.credential_id) > LONGEST_ID or len(created.public_key) > LONGEST_KEY:
        raise PasskeyRefused
    return created


def read_signed(answer: str) -> Signed:
    """Read a browser's answer to `request_options`, as JSON, without checking it. Raises PasskeyRefused."""
    try:
        said = parse_json(answer)
        read = parse_authentication_credential_json(said)
    except Exception as error:
        raise PasskeyRefused from error
    handle = read.response.user_handle
    return Signed(bytes_to_base64url(read.raw_id), None if handle is None else bytes_to_base64url(handle), said)


def check_signed(signed: Signed, *, party: Party, challenge: str, public_key: str) -> Counted:
    """Check that the passkey with this public key has signed the challenge, for its verified user.

    The count is not compared with the one before. Raises PasskeyRefused.
    """
    try:
        checked = verify_authentication_response(
            credential=signed.answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        raise PasskeyRefused from error
    return Counted(checked.new_sign_count, checked.credential_backed_up)
