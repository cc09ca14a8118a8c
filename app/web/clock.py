"""The one place where the doors read the clock."""

from datetime import UTC, datetime

from flask import current_app


def now() -> datetime:
    """Return this instant, aware, in UTC. `CLOCK` in the app's config may be another clock."""
    instant: datetime = current_app.config["CLOCK"]()
    return instant.astimezone(UTC)
