"""Card numbers for libraries that issue cards by themselves."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue

from app.api.document import WITH_BODY
from app.api.once import OnceIn, once
from app.api.routes import operation, v1
from app.api.schemas import SeriesIn, SeriesOut
from app.register.patron.numbers import SERIES, reserve_series
from app.web.access import Audience, open_to
from app.web.clock import now


@v1.post("/number-series")
@open_to(Audience.SYSTEM)
@v1.input(SeriesIn)
@v1.input(OnceIn, location="headers")
@v1.output(SeriesOut, status_code=201, description="They are your library's")
@operation("reserveNumbers", *WITH_BODY, 403, 409)
@once(spends=SERIES)
def reserve(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Reserve card numbers.

    Numbers for cards that your library prints, to be given to patrons by `POST /api/v1/patrons`. No number is ever
    reserved twice, or drawn for somebody else. At most 100,000 at a time, and ten times a day.
    """
    series = reserve_series(library_id=g.machine.library_id, count=json_data["count"], now=now())
    return {"first": series.first, "last": series.last, "count": json_data["count"]}, 201
