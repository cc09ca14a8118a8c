"""Every address of the portal, who may ask for it and how; and that asking for a page writes nothing."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from app import create_app
from app.register.card.families import give_permission, switch
from app.register.store.transaction import db
from app.register.tables.columns import Base
from app.register.tables.patrons import FamilyPermission, Patron
from app.web.access import Audience, RouteWithoutAudience, audience_of, require_audiences
from tests.conftest import settings_for
from tests.doors.visits import CHILD, GUARDIAN, desk_log_in, log_in, scan_at_desk, shown_code

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
/api/v1/number-series                                  POST       system
/api/v1/patrons                                        POST       system
/api/v1/patrons/<card_number>                          DELETE,GET,PATCH system
/api/v1/patrons/<card_number>/activation               DELETE,POST system
/api/v1/patrons/find                                   POST       system
/api/v1/pin-checks                                     POST       machine
/api/v1/scan                                           POST       machine
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
/desk/agreements                                       GET,POST   staff
/desk/counter                                          GET        staff
/desk/counter/checkout                                 POST       staff
/desk/counter/done                                     POST       staff
/desk/counter/pay                                      POST       staff
/desk/counter/renew                                    POST       staff
/desk/counter/renew-all                                POST       staff
/desk/counter/replacement-card                         POST       staff
/desk/counter/waive                                    POST       staff
/desk/door                                             GET        staff
/desk/enrol                                            GET,POST   staff
/desk/enrol/details                                    GET,POST   staff
/desk/find                                             GET,POST   staff
/desk/find/open                                        POST       staff
/desk/interlibrary                                     GET,POST   staff
/desk/login                                            GET,POST   anyone
/desk/logout                                           POST       anyone
/desk/notices                                          GET        staff
/desk/notices/retry                                    POST       staff
/desk/numbers                                          GET,POST   staff
/desk/patron                                           GET        staff
/desk/patron/activate                                  POST       staff
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
/desk/patron/upgrade                                   POST       staff
/desk/post                                             GET        staff
/desk/post/<message_id>/as-letter                      POST       staff
/desk/post/<message_id>/letter                         GET,POST   staff
/desk/post/<message_id>/printed                        POST       staff
/desk/post/<message_id>/retry                          POST       staff
/desk/returns                                          GET,POST   staff
/desk/returns/lost                                     POST       staff
/healthz                                               GET        anyone
/libraries/<library_id>/rules                          GET        anyone
/login                                                 GET,POST   anyone
/login/code                                            GET,POST   anyone
/login/code-first                                      GET,POST   anyone
/login/code/again                                      POST       anyone
/logout                                                POST       anyone
/manifest.webmanifest                                  GET        anyone
/metrics                                               GET        operator
/my                                                    GET        patron
/my/confirm                                            GET,POST   patron
/my/data                                               GET        patron
/my/data.json                                          GET        patron
/my/data/confirm-contact                               POST       patron
/my/data/download                                      GET        patron
/my/data/edit                                          GET,POST   patron
/my/data/erase                                         GET,POST   patron
/my/data/freeze                                        POST       patron
/my/data/looks                                         GET        patron
/my/data/print                                         GET        patron
/my/data/sign-ins/<session_id>/end                     POST       patron
/my/data/sign-ins/end-others                           POST       patron
/my/data/thaw                                          POST       patron
/my/interlibrary                                       GET,POST   patron
/my/interlibrary/cancel                                POST       patron
/my/libraries                                          GET        patron
/my/libraries/<library_id>                             GET,POST   patron
/my/loans                                              GET        patron
/my/loans/cost                                         GET        patron
/my/loans/renew                                        POST       patron
/my/loans/renew-all                                    POST       patron
/my/pin                                                GET,POST   patron
/my/settings                                           GET,POST   patron
/my/settings/permissions/<permission_id>/carry         POST       patron
/my/settings/permissions/<permission_id>/no-carry      POST       patron
/my/settings/permissions/<permission_id>/off           POST       patron
/my/settings/permissions/<permission_id>/on            POST       patron
/my/settings/permissions/<permission_id>/withdraw      POST       patron
/new-pin                                               GET,POST   anyone
/new-pin/<token>                                       GET,POST   anyone
/new-pin/code                                          GET,POST   anyone
/new-pin/ordered                                       GET        anyone
/offline                                               GET        anyone
/privacy                                               GET        anyone
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
"""

# What stands in an address in place of a parameter.
FOR_EXAMPLE = {
    "token": "no-such-token",
    "library_id": "2023500",
    "filename": "favicon.svg",
    "card_number": "N000100001",
    "message_id": "1",
    "purpose": "card",
    "step": "details",
    "code": "NO-SUCH-CODE",
    "word": "1-" + "0" * 64,
}

# Looking at somebody else's loans is an event: it is written down before the page is served (docs/adr/0004).
WRITTEN_BY_LOOKING = {"/my/loans": {"access_log"}, "/my/loans/cost": {"access_log"}}
# A wrong code is counted before it is looked for, by whatever method it is tried.
WRITTEN_BY_GUESSING = {"/receipt/NO-SUCH-CODE": {"attempt_counts"}}
WRITTEN_BY_SERVING = {
    "/desk/patron": {"access_log"},
    "/desk/patron/contact": {"access_log"},
    "/desk/patron/death": {"access_log"},
}

Route = tuple[str, str, str]


def listed(text: str) -> list[Route]:
    return [(path, methods, audience) for path, methods, audience in map(str.split, text.strip().splitlines())]


def routes(app) -> list[Route]:
    methods: dict[tuple[str, str], set[str]] = {}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<\w+:", "<", rule.rule)
        found = methods.setdefault((path, str(audience_of(app, rule.endpoint))), set())
        found |= rule.methods - {"HEAD", "OPTIONS"}
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


EVERY_PAGE = [page for audience in (Audience.ANYONE, Audience.PATRON, Audience.STAFF) for page in pages(audience)]


@pytest.fixture
def read_register(app):
    """Read every row of every table, whoever else reads or writes."""

    def read() -> dict[str, list[str]]:
        with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return {
                table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
                for table in Base.metadata.sorted_tables
            }

    return read


def written_by(browser, page, read_register) -> set[str]:
    before = read_register()
    assert browser.get(page).status_code < 500, page
    after = read_register()
    return {table for table in after if after[table] != before[table]}


@pytest.fixture
def guardian(app):
    """The guardian's browser, signed in, with a child's loans switched on."""
    with app.app_context():
        ids = dict(db.session.execute(select(Patron.card_number, Patron.id)).all())
        db.session.rollback()
        now = app.config["CLOCK"]()
        give_permission(patron_id=ids[CHILD[0]], guardian_card_number=GUARDIAN[0], now=now)
        db.session.flush()
        permission = db.session.scalars(select(FamilyPermission.id)).one()
        switch(guardian_id=ids[GUARDIAN[0]], permission_id=permission, on=True, now=now)
        db.session.commit()
    browser = app.test_client()
    assert log_in(browser, *GUARDIAN).status_code == 302
    return browser


@pytest.fixture
def desk(app, guardian):
    """A desk's browser, signed in, with the guardian's card just scanned."""
    browser = app.test_client()
    assert desk_log_in(browser).status_code == 302
    assert scan_at_desk(browser, shown_code(guardian)).status_code in (200, 302)
    return browser


def test_no_page_that_a_stranger_looks_at_writes(app, read_register):
    stranger = app.test_client()
    for page in EVERY_PAGE:
        assert written_by(stranger, page, read_register) == WRITTEN_BY_GUESSING.get(page, set()), page


def test_no_page_that_a_guardian_looks_at_writes_but_what_is_written_of_looking(guardian, read_register):
    written = {page: written_by(guardian, page, read_register) for page in EVERY_PAGE}
    assert {page: tables for page, tables in written.items() if tables} == WRITTEN_BY_LOOKING | WRITTEN_BY_GUESSING


def test_no_page_that_staff_look_at_writes_but_what_is_written_of_serving(desk, read_register):
    written = {page: written_by(desk, page, read_register) for page in EVERY_PAGE}
    assert {page: tables for page, tables in written.items() if tables} == WRITTEN_BY_SERVING | WRITTEN_BY_GUESSING
