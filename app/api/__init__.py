"""The api door: what libraries' systems and kiosks call, with HTTP Basic over HTTPS, answered in JSON."""

from app.api import changes, pin_checks, self_service  # noqa: F401 - their routes
from app.api.libraries import reading as public_reading  # noqa: F401 - its routes
from app.api.patrons import correcting, enrolling, leaving, number_series, pushing, reading  # noqa: F401
from app.api.routes import api as api
from app.api.routes import v1 as v1
from app.api.scanning import route  # noqa: F401 - its routes
from app.api.scanning.at_once import ScanAtOnce as ScanAtOnce
