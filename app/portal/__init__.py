"""The portal door: the start page, signing in and out, PINs, Min side, and a patron's own data."""

from app.portal import correct, data, erasing, export, new_device, new_pin, pin, privacy, rules, security_txt
from app.portal.routes import portal

__all__ = [
    "correct",
    "data",
    "erasing",
    "export",
    "new_device",
    "new_pin",
    "pin",
    "portal",
    "privacy",
    "rules",
    "security_txt",
]
