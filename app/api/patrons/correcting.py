"""Correcting a patron, for libraries' systems."""

from dataclasses import replace
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue

from app.api.access import spend
from app.api.document import OF_A_PATRON, WITH_BODY
from app.api.patrons.matching import MatchIn, match, require_match
from app.api.patrons.reading import describe_after, etag_of
from app.api.patrons.schemas import CorrectionIn, ETagOut, PatronOut
from app.api.routes import operation, v1
from app.register.change.corrections import Correction, correct_patron
from app.register.library.patron_locks import ACTS, lock_member
from app.register.library.strangers import counting_strangers
from app.register.limits.unusual import Kind, count_act
from app.register.store.transaction import writing
from app.rules.people.contact import CONTACT_FIELDS, Contact
from app.rules.people.fields import FIELDS, Editor
from app.web.access import Audience, open_to
from app.web.clock import now


@v1.patch("/patrons/<card:card_number>")
@open_to(Audience.SYSTEM)
@v1.input(CorrectionIn)
@v1.input(MatchIn, location="headers")
@v1.output(PatronOut, headers=ETagOut, links=OF_A_PATRON)
@operation("correctPatron", *WITH_BODY, 403, 404, 409, 410, 412, 428, 503)
def correct(card_number: str, json_data: dict[str, Any], headers_data: dict[str, Any]) -> ResponseReturnValue:
    """Correct a patron.

    A JSON merge patch (RFC 7396): what is left out stays, null removes. Only of patrons who have joined your
    library, and only these fields: home library, permissions and PIN are the patron's own. Name, birth date and
    gender are changed against identification. The patron is notified of new contact data, at the old address too. What
    a library writes is not proven: links and codes go to the proven address until the patron confirms the new one.
    """
    require_match()
    spend(ACTS)
    count_act(Kind.CORRECTION, library_id=g.machine.library_id, now=now())
    library_id = g.machine.library_id
    with counting_strangers(library_id=library_id, now=now()), writing():
        patron = lock_member(card_number=card_number, library_id=library_id)
        match(etag_of(patron.id))
        changes = _changes(Contact.of(patron), json_data)
        correct_patron(patron_id=patron.id, changes=changes, library_id=library_id, now=now())
        return describe_after("correct", patron_id=patron.id)


def _changes(known: Contact, sent: dict[str, Any]) -> Correction:
    given = {name: sent[name] for name in CONTACT_FIELDS if name in sent}
    contact = replace(known, **given) if given else None
    others = [field.name for field in FIELDS if Editor.SYSTEM in field.editors and field.name not in CONTACT_FIELDS]
    return Correction(contact=contact, **{name: sent[name] for name in others if name in sent})
