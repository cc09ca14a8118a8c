"""The api door: what libraries' systems and kiosks call, with HTTP Basic over HTTPS, answered in JSON."""

from app.api import patrons
from app.api.routes import api, v1

__all__ = ["api", "patrons", "v1"]
