"""The api door: what libraries' systems and kiosks call, with HTTP Basic over HTTPS, answered in JSON."""

from app.api import changes, correcting, enrolling, leaving, number_series, patrons, pin_checks, self_service
from app.api.routes import api, v1

__all__ = [
    "api",
    "changes",
    "correcting",
    "enrolling",
    "leaving",
    "number_series",
    "patrons",
    "pin_checks",
    "self_service",
    "v1",
]
