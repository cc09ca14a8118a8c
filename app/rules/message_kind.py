"""What a kind of message to patrons is; each is declared in `messages`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Literal


class Urgency(IntEnum):
    """In which order messages are sent: the least number first, however long the others have waited."""

    CODE = 1
    LINK = 2
    NOTICE = 3
    BULK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """A kind of message: a subject and sentences for e-mail and letters, and all of it in one short text message.

    `opens`: it has a code of six digits for this purpose, which is never sent by letter, and never late. `by_letter`
    and `unnamed` replace sentences: on paper, and where the patron or library that it is about is gone; `unnamed`
    replaces the short text too.
    """

    subject: str
    sentences: tuple[str, ...]
    short: str
    urgency: Urgency = Urgency.NOTICE
    opens: Literal["new-device", "step-up"] | None = None
    by_letter: Mapping[str, str] = field(default_factory=dict)
    unnamed: Mapping[str, str] = field(default_factory=dict)


KINDS: Final[dict[str, MessageKind]] = {}


def declare(name: str, subject: str, short: str, *sentences: str, **rest: Any) -> str:  # noqa: ANN401
    """Declare a kind of message, and return its name. `rest` are further fields of MessageKind."""
    KINDS[name] = MessageKind(subject=subject, short=short, sentences=sentences, **rest)
    return name
