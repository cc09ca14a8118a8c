"""The family door: the family folder, and the loans of oneself and of those who permit it."""

from app.family import cost, interlibrary, loans
from app.family.routes import family

__all__ = ["cost", "family", "interlibrary", "loans"]
