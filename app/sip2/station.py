"""What all connections of one library share."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.sip2.aliases import Aliases
from app.sip2.checks import Checks
from app.sip2.figures import Figures
from app.sip2.ils_connection import Pause
from app.sip2.settings import LibraryGateway
from app.sip2.words import Sentences


@dataclass(slots=True)
class Station:
    """One library's part of the gateway. `clock` returns an aware datetime, `online` counts the connections of each
    kiosk that is signed on, `end` is how the library's system ended its last message."""

    settings: LibraryGateway
    checks: Checks
    sentences: Sentences
    figures: Figures
    clock: Callable[[], datetime]
    aliases: Aliases = field(default_factory=Aliases)
    pause: Pause = field(default_factory=Pause)
    online: Counter[str] = field(default_factory=Counter)
    end: bytes = b"\r"
