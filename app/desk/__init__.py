"""The desk door: staff sign in, scan a card, and see what to do."""

from app.desk import counter, frame, items, post
from app.desk.routes import desk

__all__ = ["counter", "desk", "frame", "items", "post"]
