"""Which card belongs to the code that each kiosk scanned last, until its patron's session ends."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.rules.card.scan import SESSION_SECONDS

IDLE = timedelta(seconds=SESSION_SECONDS)
_STATIC_LENGTH = 16


@dataclass(slots=True)
class Alias:
    """A code's digits, and the card's number. Neither is in its repr, so neither reaches a log."""

    code: bytes = field(repr=False)
    card_number: bytes = field(repr=False)
    used_at: datetime


class Aliases:
    """One alias for each kiosk, by its user name: some kiosks open a connection for every message. A rotating code
    whose session has ended is used up: the register would still accept it from the same kiosk."""

    def __init__(self) -> None:
        self._aliases: dict[str, Alias] = {}
        self._used_up: dict[tuple[str, bytes], datetime] = {}

    def remember(self, *, kiosk: str, code: bytes, card_number: bytes, now: datetime) -> Alias:
        """Remember a card that was accepted, instead of the one before."""
        alias = self._aliases[kiosk] = Alias(code, card_number, now)
        return alias

    def use(self, *, kiosk: str, code: bytes, now: datetime) -> Alias | None:
        """Return the alias for a code that is shown again, and extend it. Another card, or the time-out, ends it."""
        alias = self._aliases.get(kiosk)
        if alias is None or alias.code != code or now - alias.used_at >= IDLE:
            self.end(kiosk=kiosk, now=now)
            return None
        alias.used_at = now
        return alias

    def is_used_up(self, *, kiosk: str, code: bytes) -> bool:
        """Return whether the code's session at this kiosk has ended."""
        return (kiosk, code) in self._used_up

    def end(self, *, kiosk: str, now: datetime) -> None:
        """End the session of the kiosk's patron, if there is one."""
        alias = self._aliases.pop(kiosk, None)
        if alias is not None and len(alias.code) > _STATIC_LENGTH:
            self._used_up[kiosk, alias.code] = now

    def tidy(self, *, now: datetime) -> None:
        """End every session that has timed out, and forget used codes that the register refuses by now."""
        for kiosk in [kiosk for kiosk, alias in self._aliases.items() if now - alias.used_at >= IDLE]:
            self.end(kiosk=kiosk, now=now)
        self._used_up = {used: ended_at for used, ended_at in self._used_up.items() if now - ended_at < IDLE}
