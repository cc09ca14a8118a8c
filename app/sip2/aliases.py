"""Which card stands behind the code that was scanned last, at each kiosk, for as long as its patron is there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.rules.card.scan import SESSION_SECONDS

IDLE = timedelta(seconds=SESSION_SECONDS)


@dataclass(slots=True)
class Alias:
    """A code as it was scanned, and the card's number. Neither is ever printed."""

    scanned: bytes
    card_number: bytes
    used_at: datetime

    def __repr__(self) -> str:
        return "<Alias>"


class Aliases:
    """One alias for each kiosk, by its user name: some kiosks open a connection for every message."""

    def __init__(self) -> None:
        self._aliases: dict[str, Alias] = {}

    def remember(self, *, kiosk: str, scanned: bytes, card_number: bytes, now: datetime) -> Alias:
        """Remember a card that was accepted, in the place of the one before."""
        alias = self._aliases[kiosk] = Alias(scanned, card_number, now)
        return alias

    def find(self, *, kiosk: str, now: datetime) -> Alias | None:
        """Return the kiosk's alias, unless nobody used it for too long."""
        alias = self._aliases.get(kiosk)
        if alias is not None and now - alias.used_at >= IDLE:
            self.forget(kiosk=kiosk)
            return None
        return alias

    def use(self, *, kiosk: str, scanned: bytes, now: datetime) -> Alias | None:
        """Return the alias for a code that is shown again, and let it live on. Any other card ends it."""
        alias = self.find(kiosk=kiosk, now=now)
        if alias is None:
            return None
        if alias.scanned != scanned:
            self.forget(kiosk=kiosk)
            return None
        alias.used_at = now
        return alias

    def forget(self, *, kiosk: str) -> None:
        """Forget the kiosk's alias, if it has one."""
        self._aliases.pop(kiosk, None)

    def forget_idle(self, *, now: datetime) -> None:
        """Forget every alias that nobody used for too long, at kiosks that say nothing more too."""
        for kiosk in list(self._aliases):
            self.find(kiosk=kiosk, now=now)
