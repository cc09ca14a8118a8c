"""503 where waiting helps: too many evaluations at once, or a database that does not work now."""

import time

import structlog
from flask import Flask, Response, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import InternalServerError

from app.register.keys.evaluations import TooBusy
from app.register.log.access_log import AccessNotLogged
from app.register.store.connecting import NotReplicated, check_replicated
from app.register.store.database_faults import DATABASE_ERRORS, Cause, cause_of
from app.web.faults.errors import API_PREFIX, error_page, fault, problem
from app.web.pages.languages import language

RETRY_SECONDS = 5
_REMEMBERED_SECONDS = 10.0
_MOST_DRAWN = 100
_FULL_AT = "database_full_at"

_log = structlog.get_logger()


def answer_unavailable(app: Flask) -> None:
    """Give each of these errors its answer, which asks nothing of the database."""
    app.register_error_handler(TooBusy, _too_busy)
    app.register_error_handler(AccessNotLogged, _access_not_logged)
    app.register_error_handler(NotReplicated, _not_replicated)
    for kind in DATABASE_ERRORS:
        app.register_error_handler(kind, _database_fault)
    app.register_error_handler(InternalServerError, _answer_failed)
    app.after_request(_acknowledge_nothing_in_doubt)


def was_full() -> bool:
    """Tell whether a write of this process failed for want of room in the last ten seconds."""
    full_at = current_app.extensions.get(_FULL_AT)
    return full_at is not None and time.monotonic() - full_at < _REMEMBERED_SECONDS


def _too_busy(error: TooBusy) -> ResponseReturnValue:
    detail = "Too many ask for a PIN or password to be checked. Nothing was done; ask again."
    sentence = _("Very many people are logging in just now. Nothing was changed. Try again in a few seconds.")
    return _unavailable(code=error.code, detail=detail, sentence=sentence, retry_after=error.retry_after)


def _access_not_logged(error: AccessNotLogged) -> ResponseReturnValue:
    cause = _note(cause_of(error.__context__))
    _log.error("access log not written", id=g.get("request_id"), cause=cause)
    sentence = _("Something went wrong on our side. Nothing was lost. Try again in a moment.")
    detail = "The access log cannot be written. Try later."
    return _unavailable(code="not-written-down", detail=detail, sentence=sentence)


def _database_fault(error: Exception) -> ResponseReturnValue:
    cause = _note(cause_of(error))
    if cause is None:
        return fault(error)
    _log.error("database fault", id=g.get("request_id"), cause=cause, kind=type(error).__name__)
    return _does_not_work()


def _answer_failed(error: InternalServerError) -> ResponseReturnValue:
    """Answer an error that came while another was answered, such as a database that is lost just then."""
    original = error.original_exception
    if isinstance(original, DATABASE_ERRORS):
        return _database_fault(original)
    return fault(original if isinstance(original, Exception) else error)


def _acknowledge_nothing_in_doubt(response: Response) -> Response:
    try:
        check_replicated()
    except NotReplicated as error:
        return current_app.make_response(_not_replicated(error))
    return response


def _not_replicated(_error: NotReplicated) -> ResponseReturnValue:
    _log.error("committed without a standby", id=g.get("request_id"))
    return _does_not_work()


def _does_not_work() -> Response:
    # The connection may have been lost after a commit and before the database said so.
    detail = "The register's database does not work at the moment. It is not known whether this was done; ask again."
    sentence = _("The library card service does not work at the moment. Nothing was lost. Try again in a few minutes.")
    return _unavailable(code="database-unavailable", detail=detail, sentence=sentence)


def _unavailable(*, code: str, detail: str, sentence: str, retry_after: int = RETRY_SECONDS) -> Response:
    headers = {"Retry-After": str(retry_after)}
    if request.path.startswith(API_PREFIX):
        return problem(status=503, code=code, detail=detail, headers=headers)
    return make_response(_page(sentence), 503, headers)


def _page(sentence: str) -> bytes:
    """Return the page, which is drawn once where it is the same for everybody: many get it when time is short."""
    drawn: dict[tuple[str, str, str], bytes] = current_app.extensions.setdefault("unavailable_pages", {})
    place = (request.path, language(), sentence)
    page = drawn.get(place) or error_page(status=503, title=_("Wait a little"), sentence=sentence).get_data()
    if not request.view_args and len(drawn) < _MOST_DRAWN:
        drawn[place] = page
    return page


def _note(cause: Cause | None) -> Cause | None:
    if cause is Cause.FULL:
        current_app.extensions[_FULL_AT] = time.monotonic()
    return cause
