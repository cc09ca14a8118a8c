"""Keys that are not in the database, and what is done with them.

Each generation has one master key (settings, VAULT_KEYS), from which every purpose derives its own by HKDF (RFC 5869).
A dump of the database without the keys reveals no national number, no PIN and no card secret.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping
from typing import Final
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from passlib.hash import argon2
from sqlalchemy import Engine
from werkzeug.local import LocalProxy

from app.register.keys.evaluations import GATE
from app.register.store.transaction import current_engine, db
from app.rules.errors import RuleBroken

ERASURE_JOURNAL: Final = "erasure journal"
ACCESS_LOG: Final = "access log"
ACCESS_LOG_ROOT: Final = "access log root"
# OWASP's Password Storage Cheat Sheet: 19 MiB, two iterations, one thread.
ARGON2ID = argon2.using(type="ID", memory_cost=19456, time_cost=2, parallelism=1)
_NONCE_BYTES = 12


class SecretNotOpened(RuleBroken):
    """A sealed secret was altered, or belongs to another column or key."""


class Vault:
    """Tokens, seals and slow hashes under the register's keys. `keys` maps key id (1-255) to 32 bytes."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self.key_id = max(keys)
        self._token_keys = {key_id: _derive(keys[key_id], "token") for key_id in sorted(keys)}
        self._pin_keys = {key_id: _derive(key, "pin") for key_id, key in keys.items()}
        self._seals = {key_id: AESGCM(_derive(key, "seal")) for key_id, key in keys.items()}
        self._mac_keys = {
            (purpose, key_id): _derive(key, purpose)
            for purpose in (ERASURE_JOURNAL, ACCESS_LOG)
            for key_id, key in keys.items()
        }
        self._root_keys = {key_id: _derive(key, ACCESS_LOG_ROOT) for key_id, key in keys.items()}
        self.proofs = {key_id: _derive(key, "proof") for key_id, key in keys.items()}
        """What each key is recognised by: made of it like a key of its own, and used for nothing else."""
        self._subject_key = _derive(keys[self.key_id], "subject")
        self._nobody = hash_password(os.urandom(16))

    def token(self, *, purpose: str, text: str) -> str:
        """Return the newest keyed token (HMAC-SHA-256, 64 hex digits) of a text.

        Each later key is applied to the earlier token, so that a rotation needs no plaintext.
        """
        return self.tokens(purpose=purpose, text=text)[self.key_id]

    def tokens(self, *, purpose: str, text: str) -> dict[int, str]:
        """Return the token of each generation by key id: until a rotation is done, a row may have an earlier one."""
        return dict(self._chain(f"{purpose}:{text}".encode(), after=0))

    def renew_token(self, token: str, *, key_id: int) -> str:
        """Return the newest token for one that was made under the key `key_id`."""
        return dict(self._chain(bytes.fromhex(token), after=key_id)).get(self.key_id, token)

    def _chain(self, token: bytes, *, after: int) -> Iterator[tuple[int, str]]:
        for key_id, key in self._token_keys.items():
            if key_id > after:
                token = hmac.digest(key, token, "sha256")
                yield key_id, token.hex()

    def later_tokens(self, token: str, *, key_id: int) -> list[str]:
        """Return a token made under the key `key_id`, and those that later keys make of it."""
        return [token, *(later for _, later in self._chain(bytes.fromhex(token), after=key_id))]

    def mac(self, content: bytes, *, purpose: str, key_id: int) -> bytes:
        """Return the HMAC-SHA-256 that proves who wrote an entry of a log. Raises KeyError for an unknown key."""
        return hmac.digest(self._mac_keys[purpose, key_id], content, "sha256")

    def signing_keys(self) -> dict[int, Ed25519PrivateKey]:
        """Return the keys (RFC 8032) that sign the roots of the access log, by key id."""
        return {key_id: Ed25519PrivateKey.from_private_bytes(seed) for key_id, seed in self._root_keys.items()}

    def subject(self, text: str) -> str:
        """Return the keyed hash by which tries are counted for a card number or a network address."""
        return hmac.digest(self._subject_key, text.encode(), "sha256").hex()

    def hash_pin(self, pin: str) -> str:
        """Return a verifier of the PIN under the newest key."""
        return hash_password(self._keyed_pin(pin, self.key_id))

    def verify_pin(self, pin: str, verifier: str | None, key_id: int | None) -> bool:
        """Return whether the PIN is right, in the same time also without a verifier."""
        known = verifier is not None and key_id in self._pin_keys
        keyed = self._keyed_pin(pin, key_id if known and key_id is not None else self.key_id)
        right = _verify(keyed, verifier if verifier is not None and known else self._nobody)
        return right and known

    def seal(self, secret: bytes, *, column: str) -> bytes:
        """Return the secret sealed by AES-GCM under the newest key; it opens for the same `column` only."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._seals[self.key_id].encrypt(nonce, secret, column.encode())
        return bytes([self.key_id]) + nonce + sealed

    def open(self, sealed: bytes, *, column: str) -> bytes:
        """Return the secret that `seal` closed. Raises SecretNotOpened."""
        body = 1 + _NONCE_BYTES
        seal = self._seals.get(sealed[0]) if len(sealed) > body else None
        if seal is None:
            raise SecretNotOpened
        try:
            return seal.decrypt(sealed[1:body], sealed[body:], column.encode())
        except InvalidTag:
            raise SecretNotOpened from None

    def renew_seal(self, sealed: bytes, *, column: str) -> bytes:
        """Return the same secret sealed under the newest key. Raises SecretNotOpened."""
        return sealed if sealed[0] == self.key_id else self.seal(self.open(sealed, column=column), column=column)

    def _keyed_pin(self, pin: str, key_id: int) -> str:
        return hmac.digest(self._pin_keys[key_id], pin.encode(), "sha256").hex()


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"lanekort {purpose}".encode()).derive(key)


def hash_of_random_token(token: str) -> str:
    """Return the SHA-256 of a random token of 256 bits, which needs neither key nor salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_password(password: str | bytes) -> str:
    """Return an Argon2id verifier of a password."""
    return GATE.evaluate(lambda: str(ARGON2ID.hash(password)))


def verify_password(password: str, verifier: str | None) -> bool:
    """Return whether the password is right, in the same time also for an unknown user."""
    known = verifier is not None
    return _verify(password, verifier if verifier is not None else _NO_PASSWORD) and known


def _verify(secret: str, verifier: str) -> bool:
    return GATE.evaluate(lambda: bool(ARGON2ID.verify(secret, verifier)))


_NO_PASSWORD = hash_password(os.urandom(16))


_vaults: WeakKeyDictionary[Engine, Vault] = WeakKeyDictionary()
"""By engine: several apps may run in one process."""


def use_vault(vault: Vault) -> None:
    """Use these keys for the current app from now on."""
    _vaults[db.engine] = vault


vault: Vault = LocalProxy(lambda: _vaults[current_engine()])  # type: ignore[assignment]
