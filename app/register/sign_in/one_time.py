"""Links and codes that are sent to a patron, each valid once. Only keyed tokens of them are kept.

The worker draws one when it sends it, and commits first, so that what arrives is valid. A newer one replaces the older
ones of the same patron and purpose.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from app.register.keys.vault import vault
from app.register.keys.written_codes import draw_written_code, read_written_code
from app.register.limits.budgets import from_source, give_back_tries, take_tries
from app.register.patron.card_status import may_sign_in
from app.register.patron.patrons import NoSuchPatron, lock_patron
from app.register.patron.proven import PROVEN_COLUMNS, prove
from app.register.store.transaction import autonomous, db
from app.register.tables.messages import OneTimeSecret
from app.register.tables.patrons import Patron
from app.rules.errors import RuleBroken
from app.rules.pins.pin import CODE_DAY, CODE_SOON, CODE_SOURCE, LINK_SOURCE
from app.rules.typed import clean_identifier

NEW_PIN, NEW_DEVICE, STEP_UP = "new-pin", "new-device", "step-up"
LINK_LASTS: Final = timedelta(hours=1)
LETTER_LASTS: Final = timedelta(days=14)
CODE_LASTS: Final = timedelta(minutes=10)


class LinkNotValid(RuleBroken):
    """No such link was sent, it was used, it is expired, or the card is blocked."""


class CodeNotValid(RuleBroken):
    """The code is wrong, was used, or is expired."""


def draw_link(*, patron_id: int, lasting: timedelta, now: datetime, channel: str | None = None) -> str:
    """Draw the token of a link to a new PIN that goes by `channel`, valid for LINK_LASTS, or LETTER_LASTS on paper.

    It can also be typed from a letter. The patron stays locked until the commit. Raises NoSuchPatron.
    """
    token = draw_written_code()
    _keep(patron_id=patron_id, purpose=NEW_PIN, text=_link_text(token), expires_at=now + lasting, channel=channel)
    return token


def draw_code(*, patron_id: int, purpose: str, now: datetime) -> str:
    """Lock the patron and draw six digits for NEW_DEVICE or STEP_UP, valid for ten minutes. Raises NoSuchPatron."""
    code = f"{secrets.randbelow(10**6):06d}"
    _keep(patron_id=patron_id, purpose=purpose, text=_code_text(patron_id, purpose, code), expires_at=now + CODE_LASTS)
    return code


def _keep(*, patron_id: int, purpose: str, text: str, expires_at: datetime, channel: str | None = None) -> None:
    # The lock makes one wait for the other, so that the newer one finds the older.
    lock_patron(patron_id)
    older = (OneTimeSecret.patron_id == patron_id) & (OneTimeSecret.purpose == purpose)
    db.session.execute(delete(OneTimeSecret).where(older))
    kept = {"patron_id": patron_id, "purpose": purpose, "channel": channel, "expires_at": expires_at}
    db.session.add(OneTimeSecret(token=vault.token(purpose="one-time", text=text), **kept))
    db.session.flush()


def find_link(*, token: str, now: datetime) -> int | None:
    """Return the id of the patron of a link that is valid. It is not used up, since mail scanners open links."""
    sent = OneTimeSecret.token.in_(_tokens(_link_text(token))) & (OneTimeSecret.expires_at > now)
    joined = select(OneTimeSecret.patron_id).join(Patron, Patron.id == OneTimeSecret.patron_id)
    return db.session.scalar(joined.where(sent, may_sign_in()))


def check_link(*, token: str, address: str, now: datetime) -> None:
    """Take a try from the network address, and check a link. Raises LinkNotValid or TooManyAttempts."""
    take_tries(tries=from_source(LINK_SOURCE, address), now=now)
    if find_link(token=token, now=now) is None:
        raise LinkNotValid


def use_link(*, token: str, now: datetime) -> int:
    """Use up a link that passed `check_link`, and return its patron's id. Raises LinkNotValid.

    The first link of a new card proves the address that it was sent to.
    """
    patron_id = find_link(token=token, now=now)
    if patron_id is None:
        raise LinkNotValid
    try:
        patron = lock_patron(patron_id)
    except NoSuchPatron:
        raise LinkNotValid from None
    used = delete(OneTimeSecret).where(OneTimeSecret.token.in_(_tokens(_link_text(token))))
    row = db.session.execute(used.returning(OneTimeSecret.id, OneTimeSecret.channel)).first()
    if row is None:
        raise LinkNotValid
    if patron.awaits_first_link:
        prove(patron, channels=[row.channel] if row.channel in PROVEN_COLUMNS else [])
    return patron_id


def use_code(*, patron_id: int, purpose: str, code: str, address: str, now: datetime, typed: str = "") -> None:
    """Use up a code, and commit that. A try is taken from the patron and from the network address before the check; a
    right code gives it back. Raises CodeNotValid or TooManyAttempts.

    Where it must stay hidden whether there is such a patron, the try is taken from what was `typed` instead, and
    `patron_id` is 0 where there is none.
    """
    whose = f"{purpose} typed {typed}" if typed else f"{purpose} {patron_id}"
    tries = [*from_source(CODE_SOURCE, address), (CODE_SOON, whose), (CODE_DAY, whose)]
    take_tries(tries=tries, now=now)
    entered = _tokens(_code_text(patron_id, purpose, clean_identifier(code)[:40]))
    with autonomous() as connection:
        kept = connection.execute(
            select(OneTimeSecret.token).where(
                OneTimeSecret.patron_id == patron_id, OneTimeSecret.purpose == purpose, OneTimeSecret.expires_at > now
            )
        ).scalars()
        right = [token for token in kept for one in entered if hmac.compare_digest(token, one)]
        used = delete(OneTimeSecret).where(OneTimeSecret.token.in_(right)).returning(OneTimeSecret.id)
        if connection.execute(used).first() is None:
            raise CodeNotValid
    give_back_tries(tries=tries)


def forget_secrets(*, patron_id: int) -> None:
    """Make every link and code that was sent to the patron invalid."""
    db.session.execute(delete(OneTimeSecret).where(OneTimeSecret.patron_id == patron_id))


def _link_text(token: str) -> str:
    return "link " + read_written_code(token)


def _code_text(patron_id: int, purpose: str, code: str) -> str:
    return f"code {patron_id} {purpose} {code}"


def _tokens(text: str) -> list[str]:
    return list(vault.tokens(purpose="one-time", text=text).values())
