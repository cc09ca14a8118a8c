"""Errors as a person or a system can use them: a page with a sentence and a way on, or problem+json (RFC 9457)."""

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, NoResultFound
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import HTTP_STATUS_CODES

from app.register.journal.journal import JournalDamaged
from app.register.journal.journaling import NotInJournal, RegisterIsBehind
from app.register.journal.stores import JournalUnreachable
from app.register.limits.budgets import TooManyAttempts
from app.register.sign_in.sessions import has_ended
from app.register.store.constraints import is_foreign_key
from app.rules.card.status import CardRefused, State
from app.rules.errors import RuleBroken
from app.web.access import Audience, redirect_to_sign_in

API_PREFIX = "/api/"
PROBLEM_JSON = "application/problem+json"
_LONG_MINUTES = 120
_JOURNAL_SECONDS = 60
_NOT_IN_JOURNAL = ("not-in-journal", "The erasure cannot be confirmed yet.")

_log = structlog.get_logger()


class BadText(HTTPException):
    """A character that no field can hold, such as NUL."""

    code = 400


def problem(
    *,
    status: int,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    more: dict[str, object] | None = None,
) -> Response:
    """Return a problem+json answer. `code` is stable; `detail` is a sentence in English without personal data.

    `errors` says by field what is wrong with it, never what was in it. `more` are members of the answer's own.
    """
    members: dict[str, object] = {"type": "about:blank", "title": HTTP_STATUS_CODES[status], "status": status}
    members |= {"code": code, "detail": detail} | ({"errors": errors} if errors else {}) | (more or {})
    response = jsonify(members)
    response.status_code = status
    response.mimetype = PROBLEM_JSON
    response.headers.update(headers or {})
    return response


def wait_sentence(seconds: int) -> str:
    """Return a sentence that says how long to wait, in the reader's language."""
    minutes = -(-seconds // 60)
    if minutes > _LONG_MINUTES:
        return _("Too many attempts. Try again in %(hours)s hours.", hours=-(-minutes // 60))
    return _("Too many attempts. Try again in %(minutes)s minutes.", minutes=minutes)


def refuse_bad_text() -> None:
    """Raise BadText where a form or address holds a NUL, which no database takes."""
    if request.endpoint is None or request.path.startswith(API_PREFIX):
        return
    for values in (request.args, request.form):
        if any("\x00" in key or "\x00" in value for key, value in values.items(multi=True)):
            raise BadText


def error_page(*, status: int, title: str, sentence: str) -> Response:
    """Return a page that says what happened, and leads on."""
    way_on = (url_for("portal.start"), _("To the start page"))
    if _at_desk():
        way_on = (url_for("desk.scan"), _("To the desk"))
    page = render_template("error.html", title=title, sentence=sentence, way_on=way_on)
    return make_response(page, status)


def answer_errors(app: Flask) -> None:
    """Give every error its answer. Nobody is shown how the house is built."""

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> ResponseReturnValue:
        sentence = _("The page was open for too long, or was not ours. Nothing was changed. Open it again.")
        return error_page(status=400, title=_("That did not work"), sentence=sentence)

    @app.errorhandler(TooManyAttempts)
    def too_many(error: TooManyAttempts) -> ResponseReturnValue:
        headers = {"Retry-After": str(error.retry_after)}
        if request.path.startswith(API_PREFIX):
            return problem(status=429, code=error.code, detail="Wait before trying again.", headers=headers)
        page = error_page(status=429, title=_("Wait a little"), sentence=wait_sentence(error.retry_after))
        page.headers.update(headers)
        return page

    @app.errorhandler(RuleBroken)
    def rule_broken(error: RuleBroken) -> ResponseReturnValue:
        if request.path.startswith(API_PREFIX):
            return problem(status=409, code=error.code, detail="The rules do not allow that.")
        if _is_signed_out_now() and not _at_desk():
            return redirect_to_sign_in(Audience.PATRON)
        sentence = _("That is not possible (any more). Nothing was changed.")
        if isinstance(error, CardRefused) and error.state is State.FROZEN:
            sentence = _("The card is frozen, so nothing was changed. Whose card it is thaws it under My data.")
        return error_page(status=409, title=_("That did not work"), sentence=sentence)

    @app.errorhandler(NotInJournal)
    @app.errorhandler(RegisterIsBehind)
    @app.errorhandler(JournalDamaged)
    @app.errorhandler(JournalUnreachable)
    def no_journal(error: Exception) -> ResponseReturnValue:
        _log.error("journal of erasures", id=g.get("request_id"), kind=type(error).__name__)
        headers = {"Retry-After": str(_JOURNAL_SECONDS)}
        behind = not isinstance(error, NotInJournal | JournalUnreachable)
        if request.path.startswith(API_PREFIX):
            code, detail = ("behind", "The register is being restored.") if behind else _NOT_IN_JOURNAL
            return problem(status=503, code=code, detail=f"{detail} Try again later.", headers=headers)
        sentence = _("We cannot confirm the deletion yet. Try again in a minute.")
        if behind:
            sentence = _("We are putting a copy of the register back and let nobody in meanwhile. Try again later.")
        page = error_page(status=503, title=_words(503)[0], sentence=sentence)
        page.headers.update(headers)
        return page

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if status < 400:
            return error
        headers = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
        if request.path.startswith(API_PREFIX):
            # Werkzeug's names: Python's own change from one version to the next.
            code = HTTP_STATUS_CODES[status].lower().replace(" ", "-")
            return problem(status=status, code=code, detail=error.description or "", headers=headers)
        title, sentence = _words(status)
        page = error_page(status=status, title=title, sentence=sentence)
        page.headers.update(headers)
        return page

    @app.errorhandler(IntegrityError)
    @app.errorhandler(NoResultFound)
    def too_late(error: IntegrityError | NoResultFound) -> ResponseReturnValue:
        if not (is_foreign_key(error) if isinstance(error, IntegrityError) else _is_signed_out_now()):
            return fault(error)
        _log.info("came too late", id=g.get("request_id"))
        if request.path.startswith(API_PREFIX):
            return problem(status=410, code="gone", detail="The patron was erased meanwhile.")
        if not _at_desk():
            # Whoever was signed in is nobody's guest any more, and goes where each later request leads.
            return redirect_to_sign_in(Audience.PATRON)
        sentence = _("That is not possible (any more). Nothing was changed.")
        return error_page(status=409, title=_("That did not work"), sentence=sentence)

    app.register_error_handler(Exception, fault)


def fault(error: Exception) -> ResponseReturnValue:
    """Answer an error that nobody foresaw, and log its kind. A test sees the error itself."""
    if current_app.testing:
        raise error
    # The kind of the error and where it was raised; its text may hold somebody's data.
    _log.error("fault", id=g.get("request_id"), kind=type(error).__name__, where=where_raised(error))
    if request.path.startswith(API_PREFIX):
        return problem(status=500, code="fault", detail="The fault is ours. Try again later.")
    title, sentence = _words(500)
    return error_page(status=500, title=title, sentence=sentence)


def _at_desk() -> bool:
    return request.path.startswith("/desk")


def _is_signed_out_now() -> bool:
    """Tell whether whoever was signed in when the request began is not any more: ended elsewhere, or erased."""
    return current_user.is_authenticated and has_ended(session_id=current_user.session.id)


def _words(status: int) -> tuple[str, str]:
    match status:
        case 404:
            return _("Page not found"), _("There is no page at this address.")
        case 405:
            return _("That did not work"), _("The page cannot be used in that way.")
        case 413:
            return _("That was too much"), _("What was sent is too large. Nothing was changed.")
        case code if code < 500:
            return _("That did not work"), _("We could not read what was sent. Nothing was changed.")
        case _fault:
            return _("Our fault"), _("Something went wrong with us. Nothing was lost. Try again in a moment.")


def where_raised(error: Exception) -> str:
    """Return file and line where an error was raised, which is all that a log tells of it beside its kind."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
