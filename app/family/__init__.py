"""The family door: the family folder, and the loans of oneself and of those who permit it."""

from app.family import calendar, cost, holds, interlibrary, loans, reminders  # noqa: F401 - their routes
from app.family.routes import family as family
