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
    """The issuers of passes; None where the operator has no such issuer."""

    google: GoogleIssuer | None
    apple: AppleIssuer | None


@dataclass(frozen=True, slots=True)
class Offer:
    """Which passes this patron can be given. The pages have buttons for them on the patron's own device only."""

    google: bool
    apple: bool
    own_device: bool

    @property
    def anything(self) -> bool:
        """Whether there is any."""
        return self.google or self.apple


def wallets() -> Wallets:
    """Return the issuers that can make passes now. Apple shows no pass that was signed with an expired certificate."""
    known: Wallets = current_app.extensions["wallets"]
    expired = known.apple is not None and known.apple.expires_at <= now()
    return Wallets(google=known.google, apple=None) if expired else known


def has_wallets() -> bool:
    """Tell whether any pass can be made here."""
    return wallets() != Wallets(google=None, apple=None)


def offered_passes() -> Offer:
    """Return what the patron who is signed in can be given now."""
    makers = wallets()
    allowed = allowed_passes(patron_id=current_user.patron_id) if has_wallets() else None
    return Offer(
        google=bool(makers.google and allowed and allowed.rotating),
        apple=bool(makers.apple and allowed and allowed.static),
        own_device=keeps_card(),
    )
