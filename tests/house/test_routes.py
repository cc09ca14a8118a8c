"""Every address of the portal, and who may ask for it and how."""

import re
from dataclasses import replace

import pytest

from app import create_app
from app.web.access import Audience, RouteWithoutAudience, audience_of, require_audiences
from tests.conftest import settings_for

# A new route comes in by this list or not at all. Nothing that stands here is renamed later.
ROUTES = """
/                                                      GET        anyone
/.well-known/change-password                           GET        anyone
/.well-known/security.txt                              GET        anyone
/accessibility                                         GET        anyone
/api                                                   GET        anyone
/api/openapi.json                                      GET        anyone
/api/v1/authenticate                                   POST       machine
/api/v1/changes                                        GET        system
/api/v1/changes/ack                                    POST       system
/api/v1/deaths                                         POST       system
/api/v1/deaths/<card_number>                           DELETE     system
/api/v1/door                                           POST       machine
/api/v1/libraries                                      GET        anyone
/api/v1/libraries/<library_id>                         GET        anyone
/api/v1/number-series                                  POST       system
/api/v1/patrons                                        POST       system
/api/v1/patrons/<card_number>                          DELETE,GET,PATCH system
/api/v1/patrons/<card_number>/activation               DELETE,POST system
/api/v1/patrons/<card_number>/push                     POST       system
/api/v1/patrons/find                                   POST       system
/api/v1/pin-checks                                     POST       machine
/api/v1/scan                                           POST       machine
/calendar/<secret>.ics                                 GET        anyone
/card                                                  GET        patron
/card/app                                              GET        anyone
/card/app.json                                         GET        anyone
/card/code.png                                         GET        patron
/card/code.svg                                         GET        patron
/card/codes.json                                       GET        patron
/card/devices                                          GET        patron
/card/devices/<device_id>/revoke                       POST       patron
/card/keys                                             POST       patron
/card/wallet                                           GET        patron
/card/wallet/apple                                     POST       patron
/card/wallet/google                                    POST       patron
/desk                                                  GET,POST   staff
/desk/again                                            POST       staff
/desk/agreements                                       GET,POST   staff
/desk/badges                                           GET        staff
/desk/confirm                                          GET,POST   staff
/desk/confirm/passkey                                  POST       staff
/desk/counter/cancel-hold                              POST       staff
/desk/counter/done                                     POST       staff
/desk/counter/pay                                      POST       staff
/desk/counter/renew                                    POST       staff
/desk/counter/renew-all                                POST       staff
/desk/counter/replacement-card                         POST       staff
/desk/counter/reserve                                  POST       staff
/desk/counter/titles                                   POST       staff
/desk/counter/waive                                    POST       staff
/desk/door                                             GET        staff
/desk/enrol                                            GET,POST   staff
/desk/enrol/details                                    GET,POST   staff
/desk/find                                             GET,POST   staff
/desk/find/open                                        POST       staff
/desk/interlibrary                                     GET,POST   staff
/desk/join/<token>                                     GET,POST   anyone
/desk/library                                          GET        administrator
/desk/library/acts                                     GET        administrator
/desk/library/branch                                   GET,POST   administrator
/desk/library/branch/remove                            POST       administrator
/desk/library/export                                   GET,POST   administrator
/desk/library/face                                     GET,POST   administrator
/desk/library/hours                                    GET,POST   administrator
/desk/library/hours/copy                                POST       administrator
/desk/library/hours/exceptions                         POST       administrator
/desk/library/hours/remove                              POST       administrator
/desk/library/hours/take-back                          POST       administrator
/desk/library/import                                   GET,POST   administrator
/desk/library/import/<import_id>                       GET        administrator
/desk/library/import/<import_id>/check                 POST       administrator
/desk/library/import/<import_id>/forget                POST       administrator
/desk/library/import/<import_id>/go                    POST       administrator
/desk/library/import/<import_id>/people                GET,POST   administrator
/desk/library/import/<import_id>/report.csv            GET        administrator
/desk/library/import/<import_id>/stop                  POST       administrator
/desk/library/machines                                 GET,POST   administrator
/desk/library/machines/<machine>/disconnect            POST       administrator
/desk/library/machines/<machine>/password              GET,POST   administrator
/desk/library/machines/<machine>/sheet.txt             GET        administrator
/desk/library/numbers                                  GET        administrator
/desk/library/numbers.csv                              GET        administrator
/desk/library/people                                   GET        administrator
/desk/library/people/<staff_id>                        GET        administrator
/desk/library/people/<staff_id>/dismiss                POST       administrator
/desk/library/people/<staff_id>/link                   POST       administrator
/desk/library/people/<staff_id>/reinstate              POST       administrator
/desk/library/people/<staff_id>/role                   POST       administrator
/desk/library/people/<staff_id>/suspend                POST       administrator
/desk/library/people/invite                            GET,POST   administrator
/desk/library/rules                                    GET,POST   administrator
/desk/library/rules/again                              POST       administrator
/desk/library/rules/change                             GET        administrator
/desk/library/rules/check                              GET        administrator
/desk/library/rules/discard                            POST       administrator
/desk/library/rules/file                               GET        administrator
/desk/library/rules/import                             POST       administrator
/desk/library/rules/publish                            POST       administrator
/desk/library/rules/withdraw                           POST       administrator
/desk/library/webhook                                  GET,POST   administrator
/desk/library/webhook/stop                             POST       administrator
/desk/library/webhook/test                             POST       administrator
/desk/lists                                            GET        staff
/desk/lists/claims/resume                              POST       staff
/desk/lists/claims/stop                                POST       staff
/desk/lists/fetched                                    POST       staff
/desk/login                                            GET,POST   anyone
/desk/login/passkey                                    POST       anyone
/desk/login/passkey/options                            POST       anyone
/desk/logout                                           POST       anyone
/desk/notices                                          GET        staff
/desk/notices/retry                                    POST       staff
/desk/numbers                                          GET,POST   staff
/desk/patron                                           GET        staff
/desk/patron/activate                                  POST       staff
/desk/patron/address-not-hidden                        POST       staff
/desk/patron/consent                                   POST       staff
/desk/patron/contact                                   GET,POST   staff
/desk/patron/death                                     GET,POST   staff
/desk/patron/death/withdraw                            POST       staff
/desk/patron/devices/<device_id>/revoke                POST       staff
/desk/patron/found                                     POST       staff
/desk/patron/leave                                     POST       staff
/desk/patron/lost                                      POST       staff
/desk/patron/national-id                               POST       staff
/desk/patron/new-pin                                   POST       staff
/desk/patron/opt-out                                   POST       staff
/desk/patron/rules                                     POST       staff
/desk/patron/upgrade                                   POST       staff
/desk/post                                             GET        staff
/desk/post/<message_id>/as-letter                      POST       staff
/desk/post/<message_id>/letter                         GET,POST   staff
/desk/post/<message_id>/printed                        POST       staff
/desk/post/<message_id>/retry                          POST       staff
/desk/returns                                          GET,POST   staff
/desk/returns/lost                                     POST       staff
/desk/scans                                            POST       staff
/desk/sign-in                                          GET        staff
/desk/sign-in/passkeys                                 POST       staff
/desk/sign-in/passkeys/<passkey_id>/remove             POST       staff
/desk/sign-in/passkeys/options                         POST       staff
/desk/sign-in/password                                 GET,POST   staff
/desk/undo                                             POST       staff
/healthz                                               GET        anyone
/libraries                                             GET        anyone
/libraries/<library_id>                                GET        anyone
/libraries/<library_id>/rules                          GET        anyone
/login                                                 GET,POST   anyone
/login/code                                            GET,POST   anyone
/login/code-first                                      GET,POST   anyone
/login/code/again                                      POST       anyone
/login/passkey                                         POST       anyone
/login/passkey/options                                 POST       anyone
/logout                                                POST       anyone
/manifest.webmanifest                                  GET        anyone
/metrics                                               GET        operator
/my                                                    GET        patron
/my/confirm                                            GET,POST   patron
/my/confirm/passkey                                    POST       patron
/my/data                                               GET        patron
/my/data.json                                          GET        patron
/my/data/address-not-hidden                           POST       patron
/my/data/confirm-contact                               POST       patron
/my/data/download                                      GET        patron
/my/data/edit                                          GET,POST   patron
/my/data/erase                                         GET,POST   patron
/my/data/freeze                                        POST       patron
/my/data/looks                                         GET        patron
/my/data/print                                         GET        patron
/my/data/sign-ins                                      GET        patron
/my/data/sign-ins/<session_id>/end                     POST       patron
/my/data/sign-ins/end-others                           POST       patron
/my/data/thaw                                          POST       patron
/my/interlibrary                                       GET,POST   patron
/my/interlibrary/cancel                                POST       patron
/my/libraries                                          GET        patron
/my/libraries/<library_id>                             GET,POST   patron
/my/libraries/<library_id>/leave                       GET,POST   patron
/my/loans                                              GET,POST   patron
/my/loans.ics                                          GET        patron
/my/loans/cost                                         GET        patron
/my/loans/renew                                        POST       patron
/my/loans/renew-all                                    POST       patron
/my/passkeys/<passkey_id>/name                         POST       patron
/my/passkeys/<passkey_id>/remove                       POST       patron
/my/passkeys/add                                       GET,POST   patron
/my/passkeys/options                                   POST       patron
/my/pin                                                GET,POST   patron
/my/reminders                                          GET,POST   patron
/my/reminders/calendar                                 POST       patron
/my/reminders/calendar/end                             POST       patron
/my/reminders/notifications                            POST       patron
/my/reminders/notifications/<subscription_id>/off      POST       patron
/my/reminders/notifications/renew                      POST       patron
/my/reminders/notifications/try                        POST       patron
/my/rules                                              POST       patron
/my/settings                                           GET,POST   patron
/my/settings/permissions/<permission_id>/carry         POST       patron
/my/settings/permissions/<permission_id>/no-carry      POST       patron
/my/settings/permissions/<permission_id>/off           POST       patron
/my/settings/permissions/<permission_id>/on            POST       patron
/my/settings/permissions/<permission_id>/renew         POST       patron
/my/settings/permissions/<permission_id>/withdraw      POST       patron
/new-pin                                               GET,POST   anyone
/new-pin/<token>                                       GET,POST   anyone
/new-pin/code                                          GET,POST   anyone
/new-pin/ordered                                       GET        anyone
/offline                                               GET        anyone
/privacy                                               GET        anyone
/privacy/proofs                                        GET        anyone
/readyz                                                GET        anyone
/receipt                                               GET,POST   anyone
/receipt/<code>                                        GET        anyone
/register                                              GET        anyone
/register/<step>                                       GET,POST   anyone
/register/child-card                                   GET        anyone
/register/stop                                         POST       anyone
/register/upgrade                                      POST       patron
/sign-in/<purpose>                                     GET        anyone
/sign-in/return                                        GET,POST   anyone
/static/<filename>                                     GET        anyone
/status                                                GET        anyone
/sw.js                                                 GET        anyone
/time                                                  GET        anyone
/undo/<token>                                          GET,POST   anyone
"""
ROUTES_OF_THE_DEMO = """
/demo/inbox                                            GET        anyone
/demo/wallet                                           GET        patron
/demo/wallet/apple                                     POST       patron
/demo/wallet/google                                    POST       patron
"""

# What stands in an address in place of a parameter.
FOR_EXAMPLE = {
    "machine": "2023500-kiosk1", "library_id": "2023500", "card_number": "N000100001", "filename": "favicon.svg",
    "import_id": "1", "message_id": "1", "staff_id": "1", "purpose": "card", "step": "details",
    "token": "no-such-token", "code": "NO-SUCH-CODE", "secret": "NO-SUCH-SECRET", "word": "1-" + "0" * 64,
}  # fmt: skip

Route = tuple[str, str, str]


def listed(text: str) -> list[Route]:
    return [(path, methods, audience) for path, methods, audience in map(str.split, text.strip().splitlines())]


def routes(app) -> list[Route]:
    methods: dict[tuple[str, str], set[str]] = {}
    for rule in app.url_map.iter_rules():
        key = (re.sub(r"<\w+:", "<", rule.rule), str(audience_of(app, rule.endpoint)))
        methods.setdefault(key, set()).update(rule.methods - {"HEAD", "OPTIONS"})
    return sorted((path, ",".join(sorted(found)), audience) for (path, audience), found in methods.items())


def test_every_route_stands_in_the_list_with_its_methods_and_its_audience(app):
    assert routes(app) == sorted(listed(ROUTES) + listed(ROUTES_OF_THE_DEMO))


def test_production_has_no_route_of_the_demonstration(database_url):
    production = create_app(replace(settings_for(database_url), demo=False))
    assert routes(production) == listed(ROUTES)


def test_a_route_that_names_no_audience_does_not_start(make_app):
    app = make_app(own=True)
    app.add_url_rule("/open", view_func=lambda: "")
    with pytest.raises(RouteWithoutAudience):
        require_audiences(app)


def pages(audience: Audience, *parameters: str) -> list[str]:
    """Return every address for an audience that can be looked at, with examples for parameters."""
    found = []
    for path, methods, who in listed(ROUTES) + listed(ROUTES_OF_THE_DEMO):
        if "GET" in methods and who == audience:
            for name, example in FOR_EXAMPLE.items():
                path = path.replace(f"<{name}>", example)
            assert "<" not in path
            found.append(path)
    return found
