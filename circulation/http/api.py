"""HTTP and JSON for the national portal and the library's desk, under /circulation/v1/<library id>/.

Card numbers, loan ids and titles travel in bodies, never in addresses, since addresses end up in logs. A log line
holds the library, the call and the outcome. Errors are problem+json (RFC 9457) with a stable `code`.
"""

from __future__ import annotations

import hmac
import json
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from circulation import VERSION
from circulation.errors import PROBLEMS, Refused
from circulation.http.calls import CALLS, Call
from circulation.http.forms import parse_body, read_day, reader_for, take_staff
from circulation.http.hours_calls import HOURS_CALLS
from circulation.http.rules_calls import RULES_CALLS
from circulation.http.self_service_calls import SELF_SERVICE_CALLS, SELF_SERVICE_STAFF_CALLS
from circulation.http.staff_calls import STAFF_CALLS
from circulation.lending.transaction import Transaction
from circulation.libraries import Library
from circulation.policy.library import policy_view
from circulation.policy.rules import local_day
from circulation.rulebook.told_hours import as_read_on

log = logging.getLogger("circulation")

MAX_BODY: Final = 64 * 1024
PREFIX: Final = "/circulation/v1/<library_id>"
PATRONS_CALLS: Final = CALLS | SELF_SERVICE_CALLS
STAFF_ONLY_CALLS: Final = STAFF_CALLS | SELF_SERVICE_STAFF_CALLS | RULES_CALLS | HOURS_CALLS


def install(
    app: Flask, *, libraries: Mapping[str, Library], user: str, password: str, clock: Callable[[], datetime]
) -> None:
    """Add routes, authentication and error handlers to the application."""
    views = _Views(libraries, clock)
    app.before_request(partial(_authenticate, user, password))
    for path, view in (("rules", views.rules), ("rules/coming", views.coming_rules), ("version", views.version)):
        app.add_url_rule(f"{PREFIX}/{path}", path.replace("/", "_"), view, methods=["GET"])
    for calls, staff_only in ((PATRONS_CALLS, False), (STAFF_ONLY_CALLS, True)):
        for name, call in calls.items():
            answer = views.answer(name, call, staff_only=staff_only)
            app.add_url_rule(f"{PREFIX}/{name}", name.replace("/", "_"), answer, methods=["POST"])
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unforeseen)
    app.after_request(_harden)


def _authenticate(user: str, password: str) -> None:
    if not request.path.startswith("/circulation/"):
        return
    given = request.authorization
    login = (given.username or "", given.password or "") if given and given.type == "basic" else ("", "")
    # Both are compared in full, so that the time reveals nothing.
    matches = [
        hmac.compare_digest(part.encode("utf-8", "backslashreplace"), wanted.encode())
        for part, wanted in zip(login, (user, password), strict=True)
    ]
    if not all(matches):
        raise Refused("unauthenticated")


@dataclass(frozen=True, slots=True)
class _Views:
    """What answers requests about these libraries, at the present that `clock` gives."""

    libraries: Mapping[str, Library]
    clock: Callable[[], datetime]

    def rules(self, library_id: str) -> Response:
        """Answer with the rules as they are today, or on the day `on`."""
        tx = self._rules_of(library_id)
        on = request.args.get("on", tx.today.isoformat())
        day = read_day(on, field="on")
        return _short_lived(_answer(policy_view(as_read_on(tx.rules.on(day), day))))

    def coming_rules(self, library_id: str) -> Response:
        """Answer with the rules that hold from a day to come."""
        tx = self._rules_of(library_id)
        days = sorted({policy.valid_from for policy in tx.rules.back_in_time() if policy.valid_from > tx.today})
        views = [{"valid_from": day, "rules": policy_view(as_read_on(tx.rules.on(day), day))} for day in days]
        return _short_lived(_answer({"coming": views}))

    def version(self, library_id: str) -> Response:
        """Answer with the version of the program and of the library's tables."""
        return _answer({"version": VERSION, "tables": self._library(library_id).database.read_revision()})

    def answer(self, name: str, call: Call, *, staff_only: bool) -> Callable[[str], Response]:
        """Return the view of a call."""
        read = reader_for(call.act)

        def view(library_id: str) -> Response:
            library, now = self._library(library_id), self.clock()
            if request.mimetype != "application/json":
                raise Refused("not_json")
            body = parse_body(request.get_data(cache=False))
            staff = take_staff(body, required=staff_only)
            fields = read(body, local_day(policy=library.policy, now=now))
            with library.database.writing() if call.writes else library.database.reading() as session:
                answer = call.act(Transaction(session, library.rules(session), now, staff), **fields)
            log.info("call=%s library=%s outcome=ok", name, library_id)
            return _answer(answer)

        return view

    def _library(self, library_id: str) -> Library:
        if library_id not in self.libraries:
            raise Refused("unknown_library")
        return self.libraries[library_id]

    def _rules_of(self, library_id: str) -> Transaction:
        library = self._library(library_id)
        with library.database.reading() as session:
            return Transaction(session, library.rules(session), self.clock())


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _answer(result: object) -> Response:
    return Response(json.dumps(result, default=_plain, ensure_ascii=False), mimetype="application/json")


def _short_lived(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, max-age=60"
    return response


def _problem(code: str, facts: Mapping[str, Any]) -> Response:
    status, sentence = PROBLEMS[code]
    library = (request.view_args or {}).get("library_id")
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": sentence}
    response = Response(json.dumps({**body, "library": library, **facts}), status, mimetype="application/problem+json")
    if code == "unauthenticated":
        response.headers["WWW-Authenticate"] = 'Basic realm="circulation", charset="UTF-8"'
    if code == "busy":
        response.headers["Retry-After"] = "1"
    return response


def _refused(error: Refused) -> Response:
    known = request.url_rule.endpoint if request.url_rule is not None else "-"
    log.info("call=%s outcome=%s", known, error.code)
    return _problem(error.code, error.facts)


def _http_error(error: HTTPException) -> Response:
    codes = {404: "unknown_path", 405: "method_not_allowed", 413: "too_large"}
    code = codes.get(error.code or 500, "invalid_json" if (error.code or 500) < 500 else "internal")
    response = _problem(code, {})
    if code == "method_not_allowed" and (allowed := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _unforeseen(error: Exception) -> Response:
    # Where it happened and what kind it was. An error's own words may quote a row, and a row holds a card number.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("unforeseen kind=%s\n%s", type(error).__name__, where)
    return _problem("internal", {})


def _harden(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
