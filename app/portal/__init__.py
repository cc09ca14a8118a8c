"""The portal door: the start page, signing in and out, PINs, and Min side."""

from app.portal import erasing, new_device, new_pin, pin, rules
from app.portal.routes import portal

__all__ = ["erasing", "new_device", "new_pin", "pin", "portal", "rules"]
