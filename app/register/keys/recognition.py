"""Whether the keys in VAULT_KEYS are those that the register was written with. Under others no card, PIN or password
works, and what is written is lost to the right ones.
"""

import hmac

from sqlalchemy import select, text

from app.register.keys.vault import vault
from app.register.store.transaction import autonomous
from app.register.tables.log import KeyProof
from app.rules.errors import RuleBroken


class WrongKeys(RuleBroken):
    """VAULT_KEYS lacks a key that is in use, or has another under its number. The text says which, for operators."""


def check_keys() -> None:
    """Raise WrongKeys where a key that was noted is missing or another one."""
    with autonomous() as connection:
        noted = connection.execute(select(KeyProof.key_id, KeyProof.proof).order_by(KeyProof.key_id)).all()
    for key_id, proof in noted:
        ours = vault.proofs.get(key_id)
        if ours is None:
            raise WrongKeys(f"Key {key_id} is in use and not in VAULT_KEYS: put it back.")
        if not hmac.compare_digest(ours, proof):
            raise WrongKeys(
                f"Key {key_id} in VAULT_KEYS is not the one that this register was made with: put that back."
            )


def note_keys() -> None:
    """Note the keys that are new, so that no process works with others from now on. Raises WrongKeys."""
    check_keys()
    with autonomous() as connection:
        for key_id, proof in vault.proofs.items():
            connection.execute(
                text("INSERT INTO key_proofs (key_id, proof) VALUES (:key_id, :proof) ON CONFLICT DO NOTHING"),
                {"key_id": key_id, "proof": proof},
            )
    # Another process may have noted another key under the same number meanwhile.
    check_keys()
