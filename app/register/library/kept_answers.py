"""What libraries' systems were answered, so that a request may be sent again and nothing is done twice.

`Idempotency-Key` as in draft-ietf-httpapi-idempotency-key-header: a key belongs to one request of one system, for 24
hours. All in the transaction of the work, so that work and answer are there together, or neither.
"""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, text, update

from app.register.keys.vault import vault
from app.register.store.transaction import db
from app.register.tables.columns import UtcInstant
from app.register.tables.library import MachineAnswer
from app.rules.errors import RuleBroken

KEPT_FOR = timedelta(hours=24)
ANSWER_COLUMN = "machine_answers.sealed_answer"
_PURPOSE = "machine request"

# Whoever sends the same at the same moment waits here until the first is committed, or undone.
_TAKE_KEY = text(
    """
    INSERT INTO machine_answers (username, key_hash, request_hash, answered_at)
    VALUES (:username, :key_hash, :request_hash, :now) ON CONFLICT (username, key_hash) DO NOTHING
    RETURNING username
    """
).bindparams(bindparam("now", type_=UtcInstant()))


class KeyReused(RuleBroken):
    """The key was sent with another request before."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given. `patron_id` is whom it tells of, if anybody."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any] | None
    patron_id: int | None


def take_key(*, username: str, key: str, asked: str, now: datetime) -> KeptAnswer | None:
    """Return what the same request was answered before; None if it comes for the first time.

    Then the key is taken, and `keep_answer` must follow in the same transaction. `asked` is the whole request. Raises
    KeyReused.
    """
    ours = {"username": username, "key_hash": _hash(key)}
    mine = (MachineAnswer.username == username) & (MachineAnswer.key_hash == ours["key_hash"])
    db.session.execute(delete(MachineAnswer).where(mine, MachineAnswer.answered_at <= now - KEPT_FOR))
    request_hash = vault.token(purpose=_PURPOSE, text=asked)
    if db.session.execute(_TAKE_KEY, ours | {"request_hash": request_hash, "now": now}).first() is not None:
        return None
    kept = db.session.execute(select(MachineAnswer.request_hash, MachineAnswer.sealed_answer).where(mine)).one()
    same = [
        hmac.compare_digest(kept.request_hash, each) for each in vault.tokens(purpose=_PURPOSE, text=asked).values()
    ]
    if not any(same) or kept.sealed_answer is None:
        raise KeyReused
    return KeptAnswer(**json.loads(vault.open(kept.sealed_answer, column=ANSWER_COLUMN)))


def keep_answer(answer: KeptAnswer, *, username: str, key: str) -> None:
    """Keep, sealed, what a request was answered whose key was taken."""
    mine = (MachineAnswer.username == username) & (MachineAnswer.key_hash == _hash(key))
    values = {"sealed_answer": _seal(answer), "patron_id": answer.patron_id}
    db.session.execute(update(MachineAnswer).where(mine).values(values))


def forget_answers(*, patron_id: int) -> None:
    """Keep of the answers that tell of a patron only that their keys are used: nothing that is erased is done again."""
    emptied = _seal(KeptAnswer(status=410, headers={}, body=None, patron_id=patron_id))
    told = MachineAnswer.patron_id == patron_id
    db.session.execute(update(MachineAnswer).where(told).values(sealed_answer=emptied))


def _seal(answer: KeptAnswer) -> bytes:
    return vault.seal(json.dumps(asdict(answer)).encode(), column=ANSWER_COLUMN)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
