"""Which wallets the card can be put into: what the operator has, and what the patron may have."""

from dataclasses import dataclass

from flask import current_app
from flask_login import current_user

from app.register.card.wallet_passes import allowed_passes
from app.rules.card.wallet_issuers import AppleIssuer, GoogleIssuer
from app.web.clock import now
from app.web.sign_in.identity import keeps_card


@dataclass(frozen=True, slots=True)
class Wallets:
    """Whoever makes passes here; None where the operator has no such issuer."""

    google: GoogleIssuer | None
    apple: AppleIssuer | None


@dataclass(frozen=True, slots=True)
class Offer:
    """Which passes this patron can be given. Only on an own device is there something to press."""

    google: bool
    apple: bool
    own_device: bool

    @property
    def anything(self) -> bool:
        """Whether there is any."""
        return self.google or self.apple


def wallets() -> Wallets:
    """Return whoever can make passes now. Apple shows none that an expired certificate signed."""
    known: Wallets = current_app.extensions["wallets"]
    if known.apple is not None and known.apple.expires_at <= now():
        return Wallets(google=known.google, apple=None)
    return known


def has_wallets() -> bool:
    """Tell whether any pass can be made here."""
    return wallets() != Wallets(google=None, apple=None)


def offered_passes() -> Offer:
    """Return what the patron who is signed in can be given now."""
    if not has_wallets():
        return Offer(google=False, apple=False, own_device=keeps_card())
    allowed = allowed_passes(patron_id=current_user.patron_id)
    return Offer(
        google=wallets().google is not None and allowed.rotating,
        apple=wallets().apple is not None and allowed.static,
        own_device=keeps_card(),
    )
