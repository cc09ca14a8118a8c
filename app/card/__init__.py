"""The card door: the rotating card on a phone, with and without a network, and the devices that may show it."""

from app.card import install, phone
from app.card.routes import card

__all__ = ["card", "install", "phone"]
