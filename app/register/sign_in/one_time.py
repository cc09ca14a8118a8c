"""Links and codes that were sent to a patron, each good once: only keyed tokens of them are kept.

Whoever sends one draws it at that moment and commits before it leaves, so that what arrives is good. A newer one
takes the place of the older ones of the same patron and purpose.
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

NEW_PIN, NEW_DEVICE, STEP_UP = "new-pin", "new-device", "step-up"
LINK_LASTS: Final = timedelta(hours=1)
LETTER_LASTS: Final = timedelta(days=14)
CODE_LASTS: Final = timedelta(minutes=10)


class LinkNotValid(RuleBroken):
    """No such link was sent, or it was used, is too old, or the card is blocked meanwhile."""


class CodeNotValid(RuleBroken):
    """The code is wrong, was used, or is too old."""


def draw_link(*, patron_id: int, lasting: timedelta, now: datetime, channel: str | None = None) -> str:
    """Draw the token of a link to a new PIN that goes by `channel`, good until `now + lasting`: for e-mail and SMS
    LINK_LASTS, on paper LETTER_LASTS. It can also be typed from a letter. The patron stays locked until the commit.
    Raises NoSuchPatron.
    """
    drawn = draw_written_code()
    text = _link_text(drawn)
    _keep(patron_id=patron_id, purpose=NEW_PIN, text=text, expires_at=now + lasting, channel=channel)
    return drawn


def draw_code(*, patron_id: int, purpose: str, now: datetime) -> str:
    """Draw six digits for NEW_DEVICE or STEP_UP, good for this patron and purpose for ten minutes.

    The patron stays locked until the commit. Raises NoSuchPatron.
    """
    code = f"{secrets.randbelow(10**6):06d}"
    _keep(patron_id=patron_id, purpose=purpose, text=_code_text(patron_id, purpose, code), expires_at=now + CODE_LASTS)
    return code


def _keep(*, patron_id: int, purpose: str, text: str, expires_at: datetime, channel: str | None = None) -> None:
    # One after the other, so that the newer one finds the older.
    lock_patron(patron_id)
    db.session.execute(
        delete(OneTimeSecret).where(OneTimeSecret.patron_id == patron_id, OneTimeSecret.purpose == purpose)
    )
    token = vault.token(purpose="one-time", text=text)
    db.session.add(
        OneTimeSecret(token=token, patron_id=patron_id, purpose=purpose, channel=channel, expires_at=expires_at)
    )
    db.session.flush()


def find_link(*, token: str, now: datetime) -> int | None:
    """Return the id of the patron to whom this link was sent, if it still holds. It is not used up by being looked
    at: mail scanners open every link.
    """
    return db.session.scalar(
        select(OneTimeSecret.patron_id)
        .join(Patron, Patron.id == OneTimeSecret.patron_id)
        .where(
            OneTimeSecret.token.in_(_tokens(_link_text(token))),
            OneTimeSecret.expires_at > now,
            may_sign_in(),
        )
    )


def check_link(*, token: str, address: str, now: datetime) -> None:
    """Take a try from the network address, and see whether a link still holds.

    Raises LinkNotValid or TooManyAttempts.
    """
    take_tries(tries=from_source(LINK_SOURCE, address), now=now)
    if find_link(token=token, now=now) is None:
        raise LinkNotValid


def use_link(*, token: str, now: datetime) -> int:
    """Use a link up that `check_link` has let pass, and return its patron's id.

    The first link of a new card proves the address that it went to. Raises LinkNotValid.
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
    """Use a code up, which is committed at once. Tries are taken from the patron and from the network address before
    the code is looked at, and a right one gives them back.

    Where nothing may tell whether there is such a patron, the tries are taken from what was `typed` in place of the
    patron; `patron_id` is 0 where there is none.

    Raises CodeNotValid or TooManyAttempts.
    """
    whose = f"{purpose} typed {typed}" if typed else f"{purpose} {patron_id}"
    tries = [*from_source(CODE_SOURCE, address), (CODE_SOON, whose), (CODE_DAY, whose)]
    take_tries(tries=tries, now=now)
    entered = _tokens(_code_text(patron_id, purpose, "".join(code.split())[:40]))
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
    """Let every link and code that was sent to the patron be worth nothing."""
    db.session.execute(delete(OneTimeSecret).where(OneTimeSecret.patron_id == patron_id))


def _link_text(token: str) -> str:
    return "link " + read_written_code(token)


def _code_text(patron_id: int, purpose: str, code: str) -> str:
    return f"code {patron_id} {purpose} {code}"


def _tokens(text: str) -> list[str]:
    return list(vault.tokens(purpose="one-time", text=text).values())
