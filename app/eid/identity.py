"""Check an ID token, and read from it what the card needs."""

import hmac
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import KeySet

from app.eid.refusals import EidRefused, Why
from app.eid.settings import EidSettings
from app.rules.json_text import parse_json

ALGORITHMS: Final = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]
LEEWAY_SECONDS: Final = 120
"""How far the two clocks may differ. ID-porten's tokens are good for two minutes."""

_TIMES: Final = ("exp", "iat", "nbf", "auth_time")
_UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """A person as the service knows them. The number is not to be kept, logged or shown. None: the service does not
    send it."""

    number: str
    name: str | None
    birth_date: date | None
    gender: str = "unknown"


def is_signed_by(token: str, *, keys: KeySet) -> bool:
    """Return whether one of the keys signed the token; nothing else of it is checked."""
    try:
        _decode(token, keys=keys)
    except _UNREADABLE:
        return False
    return True


def read_key_id(token: str) -> str:
    """Return the id of the key that a token names, which need not be true; empty without one."""
    try:
        key_id = parse_json(urlsafe_b64decode(f"{token.partition('.')[0]}===")).get("kid")
    except (*_UNREADABLE, AttributeError):
        return ""
    return key_id if isinstance(key_id, str) else ""


def _decode(token: str, *, keys: KeySet) -> jwt.Token:
    # What nests too deep for us is refused before the library reads it (RFC 7515 § 7.1: base64url without `=`).
    for part in token.split(".")[:2]:
        parse_json(urlsafe_b64decode(f"{part}==="))
    return jwt.decode(token, keys, algorithms=ALGORITHMS)


def check_token(
    token: str, *, keys: KeySet, settings: EidSettings, nonce: str, anew: bool, now: datetime
) -> dict[str, Any]:
    """Return the claims of an ID token that is the service's, for this client, of this sign-in and of this moment.

    OpenID Connect Core 1.0, 3.1.3.7. With `anew` the person must just have signed in, for this. Raises EidRefused.
    """
    instant = int(now.timestamp())
    try:
        read = _decode(token, keys=keys)
        claims = CodeIDToken(
            read.claims,
            read.header,
            options={
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
            },
            params={"nonce": nonce, "client_id": settings.client_id, "max_age": anew},
        )
        claims.validate(now=instant, leeway=LEEWAY_SECONDS)
    except ExpiredTokenError:
        raise EidRefused(Why.CLOCK) from None
    except InvalidClaimError as error:
        raise EidRefused(Why.CLOCK if error.claim in _TIMES else Why.NOT_OURS) from None
    except MissingClaimError as error:
        raise EidRefused(Why.SILENT if error.claim in _TIMES else Why.NOT_OURS) from None
    except _UNREADABLE:
        raise EidRefused(Why.NOT_OURS) from None
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise EidRefused(Why.NOT_OURS)
    # A token is fetched the moment it is made: an old one is somebody's copy, or a clock that is slow.
    if claims["iat"] < instant - LEEWAY_SECONDS:
        raise EidRefused(Why.CLOCK)
    if settings.acr and claims.get("acr") not in settings.acr:
        raise EidRefused(Why.TOO_WEAK)
    if anew and claims["auth_time"] < instant - LEEWAY_SECONDS:
        raise EidRefused(Why.TOO_WEAK)
    return dict(claims)


def read_identity(claims: Mapping[str, Any], *, settings: EidSettings, more: Mapping[str, Any]) -> Identity:
    """Return who it is; `more` are claims from the userinfo endpoint. Raises EidRefused where the number is not among
    the token's own claims."""
    number = claims.get(settings.id_claim)
    if type(number) is int:
        # As a number it has lost its leading zero: a Norwegian one has eleven digits.
        number = f"{number:011}"
    if not isinstance(number, str) or not number.strip():
        raise EidRefused(Why.SILENT)
    known = {**more, **claims}
    name = known.get("name") or f"{known.get('given_name') or ''} {known.get('family_name') or ''}"
    gender = known.get("gender")
    return Identity(
        number=number.strip(),
        name=" ".join(str(name).split()) or None,
        birth_date=_read_day(known.get("birthdate")),
        gender=gender if gender in ("female", "male") else "unknown",
    )


def _read_day(text: object) -> date | None:
    # OpenID Connect also allows a year alone, and 0000 for an unknown year.
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == len("2026-11-22") else None
    except ValueError:
        return None
