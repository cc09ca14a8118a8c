"""The api door: what libraries' systems and kiosks call, with HTTP Basic over HTTPS, answered in JSON."""

from app.api import changes as changes
from app.api import pin_checks as pin_checks
from app.api import self_service as self_service
from app.api.patrons import correcting as correcting
from app.api.patrons import enrolling as enrolling
from app.api.patrons import leaving as leaving
from app.api.patrons import number_series as number_series
from app.api.patrons import reading as reading
from app.api.routes import api as api
from app.api.routes import v1 as v1
