"""What the card page's script requests: the cards this phone may keep, the time, and keys to show the cards with.

A phone keeps the card only where its owner asked to stay signed in on it (docs/adr/0009).
"""

import re
from base64 import b64encode
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from app.card.routes import OWN, card, milliseconds
from app.register.card.carrying import Carried, list_carried
from app.register.card.phone_keys import NoSuchCard, NotAPublicKey, agree_on_key, list_phone_keys
from app.register.patron.patrons import ShownPatron, get_patron, list_libraries
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.languages import language
from app.web.sign_in.identity import is_patron, keeps_card, was_left
from app.work.pushing import push_post


@card.get("/time")
@open_to(Audience.ANYONE)
def time() -> ResponseReturnValue:
    """Give the time, in milliseconds of Unix time, so that a page can work out how wrong the phone's clock is."""
    return jsonify(now=milliseconds(now()))


@card.get("/card/app.json")
@open_to(Audience.ANYONE)
def phone_state() -> ResponseReturnValue:
    """Tell whether a patron is signed in, which cards and keys this phone may keep (it deletes all others), and with
    which key it subscribes to notifications."""
    state: dict[str, Any] = {"now": milliseconds(now()), "signed_in": is_patron(), "language": language()}
    if was_left():
        return jsonify(**state, keeps=False, cards=[], csrf_token=generate_csrf())
    if not keeps_card():
        return jsonify(**state, keeps=False, cards=[])
    libraries = list(list_libraries(patron_id=current_user.patron_id))
    post = push_post()
    push = {"key": post.public_key, "token": generate_csrf()} if post else None
    return jsonify(**state, keeps=True, csrf_token=generate_csrf(), cards=_cards(), libraries=libraries, push=push)


def _cards() -> list[dict[str, Any]]:
    patron = get_patron(patron_id=current_user.patron_id)
    keys = list_phone_keys(device_id=current_user.session.device_id, now=now())
    cards: list[tuple[str, int, ShownPatron | Carried]] = [(OWN, patron.id, patron)]
    cards += [(str(child.permission_id), child.patron_id, child) for child in list_carried(guardian_id=patron.id)]
    return [
        {
            "card": name,
            "name": holder.name,
            "card_number": group_card_number(holder.card_number),
            "home_library": holder.home_library,
            "block": patron.block if name == OWN else None,
            "keys": [{"head": key.head, "renew": key.renew} for key in keys if key.patron_id == patron_id],
        }
        for name, patron_id, holder in cards
    ]


class KeyRequest(BaseModel):
    """What a phone sends to agree on a key: for which card, its public key, and the head of the key it has now."""

    card: str = Field(pattern=rf"^({OWN}|[0-9]{{1,18}})$")
    public_key: Base64Bytes = Field(max_length=200)
    former: object = None

    @property
    def permission_id(self) -> int | None:
        """The permission to show a child's card; None for the owner's card."""
        return None if self.card == OWN else int(self.card)

    @property
    def former_head(self) -> str | None:
        """The 16 digits of the former key; None where what was sent is none."""
        return self.former if isinstance(self.former, str) and re.fullmatch("[0-9]{16}", self.former) else None


@card.post("/card/keys")
@open_to(Audience.PATRON)
def agree() -> ResponseReturnValue:
    """Agree on a key with this phone for one card: the owner's, or a child's that the owner may show."""
    try:
        if not keeps_card():
            raise NoSuchCard
        asked = KeyRequest.model_validate(request.get_json(silent=True))
        agreed = agree_on_key(
            owner_id=current_user.patron_id,
            device_id=current_user.session.device_id,
            session_id=current_user.session.id,
            permission_id=asked.permission_id,
            public_key=asked.public_key,
            former=asked.former_head,
            now=now(),
        )
    except (ValidationError, NotAPublicKey, NoSuchCard):
        return jsonify(error="refused"), 422
    public_key, expires = b64encode(agreed.public_key).decode(), milliseconds(agreed.expires_at)
    return jsonify(head=agreed.head, public_key=public_key, check=agreed.check, expires=expires)
