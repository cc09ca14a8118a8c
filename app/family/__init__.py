"""The family door: the family folder, and the loans of oneself and of those who permit it."""

from app.family import cost, interlibrary, loans  # noqa: F401 - their routes
from app.family.routes import family as family
