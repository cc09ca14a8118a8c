"""The card as Google Wallet takes it: an object with a rotating barcode, in a link that the service account signs.

Sources: Google Wallet's reference, `GenericObject`, `RotatingBarcode`, `PassConstraints` and `Jwt`; RFC 6238; RFC 7515.
The link holds the key of its own credential, so it is shown once and written down nowhere (docs/wallets.md).
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import RSAKey

from app.register.card.wallet_passes import WalletPass
from app.rules.card.code import STEP_SECONDS, TOTP_DIGITS
from app.rules.card.number import group_card_number
from app.rules.card.wallet_issuers import GoogleIssuer

SAVE: Final = "https://pay.google.com/gp/v/save/"
LONGEST: Final = 1800
"""Google's safe length of a signed object, in characters: browsers cut longer addresses."""
_SHORTEST_NAME = 20
_COLOUR = "#0062ba"


def make_google_object(
    wallet_pass: WalletPass, *, issuer: GoogleIssuer, title: str, number_label: str, language: str
) -> dict[str, Any]:
    """Return the `GenericObject` of a pass. `title` and `number_label` are in `language`.

    Google fills `{totp_value_0}` in; the 16 digits before it carry a check digit of their own, and stay. What may be
    left out is left out: the whole object goes into an address.
    """

    def words(value: str) -> dict[str, Any]:
        return {"defaultValue": {"language": language, "value": value}}

    return {
        # Of the credential's number, which everybody at a desk may see; an id is never used again.
        "id": f"{issuer.issuer_id}.{wallet_pass.head}",
        "classId": issuer.class_id,
        "genericType": "GENERIC_LIBRARY_MEMBERSHIP",
        "cardTitle": words(title),
        "header": words(wallet_pass.name),
        "textModulesData": [{"id": "card", "header": number_label, "body": group_card_number(wallet_pass.card_number)}],
        "hexBackgroundColor": _COLOUR,
        "validTimeInterval": {"end": {"date": wallet_pass.expires_at.isoformat(timespec="seconds")}},
        "notifications": {"expiryNotification": {"enableNotification": True}},
        "rotatingBarcode": {
            "type": "QR_CODE",
            "renderEncoding": "UTF_8",
            "valuePattern": f"{wallet_pass.head}{{totp_value_0}}",
            "totpDetails": {
                "algorithm": "TOTP_SHA1",
                "periodMillis": str(STEP_SECONDS * 1000),
                "parameters": [{"key": wallet_pass.key.hex(), "valueLength": TOTP_DIGITS}],
            },
        },
        "passConstraints": {"screenshotEligibility": "INELIGIBLE"},
    }


def sign_save_link(google_object: dict[str, Any], *, issuer: GoogleIssuer, origin: str, now: datetime) -> str:
    """Return the address that saves the object to the wallet of the first who opens it. `origin` is that of its page.

    A name with which it would be longer than LONGEST is cut.
    """
    signed = _sign(google_object, issuer=issuer, origin=origin, now=now)
    if len(signed) > LONGEST:
        shown = google_object["header"]["defaultValue"]
        name = shown["value"].encode()
        # Three bytes become four characters; the ellipsis has three bytes.
        most = max(_SHORTEST_NAME, len(name) - (len(signed) - LONGEST) * 3 // 4 - 4)
        shown["value"] = name[:most].decode(errors="ignore").rstrip() + "…"
        signed = _sign(google_object, issuer=issuer, origin=origin, now=now)
    return SAVE + signed


def _sign(google_object: dict[str, Any], *, issuer: GoogleIssuer, origin: str, now: datetime) -> str:
    claims = {
        "iss": issuer.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": [origin],
        "payload": {"genericObjects": [google_object]},
    }
    return jwt.encode({"alg": "RS256"}, claims, _key(issuer.private_key), algorithms=["RS256"])


@lru_cache(maxsize=1)
def _key(private_key: str) -> RSAKey:
    return RSAKey.import_key(private_key)
