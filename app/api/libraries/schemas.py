"""The shapes of what everybody may read of libraries."""

from apiflask import Schema
from apiflask.fields import Boolean, Date, DateTime, List, Nested, String
from apiflask.validators import OneOf

from app.api.fields import about

_ETAG = {"example": '"0f3a5c7e91b24d68"'}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class AskedBeforeIn(Schema):
    """What was answered before."""

    if_none_match = String(
        data_key="If-None-Match",
        metadata=_ETAG | about("the `ETag` of the answer that you have: 304 if it is the same"),
    )


class ForEverybodyOut(Schema):
    """The headers of an answer that is the same for everybody."""

    etag = String(required=True, data_key="ETag", metadata=about("names this answer; send it back as `If-None-Match`"))
    cache_control = String(
        required=True,
        data_key="Cache-Control",
        metadata=about("for how long to keep it", example="public, max-age=300"),
    )


class AddressOut(Schema):
    """Where it is. What is not known is left out, here and below."""

    address = String(metadata=about("street and number", example="Storgata 1"))
    postcode = String(metadata={"example": "2050"})
    place = String(metadata={"example": "Jessheim"})
    phone = String(metadata={"example": "+47 99 90 00 10"})


class SpanOut(Schema):
    """Hours of a weekday."""

    opens = String(required=True, metadata=about("local time", example="10:00"))
    closes = String(
        required=True,
        metadata=about("local time; of the next day where it is not later than `opens`", example="19:00"),
    )
    staffed = Boolean(
        required=True, metadata=about("false: patrons let themselves in; where both overlap there is staff")
    )


class WeekdayOut(Schema):
    """A day of the regular week."""

    weekday = String(required=True, validate=OneOf(WEEKDAYS))
    spans = List(Nested(SpanOut), required=True, metadata=about("empty: closed"))


class OpeningOut(Schema):
    """Hours of a date, as instants with the offset of the library's time zone."""

    opens = DateTime(required=True, metadata={"example": "2026-11-30T10:00:00+01:00"})
    closes = DateTime(required=True, metadata=about("may be on the next date", example="2026-11-30T19:00:00+01:00"))
    staffed = Boolean(
        required=True, metadata=about("false: patrons let themselves in; where both overlap there is staff")
    )


class DateOut(Schema):
    """A date with its hours, exceptions applied."""

    date = Date(required=True, metadata=about("the library's local date"))
    exceptional = Boolean(required=True, metadata=about("other hours than the regular week's were entered for it"))
    note = String(metadata=about("why, such as a holiday, in the library's words"))
    openings = List(
        Nested(OpeningOut),
        required=True,
        metadata=about("that begin on it, and on the first date what lasts from the day before; empty: closed"),
    )


class HoursOut(Schema):
    """When a library, or a branch, is open."""

    week = List(Nested(WeekdayOut), required=True, metadata=about("the week that is valid today, from Monday on"))
    dates = List(Nested(DateOut), required=True, metadata=about("today and the 13 days after it"))


class BranchOut(AddressOut):
    """Another place of a library."""

    id = String(required=True, metadata=about("names the branch; opaque"))
    name = String(required=True)
    hours = Nested(HoursOut, metadata=about("left out where the library has not entered any"))
    hours_note = String(metadata=about("what the hours do not say, in the library's words"))


class LibraryBriefOut(AddressOut):
    """A library and how to reach it."""

    id = String(required=True, metadata=about("biblioteknummer (Norway) or sigel (Sweden); opaque", example="2023500"))
    name = String(required=True)
    email = String(metadata={"example": "post@bibliotek.example.org"})
    website = String(metadata={"example": "https://bibliotek.example.org"})
    time_zone = String(
        required=True, metadata=about("of its hours, as the IANA database names it", example="Europe/Oslo")
    )
    page = String(required=True, metadata=about("the address of its page for people"))


class LibraryOut(LibraryBriefOut):
    """A library with its hours and its branches. Due dates follow the library's own hours, never a branch's."""

    hours = Nested(HoursOut, metadata=about("left out where the library has not entered any"))
    branches = List(Nested(BranchOut), required=True)


class LibrariesOut(Schema):
    """All libraries."""

    libraries = List(Nested(LibraryBriefOut), required=True, metadata=about("by name"))
