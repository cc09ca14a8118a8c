"""The one place where the doors read the clock."""

from datetime import UTC, date, datetime

from flask import current_app

from app.rules.people.ages import day_in_norway


def now() -> datetime:
    """Return this instant, aware, in UTC. `CLOCK` in the app's config may be another clock."""
    return current_app.config["CLOCK"]().astimezone(UTC)


def today() -> date:
    """Return this day on the patron's calendar, which is Norway's."""
    return day_in_norway(now())
