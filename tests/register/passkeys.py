"""Adding passkeys and signing in with them in the register, as a phone and the portal do it."""

import json
import secrets

from sqlalchemy import select

from app.register.sign_in.ceremonies import Party, creation_options, request_options
from app.register.sign_in.passkeys import (
    add_passkey,
    check_new_passkey,
    check_passkey,
    give_back_passkey_tries,
    handle_for,
    known_passkeys,
    note_passkey,
)
from app.register.store.transaction import db, writing
from app.register.tables.messages import Message
from tests.authenticator import Authenticator
from tests.register.people import GUARDIAN, patron_id

PARTY = Party(id="card.example.org", origin="https://card.example.org")
ADDRESS = "198.51.100.7"


def draw_challenge() -> str:
    return secrets.token_urlsafe(32)


def add(phone: Authenticator, card_number: str = GUARDIAN, *, now, label: str = "Firefox, Android", **said) -> None:
    owner, challenge = patron_id(card_number), draw_challenge()
    handle = handle_for(patron_id=owner)
    known = list(known_passkeys(patron_id=owner))
    options = creation_options(PARTY, handle=handle, name="Kari", known=known, challenge=challenge)
    answer = phone.create(options, **said)
    db.session.rollback()
    created = check_new_passkey(answer=answer, challenge=challenge, party=PARTY, address=ADDRESS, now=now)
    with writing():
        add_passkey(patron_id=owner, handle=handle, created=created, label=label, now=now)


def sign(phone: Authenticator, *, now, owner: str | None = None, note: bool = True, **said) -> int:
    """Sign in, and return whose passkey it was; `owner` is who must confirm."""
    challenge = draw_challenge()
    answer = phone.sign(request_options(PARTY, challenge=challenge), **said)
    return take(answer, challenge, now=now, owner=owner, note=note)


def take(answer: str, challenge: str, *, now, owner: str | None = None, note: bool = True) -> int:
    whose = patron_id(owner) if owner else None
    db.session.rollback()
    place = {"party": PARTY, "address": ADDRESS, "patron_id": whose, "now": now}
    checked = check_passkey(answer=answer, challenge=challenge, **place)
    if note:
        with writing():
            note_passkey(checked, now=now)
        give_back_passkey_tries(checked, now=now)
    return checked.patron_id


def kinds() -> list[str]:
    return list(db.session.scalars(select(Message.kind).order_by(Message.id)))


def change(answer: str, **parts) -> str:
    said = json.loads(answer)
    said["response"] |= parts
    return json.dumps(said)
