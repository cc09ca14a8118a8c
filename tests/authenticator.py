"""A phone's authenticator in software: it makes passkeys and signs with them (W3C, Web Authentication Level 3)."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
ORIGIN = "https://card.example.org"


def to_text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Passkey:
    """One that the authenticator keeps: for which domain and user, and how often it has signed."""

    rp_id: str
    user_handle: str
    user_name: str
    key: ec.EllipticCurvePrivateKey
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0


@dataclass
class Authenticator:
    """A phone. `counts`: its passkeys count how often they have signed; most say 0 for ever."""

    origin: str = ORIGIN
    counts: bool = False
    flags: int = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP
    passkeys: list[Passkey] = field(default_factory=list)

    def create(self, options: dict[str, Any], **said: Any) -> str:
        """Make a passkey as `navigator.credentials.create` is asked to, and return the answer as JSON."""
        assert options["authenticatorSelection"]["residentKey"] == "required"
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options.get("attestation", "none") == "none"
        known = {each["id"] for each in options.get("excludeCredentials", [])}
        assert not known & {to_text(each.id) for each in self.passkeys}, "InvalidStateError"
        user = options["user"]
        passkey = Passkey(options["rp"]["id"], user["id"], user["name"], ec.generate_private_key(ec.SECP256R1()))
        self.passkeys.append(passkey)
        point = passkey.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        attested = bytes(16) + len(passkey.id).to_bytes(2, "big") + passkey.id + cbor2.dumps(cose)
        data = self._data(passkey, flags=self.flags | ATTESTED) + attested
        response = {
            "clientDataJSON": to_text(self._client_data("webauthn.create", options, said)),
            "attestationObject": to_text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal", "hybrid"],
        }
        return _answer(passkey, response)

    def sign(self, options: dict[str, Any], passkey: Passkey | None = None, **said: Any) -> str:
        """Sign as `navigator.credentials.get` is asked to, with the newest passkey that fits; the answer as JSON."""
        assert options["userVerification"] == "required"
        allowed = {each["id"] for each in options.get("allowCredentials", [])}
        chosen = passkey or next(
            each
            for each in reversed(self.passkeys)
            if each.rp_id == options["rpId"] and (not allowed or to_text(each.id) in allowed)
        )
        chosen.count += 1
        data, client_data = self._data(chosen, flags=self.flags), self._client_data("webauthn.get", options, said)
        signature = chosen.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": to_text(client_data),
            "authenticatorData": to_text(data),
            "signature": to_text(signature),
            "userHandle": chosen.user_handle,
        }
        return _answer(chosen, response)

    def _data(self, passkey: Passkey, *, flags: int) -> bytes:
        count = passkey.count if self.counts else 0
        return hashlib.sha256(passkey.rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _client_data(self, kind: str, options: dict[str, Any], said: dict[str, Any]) -> bytes:
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(data | said).encode()


def _answer(passkey: Passkey, response: dict[str, Any]) -> str:
    name = to_text(passkey.id)
    attachment = {"authenticatorAttachment": "platform", "clientExtensionResults": {}}
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response, **attachment})
