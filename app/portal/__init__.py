"""The portal door: the start page, signing in and out, and Min side."""

from app.portal import erasing, rules
from app.portal.routes import portal

__all__ = ["erasing", "portal", "rules"]
