"""The portal door: the start page, signing in and out, and Min side."""

from app.portal import rules
from app.portal.routes import portal

__all__ = ["portal", "rules"]
