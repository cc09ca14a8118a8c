"""The settings of a library, each declared once under its column's name."""

from dataclasses import dataclass
from typing import Final

from app.rules.errors import RuleBroken


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrarySetting:
    """A switch, or a whole number from `least` to `most`, depending on `default`. `says` what it does."""

    name: str
    default: bool | int
    says: str
    least: int = 0
    most: int = 0

    @property
    def takes(self) -> str:
        """What may be set."""
        return "on or off" if isinstance(self.default, bool) else f"a whole number from {self.least} to {self.most}"

    def read(self, text: str) -> bool | int:
        """Parse a value. Raises SettingNotValid."""
        if isinstance(self.default, bool):
            if text not in ("on", "off"):
                raise SettingNotValid
            return text == "on"
        if not (text.isascii() and text.isdigit() and len(text) < 10 and self.least <= int(text) <= self.most):
            raise SettingNotValid
        return int(text)

    def write(self, value: bool | int) -> str:
        """Return a value as `read` parses it."""
        return ("on" if value else "off") if isinstance(self.default, bool) else str(value)


class SettingNotValid(RuleBroken):
    """The setting does not take this value."""


LIBRARY_SETTINGS: Final = {
    each.name: each
    for each in (
        LibrarySetting(name="online_activation", default=False, says="Patrons may activate their card online."),
        LibrarySetting(
            name="static_codes",
            default=False,
            says="Codes that stand still are taken, as Apple Wallet shows them. Anybody can copy such a code.",
        ),
        LibrarySetting(
            name="desks_share_scans", default=False, says="A code that one staffed desk took is good at the others too."
        ),
        LibrarySetting(
            name="names_on_slips",
            default=False,
            says="Hold slips and receipts show the patron's name; off, slips show initials and the card's last digits.",
        ),
        LibrarySetting(
            name="consent_age", default=15, least=0, most=18, says="Under this age a guardian consents to the card."
        ),
    )
}
