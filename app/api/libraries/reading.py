"""Libraries and their hours for websites and systems: the same for everybody, without a password, about nobody."""

from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from flask import Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from app.api.libraries.schemas import WEEKDAYS, AskedBeforeIn, ForEverybodyOut, LibrariesOut, LibraryOut
from app.api.routes import operation, v1
from app.register.face.facts import KnownLibrary, get_library, list_branches, list_libraries
from app.register.face.opening import read_branch_hours, read_hours
from app.register.limits.budgets import from_source, take_tries
from app.register.patron.libraries import check_library
from app.rules.library.opening import Opening, OpeningHours, clock, exception_on, openings_on, week_on
from app.rules.pins.pin import Budget
from app.web.access import Audience, open_to
from app.web.clock import now

PUBLIC: Final = Budget("public libraries", limit=600, seconds=600)
SHOWN_DAYS: Final = 14
_KEPT: Final = 300
_ASKED_EVERY: Final = 24 * 3600
_FOR_PAGES: Final = ("v1.libraries", "v1.library")
_SAME = "It is as your `If-None-Match` has it"


@v1.get("/libraries")
@open_to(Audience.ANYONE)
@v1.input(AskedBeforeIn, location="headers")
@v1.output(LibrariesOut, headers=ForEverybodyOut)
@operation("listLibraries", is_public=True, _304=_SAME)
def libraries(headers_data: dict[str, Any]) -> ResponseReturnValue:
    """List all libraries.

    How to reach each of them. Open to everyone, also to pages of other websites (CORS), 600 times in ten minutes from
    one network address, together with those of single libraries. Keep the answer for as long as `Cache-Control` says.
    """
    take_tries(tries=from_source(PUBLIC, request.remote_addr or ""), now=now())
    return _for_everybody({"libraries": [_brief(each) for each in list_libraries()]})


@v1.get("/libraries/<library_id>")
@open_to(Audience.ANYONE)
@v1.input(AskedBeforeIn, location="headers")
@v1.output(LibraryOut, headers=ForEverybodyOut)
@operation("fetchLibrary", is_public=True, _304=_SAME, _404="No library has this id")
def library(library_id: str, headers_data: dict[str, Any]) -> ResponseReturnValue:
    """Fetch a library.

    How to reach it, its branches, its regular week, and its hours of today and the 13 days after it, in which
    exceptions and coming weeks are applied. Times are those of the time zone that it names. Open to everyone, as the
    list is.
    """
    take_tries(tries=from_source(PUBLIC, request.remote_addr or ""), now=now())
    check_library(library_id)
    known, hours = get_library(library_id=library_id), read_branch_hours(library_id=library_id)
    branches = [
        _without_unknown(
            {"id": str(branch.id), **asdict(branch.facts)} | {"hours": "", "hours_note": branch.facts.hours}
        )
        | _hours(hours.get(branch.id))
        for branch in list_branches(library_id=library_id)
    ]
    return _for_everybody(_brief(known) | _hours(read_hours(library_id=library_id)) | {"branches": branches})


def _brief(known: KnownLibrary) -> dict[str, Any]:
    page = current_app.config["PUBLIC_URL"].rstrip("/") + url_for("portal.library", library_id=known.id)
    return _without_unknown({"id": known.id, "time_zone": known.time_zone, "page": page, **asdict(known.facts)})


def _without_unknown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _hours(hours: OpeningHours | None) -> dict[str, Any]:
    """Return `hours`, or nothing where none are known."""
    if hours is None or not hours.weeks:
        return {}
    today = now().astimezone(hours.zone).date()
    valid = week_on(hours, today)
    week = [
        {
            "weekday": weekday,
            "spans": [
                {"opens": clock(span.opens), "closes": clock(span.closes), "staffed": span.staffed} for span in spans
            ],
        }
        for weekday, spans in zip(WEEKDAYS, valid.days if valid else ((),) * len(WEEKDAYS), strict=True)
    ]
    dates = [_date(hours, today + timedelta(days=ahead)) for ahead in range(SHOWN_DAYS)]
    midnight = datetime.combine(today, time(0), hours.zone)
    # So that the answer alone says whether it is open now.
    lasting = [each for each in openings_on(hours, today - timedelta(days=1)) if each.closes > midnight]
    dates[0]["openings"][:0] = [_opening(each, hours) for each in lasting]
    return {"hours": {"week": week, "dates": dates}}


def _date(hours: OpeningHours, day: date) -> dict[str, Any]:
    exception = exception_on(hours, day)
    openings = [_opening(each, hours) for each in openings_on(hours, day)]
    described = {"date": day.isoformat(), "exceptional": exception is not None, "openings": openings}
    return described | ({"note": exception.note} if exception and exception.note else {})


def _opening(opening: Opening, hours: OpeningHours) -> dict[str, Any]:
    opens, closes = (instant.astimezone(hours.zone).isoformat() for instant in (opening.opens, opening.closes))
    return {"opens": opens, "closes": closes, "staffed": opening.staffed}


def _for_everybody(values: dict[str, Any]) -> ResponseReturnValue:
    """Return an answer that anybody may keep for a while."""
    response = jsonify(values)
    response.cache_control.public, response.cache_control.max_age = True, _KEPT
    response.add_etag()
    return response.make_conditional(request)


@v1.after_request
def let_other_websites_read(response: Response) -> Response:
    """Let a page of another website read the answer, refusals too, and ask first whether it may name an entity tag."""
    if request.endpoint in _FOR_PAGES:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Headers"] = "If-None-Match"
            response.headers["Access-Control-Max-Age"] = str(_ASKED_EVERY)
    return response
