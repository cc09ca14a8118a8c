"""Due dates as a calendar (RFC 5545), asked of the libraries at that moment: nothing of it is kept here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from flask import current_app
from flask_babel import gettext as _
from icalendar import Calendar, Event

from app.ils.overview import ask_libraries
from app.ils.port import Loan, Unavailable
from app.register.card.families import view_family
from app.register.messages.calendar_addresses import event_id
from app.register.patron.patrons import list_affiliations
from app.web.gate import library_systems

FETCH_EVERY: Final = timedelta(hours=6)
MEDIA_TYPE: Final = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Due:
    """A loan with its due date, whose it is (empty: the calendar's owner's), and at which library."""

    loan: Loan
    on: date
    whose: str
    library_id: str
    library: str


def write_calendar(*, patron_id: int, now: datetime) -> bytes:
    """Return the due dates of a patron and of those who permit it, in the language of the request.

    Access to others' loans is logged first. Raises Unavailable where a library does not answer in full: a calendar
    would take what is left out for returned.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Lånekort//due dates//NO")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _("Library loans"))
    calendar.add("refresh-interval", FETCH_EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT6H")
    for due in _ask(patron_id=patron_id, now=now):
        calendar.add_component(_event(due, now=now))
    return calendar.to_ical()


def _ask(*, patron_id: int, now: datetime) -> Iterator[_Due]:
    people = view_family(guardian_id=patron_id, now=now)
    joined = list_affiliations(patron_ids=[person.patron_id for person in people])
    names = {library_id: name for libraries in joined.values() for library_id, name in libraries.items()}
    wanted = {
        library_id: [person.card_number for person in people if library_id in joined[person.patron_id]]
        for library_id in names
    }
    overview = ask_libraries(systems=library_systems(), wanted=wanted)
    if overview.unavailable:
        raise Unavailable("no_answer")
    for person in people:
        for library_id, account in overview.of(person.card_number):
            if account.unread_loans != 0:
                raise Unavailable("bad_answer")
            for loan in account.loans:
                if loan.due_on is None and not loan.title:  # what it is did not come in time
                    raise Unavailable("bad_answer")
                if loan.due_on is not None:
                    whose = "" if person.permission_id is None else person.name
                    yield _Due(loan, loan.due_on, whose, library_id, names[library_id])


def _event(due: _Due, *, now: datetime) -> Event:
    event = Event()
    host = current_app.config["PUBLIC_URL"].partition("://")[2].partition(":")[0]
    event.add("uid", f"{event_id(library_id=due.library_id, loan_id=due.loan.loan_id)}@{host}")
    event.add("dtstamp", now)
    event.add("dtstart", due.on)
    event.add("dtend", due.on + timedelta(days=1))
    title = due.loan.title or _("Unknown title")
    event.add("summary", _("Return: %(title)s", title=f"{title} ({due.whose})" if due.whose else title))
    event.add("location", due.library)
    # A day on which somebody has something to return is not a day on which they are busy.
    event.add("transp", "TRANSPARENT")
    event.add("class", "PRIVATE")
    return event
