"""Patrons who want no card any more, or have died, as libraries' systems report them."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue

from app.api.access import spend
from app.api.document import WITH_BODY, no_content
from app.api.patrons.matching import MatchIn, match_if_asked
from app.api.patrons.reading import etag_of, read_national_id
from app.api.patrons.schemas import DeathIn, DeathOut, ErasedOut
from app.api.routes import operation, v1
from app.register.change.deaths import report_death, withdraw_death_report
from app.register.leaving.erasure import ASKED, erase_patron
from app.register.library.patron_locks import DEATHS, ERASURES, lock_at_home, lock_known
from app.register.library.strangers import counting_strangers
from app.register.patron.patrons import NoSuchPatron, find_by_national_id, lock_patron
from app.register.store.transaction import writing
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import problem


@v1.delete("/patrons/<card:card_number>")
@open_to(Audience.SYSTEM)
@v1.input(MatchIn, location="headers")
@v1.output(ErasedOut, description="They are deleted, at every library")
@operation("deletePatron", 403, 404, 409, 410, 412, 422)
def erase(card_number: str, headers_data: dict[str, Any]) -> ResponseReturnValue:
    """Delete a patron everywhere.

    On behalf of a patron who stands before you and wants to be deleted everywhere; only the home library may.
    Nothing of them is left, and it cannot be undone: each of their libraries is notified, and yours too. A patron who
    only leaves your library keeps the card (`DELETE …/activation`). `If-Match` is heeded, and not required. A library
    may delete 50 times a day.
    """
    spend(ERASURES)
    with counting_strangers(library_id=g.machine.library_id, now=now()), writing():
        patron = lock_at_home(card_number=card_number, library_id=g.machine.library_id)
        match_if_asked(etag_of(patron.id))
        return {"receipt": erase_patron(patron_id=patron.id, reason=ASKED, now=now())}


@v1.post("/deaths")
@open_to(Audience.SYSTEM)
@v1.input(DeathIn)
@v1.output(DeathOut, status_code=202, description="The card is stopped, and all is erased by then")
@operation("reportDeath", *WITH_BODY, 403, 404, 410)
def report(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Report a death.

    Of a patron who has joined your library, by card number or national id. The card stops immediately, and within 24
    hours the patron is deleted at every library. Until then you can take it back. Reporting it again changes
    nothing. A library may report 100 times a day.
    """
    if len(json_data) != 1:
        return problem(status=422, code="invalid", detail="Send either card_number or national_id.")
    spend(DEATHS)
    with counting_strangers(library_id=g.machine.library_id, now=now()), writing():
        patron_id = _whom(json_data)
        report_death(patron_id=patron_id, library_id=g.machine.library_id, now=now())
        return {"erase_by": lock_patron(patron_id).erase_at}


def _whom(sent: dict[str, Any]) -> int:
    if "card_number" in sent:
        return lock_known(card_number=sent["card_number"], library_id=g.machine.library_id).id
    found = find_by_national_id(read_national_id(sent["national_id"]))
    if found is None:
        raise NoSuchPatron
    return found


@v1.delete("/deaths/<card:card_number>")
@open_to(Audience.SYSTEM)
@v1.output({}, status_code=204, description="The card works as before")
@operation("withdrawDeath", 403, 404, 410)
def withdraw(card_number: str) -> ResponseReturnValue:
    """Take a report of a death back.

    Where it was a mistake, by the library that made it, until all is erased.
    """
    spend(DEATHS)
    with counting_strangers(library_id=g.machine.library_id, now=now()), writing():
        patron = lock_known(card_number=card_number, library_id=g.machine.library_id)
        withdraw_death_report(patron_id=patron.id, library_id=g.machine.library_id, now=now())
    return no_content()
