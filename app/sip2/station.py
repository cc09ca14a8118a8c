"""What all the lines of one library share."""

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
    """One library's side of the gateway. `clock` gives an aware instant."""

    settings: LibraryGateway
    checks: Checks
    sentences: Sentences
    figures: Figures
    clock: Callable[[], datetime]
    aliases: Aliases = field(default_factory=Aliases)
    pause: Pause = field(default_factory=Pause)
    _online: dict[str, int] = field(default_factory=dict)

    @property
    def online(self) -> dict[str, int]:
        """The kiosks that are signed on, with how many lines each."""
        return dict(sorted(self._online.copy().items()))

    def sign_on(self, kiosk: str) -> None:
        """Count a kiosk's line as signed on."""
        self._online[kiosk] = self._online.get(kiosk, 0) + 1

    def sign_off(self, kiosk: str) -> None:
        """Count it no more."""
        self._online[kiosk] -= 1
        if not self._online[kiosk]:
            del self._online[kiosk]
