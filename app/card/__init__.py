"""The card door: the rotating card on a phone, with and without a network, in wallets, and what may show it."""

from app.card import install, phone, wallets  # noqa: F401 - their routes
from app.card.routes import card as card
