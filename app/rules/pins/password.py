"""Passwords that those who work at a library choose: long, and not guessed from who they are or from common words.

Length counts most (NIST SP 800-63B-4, 3.1.1.2: no rules on kinds of characters, but no known words, names, sequences).
How easy a password is to guess is what zxcvbn estimates: it knows the passwords that leaked most, English words and
names, and rows of keys (ADR 0042).
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from zxcvbn import zxcvbn

from app.rules.errors import RuleBroken

SHORTEST: Final = 12
LONGEST: Final = 128
_NAME_PART: Final = 3
# What zxcvbn takes for safe from whoever has the verifiers: ten thousand million tries.
_HARD_TO_GUESS: Final = 4
# It tries each way to read signs as letters (4 as a), which takes it seconds for a long row of such signs.
_WEIGHED: Final = 24
_COMMON_HERE: Final = (
    *("passord", "losenord", "hemmelig", "hemlig", "velkommen", "valkommen", "bibliotekar", "bibliotek", "lanekort"),
    *("skranke", "bok", "sommer", "sommar", "vinter", "host", "januar", "februar", "mars", "april", "juni", "juli"),
    *("august", "september", "oktober", "november", "desember", "fotball", "fotboll", "norge", "sverige", "oslo"),
)
"""Norwegian and Swedish words that zxcvbn does not know to be common."""


class PasswordFault(StrEnum):
    """Why a password may not be chosen."""

    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    GUESSABLE = "guessable"


class PasswordNotGood(RuleBroken):
    """The password may not be chosen."""

    def __init__(self, fault: PasswordFault) -> None:
        super().__init__()
        self.fault = fault


def check_password(password: str, *, about: tuple[str, ...]) -> None:
    """Check a password that somebody chooses. `about` are user name, name and library. Raises PasswordNotGood."""
    if len(password) < SHORTEST:
        raise PasswordNotGood(PasswordFault.TOO_SHORT)
    if len(password) > LONGEST:
        raise PasswordNotGood(PasswordFault.TOO_LONG)
    wholes = [_fold(text) for text in about]
    parts = [part for whole in wholes for part in re.split(r"[^a-z0-9]+", whole) if len(part) >= _NAME_PART]
    if zxcvbn(_fold(password)[:_WEIGHED], user_inputs=[*wholes, *parts, *_COMMON_HERE])["score"] < _HARD_TO_GUESS:
        raise PasswordNotGood(PasswordFault.GUESSABLE)


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).replace("ø", "o").replace("æ", "ae")
    return "".join(sign for sign in plain if not unicodedata.combining(sign))
