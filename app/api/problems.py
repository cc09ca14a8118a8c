"""problem+json for what the api door refuses, and the OpenAPI document's frame."""

import re
from typing import Any

from apiflask import APIBlueprint, APIFlask
from apiflask.exceptions import HTTPError
from flask import request
from flask.typing import ResponseReturnValue

from app.api.access import NotForSuppliers, SystemsOnly
from app.api.document import describe_as_it_is
from app.api.patrons.matching import ChangedMeanwhile, MatchMissing
from app.api.schemas import Problem
from app.register.change.deaths import NotYourReport
from app.register.change.enrolment import ConsentMissing
from app.register.change.membership import LastLibrary
from app.register.library.feed import CursorPassed, NotACursor, NotKept
from app.register.library.joining import ProofMissing
from app.register.library.kept_answers import KeyReused
from app.register.library.patron_locks import NotTheirHome
from app.register.log.access_log import ErasedMeanwhile
from app.register.patron.libraries import NoSuchLibrary
from app.register.patron.numbers import NoNumbersLeft, NumberNotReserved, NumberWasIssued, PatronGone
from app.register.patron.patrons import NoSuchPatron, NotJoined
from app.rules.card.number import NotACardNumber
from app.rules.card.status import CardRefused, State
from app.rules.errors import RuleBroken
from app.rules.people.contact import ContactNotValid
from app.rules.people.national_id import NotANationalId, SyntheticNationalId
from app.rules.people.person import PersonNotValid
from app.web.faults.errors import problem
from app.work.pushing import NoPush

_REFUSALS: dict[type[RuleBroken], tuple[int, str]] = {
    ChangedMeanwhile: (412, "The patron has changed since you fetched them. Fetch them again."),
    CursorPassed: (410, "What came after the cursor is deleted in part. Fetch your patrons anew."),
    KeyReused: (422, "The key was sent with another request before. Choose a new one."),
    LastLibrary: (409, "It is the patron's last library. Delete a patron who wants no card any more."),
    ErasedMeanwhile: (410, "The patron was erased meanwhile."),
    MatchMissing: (428, "Send the ETag of the patron that you saw as If-Match."),
    NoPush: (409, "The patron wants this by another way, or has switched notifications on nowhere."),
    NoNumbersLeft: (409, "There are not that many numbers left."),
    NotJoined: (403, "The patron has not joined your library. Activate the card first."),
    NotForSuppliers: (403, "A supplier of e-books may ask yes or no, and no more."),
    ProofMissing: (
        403,
        "Nothing shows that the patron is there. Scan the card, send the PIN, or name the papers that were seen.",
    ),
    NotTheirHome: (403, "Only the home library deletes a patron everywhere. End their use of your library instead."),
    NotYourReport: (403, "Another library reported the death, and only it takes that back."),
    NumberWasIssued: (409, "The number was given to somebody before."),
    NoSuchLibrary: (404, "No library has this id."),
    NoSuchPatron: (404, "No patron has this card number or national id."),
    PatronGone: (410, "The patron with this card number was erased. Erase them in your system too."),
    SystemsOnly: (403, "A kiosk may scan and check PINs, and no more."),
}
_CARD_STATES = {
    State.DECEASED: "The card's holder is reported dead. It is left as it is.",
    State.LOST: "The card is reported lost. Ask for photo id, and give the patron a new card.",
    State.FROZEN: "The card is frozen by its holder. It is left as it is.",
    State.LOCAL: "Only another library takes this card.",
}
_CURSOR = "after"
_NO_NATIONAL_ID = ("national_id", "The national id is of no kind that the register knows.")
_FAULTY_FIELDS: dict[type[RuleBroken], tuple[str, str]] = {
    ConsentMissing: ("guardian_consent", "Somebody of this age needs a guardian's consent at your library."),
    NotACursor: (_CURSOR, "The cursor is none that your library was given."),
    NotANationalId: _NO_NATIONAL_ID,
    NotKept: ("kept", "Something is kept of a patron who did not leave, or who left later than that."),
    NumberNotReserved: ("card_number", "The card number is in none of the series that your library reserved."),
    SyntheticNationalId: _NO_NATIONAL_ID,
}
_KINDS: dict[type[RuleBroken], str] = {ConsentMissing: "missing"}
_FIELD_NAME = re.compile(r"[A-Za-z_-]{1,40}")


def answer_refusals(blueprint: APIBlueprint) -> None:
    """Register an error handler, with status and sentence, for each rule that may be broken here."""
    for error, (status, detail) in _REFUSALS.items():
        blueprint.register_error_handler(error, _refusal(status, detail))
    for error, (field, said) in _FAULTY_FIELDS.items():
        blueprint.register_error_handler(error, _faulty(field, said))
    blueprint.register_error_handler(CardRefused, _card_refused)
    for error in (PersonNotValid, ContactNotValid):
        blueprint.register_error_handler(error, _faults)
    blueprint.register_error_handler(NotACardNumber, _refusal(404, _REFUSALS[NoSuchPatron][1], NoSuchPatron.code))


def _refusal(status: int, detail: str, code: str = "") -> Any:  # noqa: ANN401
    def answer(error: RuleBroken) -> ResponseReturnValue:
        return problem(status=status, code=code or error.code, detail=detail)

    return answer


def _card_refused(error: CardRefused) -> ResponseReturnValue:
    return problem(status=409, code=error.code, detail=_CARD_STATES[error.state])


def _faulty(field: str, said: str) -> Any:  # noqa: ANN401
    def answer(error: RuleBroken) -> ResponseReturnValue:
        # Whether a national id is that of a test person is nobody's business.
        code = NotANationalId.code if isinstance(error, SyntheticNationalId) else error.code
        # The cursor has one name when it is acknowledged, and another one when it is read from.
        name = "up_to" if field == _CURSOR and request.method == "POST" else field
        return problem(status=422, code=code, detail=said, errors={name: _KINDS.get(type(error), "not-valid")})

    return answer


def _faults(error: PersonNotValid | ContactNotValid) -> ResponseReturnValue:
    detail = f"Not valid: {', '.join(sorted(error.faults))}."
    return problem(status=422, code=error.code, detail=detail, errors=error.faults)


def use_problem_json(app: APIFlask) -> None:
    """Answer unreadable and invalid bodies with problem+json, and say so in the document."""
    app.security_schemes = {"basic": {"type": "http", "scheme": "basic"}}
    app.config["HTTP_ERROR_SCHEMA"] = Problem
    app.config["VALIDATION_ERROR_SCHEMA"] = Problem
    app.spec_processor(describe_as_it_is)

    @app.errorhandler(HTTPError)
    def invalid(error: HTTPError) -> ResponseReturnValue:
        # Which field is wrong is said; what was in it is not repeated.
        errors = _field_errors(error.detail)
        detail = f"Not valid: {', '.join(sorted(errors))}." if errors else "The request could not be read."
        return problem(status=error.status_code, code="invalid", detail=detail, errors=errors)


def _field_errors(detail: object) -> dict[str, str]:
    places = detail.values() if isinstance(detail, dict) else ()
    found = [(str(field), messages) for place in places if isinstance(place, dict) for field, messages in place.items()]
    # What is no name of a field may be anything that somebody sent in the wrong place.
    return {field if _FIELD_NAME.fullmatch(field) else "(unknown)": _kind(messages) for field, messages in found}


def _kind(messages: object) -> str:
    said = str(messages)
    if "Missing data" in said:
        return "missing"
    return "unknown" if "Unknown field" in said else "not-valid"
