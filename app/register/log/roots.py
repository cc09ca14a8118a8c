"""Roots: the end of the log's chain after each day, signed, to be kept where the operator cannot change it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update

from app.register.keys.vault import vault
from app.register.log.proofs import write_instant
from app.register.log.sealing import seal_all
from app.register.store.transaction import db, reading, writing
from app.register.tables.log import AccessLogHead, AccessLogRoot


class NotARoot(Exception):
    """The text is no root, or its signature is not the register's."""


@dataclass(frozen=True, slots=True)
class Root:
    """The end of the chain when `day` (UTC) was over."""

    day: date
    seq: int
    link: bytes


def make_root(*, now: datetime) -> bool:
    """Sign the end of the chain for the day before, and commit it. Returns False where that was done before."""
    day = (now - timedelta(days=1)).date()
    with reading():
        if db.session.get(AccessLogRoot, day) is not None:
            return False
    seal_all()
    with writing():
        # The lock lets one worker at a time do it.
        head = db.session.scalars(select(AccessLogHead).with_for_update()).one()
        made = db.session.get(AccessLogRoot, day) is None
        if made:
            text = sign_root(Root(day, head.seq, head.link), now=now)
            db.session.add(AccessLogRoot(day=day, text=text, sent_at=None))
    return made


def sign_root(root: Root, *, now: datetime) -> str:
    """Return a root as text: JSON on one line, with the signature (Ed25519, RFC 8032) of all the rest."""
    day, link = root.day.isoformat(), root.link.hex()
    facts = {"at": write_instant(now), "day": day, "key": vault.key_id, "link": link, "seq": root.seq}
    signature = vault.signing_keys()[vault.key_id].sign(_signed(facts)).hex()
    return json.dumps({**facts, "signature": signature}, sort_keys=True)


def read_root(text: str) -> Root:
    """Return the root in a text. Raises NotARoot where the register did not sign it."""
    try:
        facts = json.loads(text)
        signature = bytes.fromhex(facts.pop("signature"))
        vault.signing_keys()[facts["key"]].public_key().verify(signature, _signed(facts))
        return Root(date.fromisoformat(facts["day"]), facts["seq"], bytes.fromhex(facts["link"]))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature):
        raise NotARoot from None


def public_keys() -> Mapping[int, str]:
    """Return the public keys by which roots are checked, by key id: 32 bytes in hex."""
    return {
        key_id: key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        for key_id, key in vault.signing_keys().items()
    }


@reading()
def list_unsent() -> list[tuple[date, str]]:
    """Return the day and text of each root that is not yet kept elsewhere."""
    rows = db.session.execute(
        select(AccessLogRoot.day, AccessLogRoot.text).where(AccessLogRoot.sent_at.is_(None)).order_by(AccessLogRoot.day)
    ).all()
    return [(row.day, row.text) for row in rows]


@writing()
def mark_root_sent(*, day: date, now: datetime) -> None:
    """Record and commit that a root is kept elsewhere."""
    db.session.execute(update(AccessLogRoot).where(AccessLogRoot.day == day).values(sent_at=now))


def _signed(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, sort_keys=True).encode()
