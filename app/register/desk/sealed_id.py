"""A national id that goes from one page of the desk to the next: encrypted, for 15 minutes, for one staff member.

It is not stored: the page contains it, encrypted with the register's key.
"""

import base64
import binascii
import json
from datetime import datetime, timedelta
from typing import Final

from app.register.keys.vault import SecretNotOpened, vault
from app.rules.errors import RuleBroken
from app.rules.people.national_id import NationalId

SEALED_ID_LASTS: Final = timedelta(minutes=15)
_SEALED_FOR = "desk.carried_national_id"


class SealedIdNotValid(RuleBroken):
    """The number was typed too long ago, or by another staff member."""


def seal_national_id(national_id: NationalId, *, actor: str, now: datetime) -> str:
    """Return a national id as text for a form's hidden field. `actor` is who typed it."""
    until = int((now + SEALED_ID_LASTS).timestamp())
    text = json.dumps([until, actor, national_id.canonical, national_id.synthetic])
    return base64.urlsafe_b64encode(vault.seal(text.encode(), column=_SEALED_FOR)).decode()


def open_sealed_id(text: str, *, actor: str, now: datetime) -> NationalId:
    """Return the national id that `seal_national_id` sealed for this person. Raises SealedIdNotValid."""
    try:
        sealed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        until, whose, canonical, synthetic = json.loads(vault.open(sealed, column=_SEALED_FOR))
    except (UnicodeEncodeError, binascii.Error, SecretNotOpened):
        raise SealedIdNotValid from None
    if whose != actor or until <= now.timestamp():
        raise SealedIdNotValid
    return NationalId(canonical, synthetic)
