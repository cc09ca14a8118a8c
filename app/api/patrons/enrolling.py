"""A card for a new patron, and a card's activation at a library, for libraries' systems."""

from typing import Any

from flask import g, url_for
from flask.typing import ResponseReturnValue

from app.api.access import asking, spend
from app.api.document import OF_A_PATRON, WITH_BODY, no_content
from app.api.once import OnceIn, once
from app.api.patrons.reading import describe_after, patron_json, read_national_id
from app.api.patrons.schemas import ActivationIn, EnrolIn, EnrolledOut, ETagOut, PatronOut
from app.api.routes import operation, v1
from app.register.change import enrolment
from app.register.change.membership import end_affiliation
from app.register.library.fetching import FINDS, fetch_by_id
from app.register.library.joining import Papers, Proof, Shown, notify_joined, prove_joining
from app.register.library.patron_locks import ACTIVATIONS, lock_member, lock_newcomer
from app.register.library.strangers import counting_strangers
from app.register.patron.patrons import activate_card
from app.register.store.transaction import writing
from app.rules.people.contact import CONTACT_FIELDS, Contact
from app.web.access import Audience, open_to
from app.web.clock import now
from app.web.faults.errors import problem

_ENROL = "enrol"


@v1.errorhandler(enrolment.AlreadyRegistered)
def answer_known_patron(error: enrolment.AlreadyRegistered) -> ResponseReturnValue:
    """Answer with the patron who has the national id, as far as the library may know. Raises TooManyAttempts."""
    known = fetch_by_id(patron_id=error.patron_id, purpose=_ENROL, **asking())
    if known is None:
        return problem(status=409, code=error.code, detail="They have a card that only another library takes.")
    return problem(
        status=409,
        code=error.code,
        detail="Somebody with this national id has a card. Activate it instead, with a scan, the PIN or the papers.",
        more={"patron": patron_json(known)},
    )


@v1.post("/patrons")
@open_to(Audience.SYSTEM)
@v1.input(EnrolIn)
@v1.input(OnceIn, location="headers")
@v1.output(PatronOut, status_code=201, description="The card is made", headers=EnrolledOut, links=OF_A_PATRON)
@operation("enrolPatron", *WITH_BODY, 403, 409, 410, 503)
@once(spends=FINDS)
def enrol(json_data: dict[str, Any]) -> ResponseReturnValue:
    """Enrol a patron.

    Your library becomes the home library. Nobody has two cards: a national id that is known is answered with 409
    and the card number to activate. The patron is sent a link by which to choose the PIN. Without an
    `Idempotency-Key` a request that is sent again makes a second card, where there is no national id.
    """
    enrolled = _enrol(json_data)
    g.patron_id = enrolled.patron_id
    response = describe_after(_ENROL, patron_id=enrolled.patron_id, status=201)
    response.headers["Location"] = url_for("v1.fetch", card_number=enrolled.card_number)
    return response


def _enrol(sent: dict[str, Any]) -> enrolment.Enrolled:
    return enrolment.enrol_patron(
        library_id=g.machine.library_id,
        name=sent["name"],
        birth_date=sent["birth_date"],
        gender=sent["gender"],
        contact=_contact_of(sent),
        address_hidden=sent.get("address_hidden", False),
        language=sent.get("language", "nb"),
        national_id=read_national_id(sent["national_id"]) if sent.get("national_id") else None,
        guardian_consent=sent["guardian_consent"],
        card_number=sent.get("card_number"),
        now=now(),
    )


def _contact_of(sent: dict[str, Any]) -> Contact:
    likely = "email" if sent.get("email") else "sms" if sent.get("phone") else "letter"
    return Contact(**{"preferred_contact": likely} | {name: sent[name] for name in CONTACT_FIELDS if name in sent})


@v1.post("/patrons/<card:card_number>/activation")
@open_to(Audience.SYSTEM)
@v1.input(ActivationIn)
@v1.output(PatronOut, headers=ETagOut, links=OF_A_PATRON)
@operation("activateCard", *WITH_BODY, 403, 404, 409, 410, 503)
def activate(card_number: str, json_data: dict[str, Any]) -> ResponseReturnValue:
    """Activate a card.

    The first use of a card at your library: the patron stands before you and has accepted your rules. Something
    must show that: a scan at your library within the last five minutes (name its `session`, or send nothing), the
    right PIN (`pin`), or `papers` that somebody of yours has seen, which a library may name ten times an hour.
    Without any of them it is 403 `proof-missing`. The patron is notified of a PIN or papers by a message. From then
    on your system can read all data of the patron, and gets every change. It is idempotent; again it needs no proof.
    """
    spend(ACTIVATIONS)
    library_id, moment = g.machine.library_id, now()
    papers = Papers(**json_data["papers"]) if "papers" in json_data else None
    shown = Shown(session=json_data.get("session"), pin=json_data.get("pin"), papers=papers)
    with counting_strangers(library_id=library_id, now=moment):
        proof = prove_joining(card_number=card_number, shown=shown, **asking())
        with writing():
            patron = lock_newcomer(card_number=card_number, library_id=library_id)
            if json_data["guardian_consent"]:
                enrolment.note_guardian_consent(patron_id=patron.id, joining=library_id, now=moment)
            elif patron.guardian_consent_at is None and enrolment.consent_is_needed(
                library_id=library_id, birth_date=patron.birth_date, now=moment
            ):
                raise enrolment.ConsentMissing
            activate_card(patron_id=patron.id, library_id=library_id, now=moment)
            notify_joined(patron=patron, proof=proof, now=moment)
            seen = papers if proof is Proof.PAPERS else None
            return describe_after(proof.value, patron_id=patron.id, papers=seen)


@v1.delete("/patrons/<card:card_number>/activation")
@open_to(Audience.SYSTEM)
@v1.output({}, status_code=204, description="The patron has left your library")
@operation("endActivation", 403, 404, 409, 410)
def end_activation(card_number: str) -> ResponseReturnValue:
    """End a patron's use of your library.

    Where a patron wants to leave your library. If it was the home library, the one that was joined first becomes
    it. The last library is not left: a patron who wants no card any more is deleted (409 `last-library`).
    """
    spend(ACTIVATIONS)
    with counting_strangers(library_id=g.machine.library_id, now=now()), writing():
        patron = lock_member(card_number=card_number, library_id=g.machine.library_id)
        end_affiliation(patron_id=patron.id, library_id=g.machine.library_id, now=now())
    return no_content()
