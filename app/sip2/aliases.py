"""Which card belongs to the code that each kiosk scanned last, until its patron's session ends."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.rules.card.scan import SESSION_SECONDS

IDLE = timedelta(seconds=SESSION_SECONDS)


@dataclass(slots=True)
class Alias:
    """A code as it was scanned, and the card's number. Neither is in its repr, so neither reaches a log."""

    scanned: bytes = field(repr=False)
    card_number: bytes = field(repr=False)
    used_at: datetime


class Aliases:
    """One alias for each kiosk, by its user name: some kiosks open a connection for every message."""

    def __init__(self) -> None:
        self._aliases: dict[str, Alias] = {}

    def remember(self, *, kiosk: str, scanned: bytes, card_number: bytes, now: datetime) -> Alias:
        """Remember a card that was accepted, instead of the one before."""
        alias = self._aliases[kiosk] = Alias(scanned, card_number, now)
        return alias

    def use(self, *, kiosk: str, scanned: bytes, now: datetime) -> Alias | None:
        """Return the alias for a code that is shown again, and extend it. Another card, or the time-out, ends it."""
        alias = self._aliases.get(kiosk)
        if alias is None or alias.scanned != scanned or now - alias.used_at >= IDLE:
            self.forget(kiosk=kiosk)
            return None
        alias.used_at = now
        return alias

    def forget(self, *, kiosk: str) -> None:
        """Forget the kiosk's alias, if it has one."""
        self._aliases.pop(kiosk, None)

    def forget_idle(self, *, now: datetime) -> None:
        """Forget every alias that has timed out, also of kiosks that send nothing more."""
        self._aliases = {kiosk: alias for kiosk, alias in self._aliases.items() if now - alias.used_at < IDLE}
