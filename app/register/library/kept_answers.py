"""Responses to libraries' systems, kept to make their requests idempotent.

`Idempotency-Key` as in draft-ietf-httpapi-idempotency-key-header: a key belongs to one request of one system, for 24
hours. The response is stored in the transaction of the request's work.
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

# A concurrent repetition waits here until the first request is committed or rolled back.
_TAKE_KEY = text("""
    INSERT INTO machine_answers (username, key_hash, request_hash, answered_at)
    VALUES (:username, :key_hash, :request_hash, :now) ON CONFLICT (username, key_hash) DO NOTHING
    RETURNING username
""").bindparams(bindparam("now", type_=UtcInstant()))


class KeyReused(RuleBroken):
    """The key was sent with another request before."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A response. `patron_id` is the patron in it, if any."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any] | None
    patron_id: int | None


def take_key(*, username: str, key: str, asked: str, now: datetime) -> KeptAnswer | None:
    """Return the earlier response to the same request; None if it comes for the first time. Raises KeyReused.

    None reserves the key, and `keep_answer` follows in the same transaction. `asked` is the whole request.
    """
    ours = {"username": username, "key_hash": _hash(key)}
    mine = (MachineAnswer.username == username) & (MachineAnswer.key_hash == ours["key_hash"])
    db.session.execute(delete(MachineAnswer).where(mine, MachineAnswer.answered_at <= now - KEPT_FOR))
    request_hash = vault.token(purpose=_PURPOSE, text=asked)
    if db.session.execute(_TAKE_KEY, ours | {"request_hash": request_hash, "now": now}).first() is not None:
        return None
    kept = db.session.execute(select(MachineAnswer.request_hash, MachineAnswer.sealed_answer).where(mine)).one()
    tokens = vault.tokens(purpose=_PURPOSE, text=asked).values()
    if kept.sealed_answer is None or not any(hmac.compare_digest(kept.request_hash, token) for token in tokens):
        raise KeyReused
    return KeptAnswer(**json.loads(vault.open(kept.sealed_answer, column=ANSWER_COLUMN)))


def keep_answer(answer: KeptAnswer, *, username: str, key: str) -> None:
    """Store the response, sealed, under a key that was reserved."""
    mine = (MachineAnswer.username == username) & (MachineAnswer.key_hash == _hash(key))
    values = {"sealed_answer": _seal(answer), "patron_id": answer.patron_id}
    db.session.execute(update(MachineAnswer).where(mine).values(values))


def forget_answers(*, patron_id: int) -> None:
    """Replace the responses about a patron by 410, so that no request about them is done again."""
    emptied = _seal(KeptAnswer(status=410, headers={}, body=None, patron_id=patron_id))
    told = MachineAnswer.patron_id == patron_id
    db.session.execute(update(MachineAnswer).where(told).values(sealed_answer=emptied))


def _seal(answer: KeptAnswer) -> bytes:
    return vault.seal(json.dumps(asdict(answer)).encode(), column=ANSWER_COLUMN)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
