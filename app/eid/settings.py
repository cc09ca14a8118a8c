"""The settings of the sign-in service. Norway's ID-porten is a ready profile."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

# https://docs.digdir.no/docs/idporten/oidc/oidc_protocol_id_token
_IDPORTEN: Final = {"name": "ID-porten", "id_claim": "pid", "acr": "idporten-loa-substantial idporten-loa-high"}
# OpenID Connect Core 1.0 has no claim for a national number: each provider has its own name for it.
_PROFILES: Final = {"idporten": _IDPORTEN, "oidc": dict.fromkeys(_IDPORTEN, "")}

NO_LEVELS: Final = "none"
"""As EID_ACR: the service names no levels of assurance, and each sign-in there is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EidSettings:
    """A sign-in service, by default ID-porten, and this portal as its client.

    `acr` names the levels of assurance that are enough, the one to ask for first; empty: the service has no levels. One
    of `client_secret` and `private_key` (PEM, which the service knows by `key_id`) proves who asks. `needs_tls` is only
    left out for a service on this machine.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    key_id: str = ""
    name: str = _IDPORTEN["name"]
    id_claim: str = _IDPORTEN["id_claim"]
    acr: tuple[str, ...] = tuple(_IDPORTEN["acr"].split())
    scope: str = "openid profile"
    needs_tls: bool = True


def read_eid(environ: Mapping[str, str], faults: list[str]) -> EidSettings | None:
    """Return the sign-in service that the environment names; None where it names none. Adds to `faults`."""
    issuer = environ.get("EID_ISSUER", "").strip()
    if not issuer:
        return None
    before = len(faults)
    if re.fullmatch(r"https://[^?#\s]+", issuer) is None:
        faults.append("EID_ISSUER must be the issuer's address as the service writes it, such as https://idporten.no")
    profile = _PROFILES.get(environ.get("EID_PROFILE", "idporten"))
    if profile is None:
        faults.append(f"EID_PROFILE must be one of {', '.join(_PROFILES)}")
        profile = _IDPORTEN
    words = {name: environ.get(f"EID_{name.upper()}", "").strip() or word for name, word in profile.items()}
    missing = [f"EID_{name.upper()}" for name, word in words.items() if not word]
    client_id = environ.get("EID_CLIENT_ID", "")
    if missing or not client_id:
        faults.append(f"{', '.join([*missing, *([] if client_id else ['EID_CLIENT_ID'])])} must be given")
    secret, private_key = environ.get("EID_CLIENT_SECRET", ""), _read_key(environ.get("EID_KEY_FILE", ""), faults)
    if bool(secret) == bool(environ.get("EID_KEY_FILE", "")):
        faults.append("EID_CLIENT_SECRET or EID_KEY_FILE must be given, and not both")
    if len(faults) > before:
        return None
    return EidSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret,
        private_key=private_key,
        key_id=environ.get("EID_KEY_ID", ""),
        name=words["name"],
        id_claim=words["id_claim"],
        acr=() if words["acr"] == NO_LEVELS else tuple(words["acr"].split()),
        scope=environ.get("EID_SCOPE", "").strip() or "openid profile",
    )


def _read_key(path: str, faults: list[str]) -> str:
    if not path:
        return ""
    try:
        text = Path(path).read_text(encoding="ascii")
        signing_key(text)
    except (OSError, ValueError, TypeError, JoseError):
        faults.append("EID_KEY_FILE must be the path of a private key in PEM, RSA or EC P-256, without a password")
        return ""
    return text


def signing_key(pem: str) -> RSAKey | ECKey:
    """Return the private key in a PEM text. Raises ValueError, TypeError or JoseError."""
    key: RSAKey | ECKey
    try:
        key = RSAKey.import_key(pem)
    except (ValueError, TypeError, JoseError):
        key = ECKey.import_key(pem)
    if not key.is_private or (isinstance(key, ECKey) and key.curve_name != "P-256"):
        raise ValueError
    return key
