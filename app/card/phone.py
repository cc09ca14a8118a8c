"""What the card page's script asks: which cards this phone may keep, what time it is, and keys to show them with.

A phone keeps the card only where its owner asked to stay signed in on it (docs/adr/0009).
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any

from flask import jsonify, make_response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from app.card.routes import OWN, card, milliseconds
from app.register.card.carrying import list_carried
from app.register.card.phone_keys import NoSuchCard, NotAPublicKey, agree_on_key, list_phone_keys
from app.register.patron.patrons import get_patron, list_libraries
from app.rules.card.number import group_card_number
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.pages.languages import language
from app.web.sign_in.identity import is_patron, keeps_card, was_left


@card.get("/time")
@open_to(Audience.ANYONE)
def time() -> ResponseReturnValue:
    """Give the time, in milliseconds of Unix time, so that a page can work out how wrong the phone's clock is."""
    return jsonify(now=milliseconds(now()))


@card.get("/card/app.json")
@open_to(Audience.ANYONE)
def phone_state() -> ResponseReturnValue:
    """Tell who is signed in, and which cards and keys this phone may keep. Whatever else it keeps it throws away."""
    told: dict[str, Any] = {"now": milliseconds(now()), "signed_in": is_patron(), "language": language()}
    if was_left():
        return jsonify(**told, keeps=False, cards=[], csrf_token=generate_csrf())
    if not keeps_card():
        return jsonify(**told, keeps=False, cards=[])
    libraries = list(list_libraries(patron_id=current_user.patron_id))
    return jsonify(**told, keeps=True, csrf_token=generate_csrf(), cards=_cards(), libraries=libraries)


def _cards() -> list[dict[str, Any]]:
    patron = get_patron(patron_id=current_user.patron_id)
    keys = list_phone_keys(device_id=current_user.session.device_id, now=now())
    cards = [(OWN, patron.id, patron.name, patron.card_number, patron.home_library, patron.block)]
    cards += [
        (str(child.permission_id), child.patron_id, child.name, child.card_number, child.home_library, None)
        for child in list_carried(guardian_id=patron.id)
    ]
    return [
        {
            "card": name,
            "name": holder,
            "card_number": group_card_number(card_number),
            "home_library": home_library,
            "block": block,
            "keys": [{"head": key.head, "renew": key.renew} for key in keys if key.patron_id == patron_id],
        }
        for name, patron_id, holder, card_number, home_library, block in cards
    ]


@card.post("/card/keys")
@open_to(Audience.PATRON)
def agree() -> ResponseReturnValue:
    """Agree on a key with this phone for one card: the owner's, or one that the owner carries."""
    asked = request.get_json(silent=True)
    if not keeps_card() or not isinstance(asked, dict):
        return _refuse()
    try:
        agreed = agree_on_key(
            owner_id=current_user.patron_id,
            device_id=current_user.session.device_id,
            session_id=current_user.session.id,
            permission_id=_permission_id(asked.get("card")),
            public_key=_bytes(asked.get("public_key")),
            former=_head(asked.get("former")),
            now=now(),
        )
    except (NotAPublicKey, NoSuchCard):
        return _refuse()
    return jsonify(
        head=agreed.head,
        public_key=b64encode(agreed.public_key).decode(),
        check=agreed.check,
        expires=milliseconds(agreed.expires_at),
    )


def _refuse() -> ResponseReturnValue:
    return make_response(jsonify(error="refused"), 422)


def _permission_id(name: object) -> int | None:
    if name == OWN:
        return None
    if not isinstance(name, str) or not name.isascii() or not name.isdigit() or len(name) > 18:
        raise NoSuchCard
    return int(name)


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > 200:
        raise NotAPublicKey
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise NotAPublicKey from None


def _head(text: object) -> str | None:
    return text if isinstance(text, str) and len(text) == 16 and text.isascii() and text.isdigit() else None
