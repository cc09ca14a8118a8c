"""Errors as a person or a system can use them: a page with a sentence and a way on, or problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin, current_user
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
    if minutes == 1:
        return _("Too many attempts. Try again in a minute.")
    return _("Too many attempts. Try again in %(minutes)s minutes.", minutes=minutes)


def wait_page(template: str, error: TooManyAttempts, *, refusal: str = "", **words: Any) -> Response:  # noqa: ANN401
    """Return a page that says in its `refusal` how long to wait: 429 with Retry-After (RFC 6585 § 4)."""
    page = render_template(template, refusal=refusal or wait_sentence(error.retry_after), **words)
    return make_response(page, 429, {"Retry-After": str(error.retry_after)})


def refuse_bad_text() -> None:
    """Raise BadText where a form or address holds a NUL, which no database takes."""
    if request.endpoint is None or request.path.startswith(API_PREFIX):
        return
    for values in (request.args, request.form):
        if any("\x00" in key or "\x00" in value for key, value in values.items(multi=True)):
            raise BadText


def error_page(*, status: int, title: str, sentence: str) -> Response:
    """Return a page that says what happened, with a link to go on.

    From 500 on the database may be what does not work, so nothing is asked of it, not even who is signed in.
    """
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        g._login_user = AnonymousUserMixin()
    way_on = (url_for("portal.start"), _("To the start page"))
    if _at_desk():
        way_on = (url_for("desk.scan"), _("To the desk"))
    return make_response(render_template("error.html", title=title, sentence=sentence, way_on=way_on), status)


def _answer(
    status: int, code: str, detail: str, sentence: str, *, title: str = "", headers: dict[str, str] | None = None
) -> Response:
    """Return problem+json with `code` and `detail` under /api/, and a page with title and sentence elsewhere."""
    if request.path.startswith(API_PREFIX):
        return problem(status=status, code=code, detail=detail, headers=headers)
    page = error_page(status=status, title=title or _("That did not work"), sentence=sentence)
    page.headers.update(headers or {})
    return page


def answer_errors(app: Flask) -> None:
    """Give every error its answer, which says nothing of how the program is built."""

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> ResponseReturnValue:
        sentence = _("The page was open for too long, or was not ours. Nothing was changed. Open it again.")
        return error_page(status=400, title=_("That did not work"), sentence=sentence)

    @app.errorhandler(TooManyAttempts)
    def too_many(error: TooManyAttempts) -> ResponseReturnValue:
        sentence, headers = wait_sentence(error.retry_after), {"Retry-After": str(error.retry_after)}
        title, detail = _("Wait a little"), "Wait before trying again."
        return _answer(429, error.code, detail, sentence, title=title, headers=headers)

    @app.errorhandler(RuleBroken)
    def rule_broken(error: RuleBroken) -> ResponseReturnValue:
        if not request.path.startswith(API_PREFIX) and not _at_desk() and _session_has_ended():
            return redirect_to_sign_in(Audience.PATRON)
        sentence = _("That is not possible (any more). Nothing was changed.")
        if isinstance(error, CardRefused) and error.state is State.FROZEN:
            label = _("My data")
            sentence = _(
                "The card is frozen, so nothing was changed. Its owner can unfreeze it under %(label)s.", label=label
            )
        return _answer(409, error.code, "The rules do not allow that.", sentence)

    @app.errorhandler(NotInJournal)
    @app.errorhandler(RegisterIsBehind)
    @app.errorhandler(JournalDamaged)
    @app.errorhandler(JournalUnreachable)
    def no_journal(error: Exception) -> ResponseReturnValue:
        _log.error("journal of erasures", id=g.get("request_id"), kind=type(error).__name__)
        code, detail = "not-in-journal", "The erasure cannot be confirmed yet."
        sentence = _("We cannot confirm the deletion yet. Try again in a minute.")
        if not isinstance(error, NotInJournal | JournalUnreachable):
            code, detail = "behind", "The register is being restored."
            sentence = _("We are putting a copy of the register back and let nobody in meanwhile. Try again later.")
        title, headers = _words(503)[0], {"Retry-After": str(_JOURNAL_SECONDS)}
        return _answer(503, code, f"{detail} Try again later.", sentence, title=title, headers=headers)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if status < 400:
            return error
        headers = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
        # Werkzeug's names: Python's own change from one version to the next.
        code = HTTP_STATUS_CODES[status].lower().replace(" ", "-")
        title, sentence = _words(status)
        return _answer(status, code, error.description or "", sentence, title=title, headers=headers)

    @app.errorhandler(IntegrityError)
    @app.errorhandler(NoResultFound)
    def too_late(error: IntegrityError | NoResultFound) -> ResponseReturnValue:
        is_api = request.path.startswith(API_PREFIX)
        if not (is_foreign_key(error) if isinstance(error, IntegrityError) else _session_has_ended()):
            return fault(error)
        _log.info("came too late", id=g.get("request_id"))
        if not is_api and not _at_desk():
            return redirect_to_sign_in(Audience.PATRON)
        sentence = _("That is not possible (any more). Nothing was changed.")
        return _answer(410 if is_api else 409, "gone", "The patron was erased meanwhile.", sentence)

    app.register_error_handler(Exception, fault)


def fault(error: Exception) -> ResponseReturnValue:
    """Answer an error that nobody foresaw, and log its kind. A test sees the error itself."""
    if current_app.testing:
        raise error
    # The kind of the error and where it was raised; its text may hold personal data.
    _log.error("fault", id=g.get("request_id"), kind=type(error).__name__, where=where_raised(error))
    title, sentence = _words(500)
    return _answer(500, "fault", "The fault is ours. Try again later.", sentence, title=title)


def _at_desk() -> bool:
    return request.path.startswith("/desk")


def _session_has_ended() -> bool:
    """Tell whether the session with which the request began has ended meanwhile: signed out elsewhere, or erased."""
    return current_user.is_authenticated and has_ended(session_id=current_user.session.id)


def _words(status: int) -> tuple[str, str]:
    match status:
        case 404:
            return _("Page not found"), _("There is no page at this address.")
        case 405:
            return _("That did not work"), _("The page cannot be used in that way.")
        case 413:
            return _("That was too large"), _("What was sent is too large. Nothing was changed.")
        case code if code < 500:
            return _("That did not work"), _("We could not read what was sent. Nothing was changed.")
        case _fault:
            return _("Our fault"), _("Something went wrong on our side. Nothing was lost. Try again in a moment.")


def where_raised(error: Exception) -> str:
    """Return file and line where an error was raised, which is all that a log tells of it beside its kind."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
