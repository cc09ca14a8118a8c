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
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
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


def install(
    app: Flask, *, libraries: Mapping[str, Library], user: str, password: str, clock: Callable[[], datetime]
) -> None:
    """Add routes, authentication and error handlers to the application."""

    def authenticate() -> None:
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

    def library_of(library_id: str) -> Library:
        if library_id not in libraries:
            raise Refused("unknown_library")
        return libraries[library_id]

    def rules(library_id: str) -> Response:
        tx = rules_of(library_id)
        on = request.args.get("on", tx.today.isoformat())
        day = read_day(on, field="on")
        return _short_lived(_answer(policy_view(as_read_on(tx.rules.on(day), day))))

    def coming_rules(library_id: str) -> Response:
        tx = rules_of(library_id)
        days = sorted({policy.valid_from for policy in tx.rules.back_in_time() if policy.valid_from > tx.today})
        views = [{"valid_from": day, "rules": policy_view(as_read_on(tx.rules.on(day), day))} for day in days]
        return _short_lived(_answer({"coming": views}))

    def rules_of(library_id: str) -> Transaction:
        library = library_of(library_id)
        with library.database.reading() as session:
            return Transaction(session, library.rules(session), clock())

    def version(library_id: str) -> Response:
        return _answer({"version": VERSION, "tables": library_of(library_id).database.read_revision()})

    def route(name: str, call: Call, *, staff_only: bool) -> None:
        read = reader_for(call.act)

        def view(library_id: str) -> Response:
            library, now = library_of(library_id), clock()
            if request.mimetype != "application/json":
                raise Refused("not_json")
            body = parse_body(request.get_data(cache=False))
            staff = take_staff(body, required=staff_only)
            fields = read(body, local_day(policy=library.policy, now=now))
            with library.database.writing() if call.writes else library.database.reading() as session:
                answer = call.act(Transaction(session, library.rules(session), now, staff), **fields)
            log.info("call=%s library=%s outcome=ok", name, library_id)
            return _answer(answer)

        app.add_url_rule(f"{PREFIX}/{name}", name.replace("/", "_"), view, methods=["POST"])

    app.before_request(authenticate)
    app.add_url_rule(f"{PREFIX}/rules", "rules", rules, methods=["GET"])
    app.add_url_rule(f"{PREFIX}/rules/coming", "coming_rules", coming_rules, methods=["GET"])
    app.add_url_rule(f"{PREFIX}/version", "version", version, methods=["GET"])
    for name, call in (CALLS | SELF_SERVICE_CALLS).items():
        route(name, call, staff_only=False)
    for name, call in (STAFF_CALLS | SELF_SERVICE_STAFF_CALLS | RULES_CALLS | HOURS_CALLS).items():
        route(name, call, staff_only=True)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unforeseen)
    app.after_request(_harden)


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
