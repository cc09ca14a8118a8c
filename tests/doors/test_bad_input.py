"""Whatever is sent to whatever address: a clear answer, never a fault of ours, and nothing is changed."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import create_app
from app.web.access import MACHINES, Audience, audience_of
from tests.conftest import Clock, settings_for
from tests.doors.conftest import Contents
from tests.doors.visits import SYSTEM, csrf_token, read_page
from tests.searching import stands_in

pytestmark = pytest.mark.long
MEBIBYTE = 1024 * 1024
FORM = "application/x-www-form-urlencoded"

QUERIES = [
    "lang=%00",
    "lang=%ff%fe",
    "lang=%ED%A0%80",
    "lang[]=nb&lang=%F0%9F",
    "lang=nb%0d%0aSet-Cookie:%20x=1",
    "%00=1",
    "&&==;;%%%zz",
    "lang=" + "x" * 5000,
    "next=//elsewhere.example&payload=1&pin=1&csrf_token=1",
]
COOKIES = [
    "lanekort=",
    "lanekort=x; lanekort_desk=y; lanekort_device=z; lang=%00",
    "lanekort=eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "lanekort=eyJfdXNlcl9pZCI6IjEifQ..; lanekort=.; lang=\xff\xfe",
    ";;;===;;lang",
    "lanekort_device=\xed\xa0\x80; lang=" + "x" * 5000,
]
HEADERS = [
    {"Accept-Language": "*;q=abc,,;;==, \xff"},
    {"Accept-Language": "no," * 2000},
    {"Authorization": "Basic \xff"},
    {"Content-Type": "\xff/\xfe; charset=\x7f"},
    {"Host": "elsewhere.example:99999"},
    {"Host": "\xff"},
    {"Origin": "null", "Referer": "http://\xff"},
    {"Range": "bytes=5-1", "If-None-Match": '"', "If-Modified-Since": "never"},
    {"User-Agent": "\xff" * 3000},
    {"X-Forwarded-For": "'; --", "X-Forwarded-Proto": "gopher", "X-HTTP-Method-Override": "DELETE"},
]
BODIES = [
    ("", b""),
    ("", b"\x00\xff"),
    (FORM, b"=&&=%zz%&\xff\xfe\x00=\x00"),
    (FORM, b"csrf_token=x&csrf_token=y&card_number[]=1&card_number=2&pin=%00"),
    (FORM, b"a=1&" * 5000),
    (FORM + "; charset=nonsense", "card_number=é".encode("utf-16")),
    ("multipart/form-data", b"x"),
    ("multipart/form-data; boundary=", b"--\r\n"),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=pin\r\n\r\n4719"),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="payload"; filename="\x00"\r\n\r\n\xff\r\n--b--\r\n',
    ),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 1200),
    ("application/json", b"{"),
    ("application/json", b"[" * 30_000),
    ("application/json", b'{"payload": ["\\ud800", {"\\u0000": NaN}], "payload": 1e999}'),
    ("application/json; charset=utf-16", b"\xff\xfe{\x00}\x00"),
    ("text/xml", b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>'),
]
VALUES = [
    b"",
    b" ",
    b"\x00",
    b"4719\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "٤٧١٩".encode(),
    "４７１９".encode(),
    "N٠٠٠١٠٠٠٠".encode(),
    "𝟒𝟕𝟏𝟗".encode(),
    "\u202e\ufeff\u2028".encode(),
    "🏳️‍🌈".encode(),
    b"'; DROP TABLE patrons; --",
    b"<script>alert(1)</script>",
    b"{{ 7 * 191 }}%s%n${7*191}",
    b"../../../../etc/passwd",
    b"x\r\nSet-Cookie: x=1",
    b"-1",
    b"1e999",
    b"9" * 5000,
    b"x" * 60_000,
]
PLACES = [10**30, 2**63, 0, -1, "١", "１", "1.0", "%00", "%ff", "'", "x" * 3000, "1%0d%0aSet-Cookie:x=1"]


def routes() -> list[Rule]:
    """Return every route there is, so that a new one is tried too."""
    url_map = create_app(settings_for("sqlite:////never-opened")).url_map
    return sorted(url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))


ROUTES = routes()
ROUTES_THAT_WRITE = [rule for rule in ROUTES if "POST" in (rule.methods or ())]


class Visitor(NamedTuple):
    """Somebody who may use a route."""

    browser: FlaskClient
    clock: Clock
    page_with_a_form: str

    def token(self) -> str:
        return csrf_token(self.browser, self.page_with_a_form)

    def well_formed(self, rule: Rule) -> dict[str, object]:
        """Return what belongs to every request to an address of this kind."""
        if "POST" not in (rule.methods or ()):
            return {}
        return {"json": {}} if rule.endpoint.startswith("v1.") else {"data": {"csrf_token": self.token()}}

    def send(self, rule: Rule, *, place: object = 1, method: str = "", **request: object) -> TestResponse:
        # A try every twenty seconds is slow enough for every budget.
        self.clock.turn(seconds=20)
        path = rule.rule
        for argument in rule.arguments:
            start, end = path.index("<"), path.index(">")
            assert argument in path[start:end]
            path = f"{path[:start]}{place}{path[end + 1 :]}"
        method = method or next(each for each in ("POST", "GET", "PATCH", "DELETE") if each in (rule.methods or ()))
        response = self.browser.open(path, method=method, **request)
        assert response.status_code < 500, (method, path, request)
        assert "x" not in {cookie.split("=")[0] for cookie in response.headers.getlist("Set-Cookie")}
        return response


@pytest.fixture
def visitor_for(app: APIFlask, clock: Clock, request: pytest.FixtureRequest) -> Callable[[Rule], Visitor]:
    """Bring somebody whom the route is for."""
    guests = {
        Audience.ANYONE: ("client", "/login"),
        Audience.PATRON: ("phone", "/my"),
        Audience.STAFF: ("desk", "/desk"),
        Audience.ADMINISTRATOR: ("administrator", "/desk"),
        Audience.MACHINE: ("client", ""),
        Audience.SYSTEM: ("client", ""),
        Audience.OPERATOR: ("client", ""),
    }

    def bring(rule: Rule) -> Visitor:
        audience = audience_of(app, rule.endpoint)
        assert audience is not None
        guest, page_with_a_form = guests[audience]
        browser: FlaskClient = request.getfixturevalue(guest)
        if audience in MACHINES:
            browser.environ_base["HTTP_AUTHORIZATION"] = SYSTEM.to_header()
        return Visitor(browser, clock, page_with_a_form)

    return bring


LISTS = "/desk/lists"
WRITTEN_BY_ADMINISTRATORS = (
    *("libraries", "library_acts", "library_branches"),
    *("opening_weeks", "opening_exceptions", "branch_weeks", "branch_exceptions"),
)


def without_looks(read: Contents, shows_patrons: bool) -> Contents:
    """Leave out the access log, where the page that is looked at shows patrons."""
    return {table: rows for table, rows in read.items() if table != "access_log" or not shows_patrons}


@pytest.mark.parametrize("rule", ROUTES, ids=lambda rule: f"{rule.rule} {rule.endpoint}")
def test_no_address_breaks_on_what_it_is_sent(
    rule: Rule, visitor_for: Callable[[Rule], Visitor], read_database: Callable[[], Contents]
) -> None:
    visitor = visitor_for(rule)
    before = read_database()
    for query in QUERIES:
        visitor.send(rule, query_string=query)
    for headers in HEADERS:
        visitor.send(rule, headers=headers)
    for content_type, body in BODIES:
        visitor.send(rule, data=body, content_type=content_type)
    if rule.arguments:
        well_formed = visitor.well_formed(rule)
        for place in PLACES:
            assert visitor.send(rule, place=place, **well_formed).status_code in (400, 404, 409, 422), place
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "BREW"):
        visitor.send(rule, method=method)
    for cookies in COOKIES:
        visitor.send(rule, headers={"Cookie": cookies})
    assert without_looks(read_database(), rule.rule == LISTS) == without_looks(before, rule.rule == LISTS)


class Form(NamedTuple):
    """A form as it stands on a page, and the names of the fields that somebody fills in."""

    page: str
    action: str
    given: dict[str, str]
    fields: list[str]


def forms_on(browser: FlaskClient, path: str) -> Iterator[Form]:
    response = browser.get(path)
    if response.mimetype != "text/html" or response.status_code != 200:
        return
    for form in read_page(response).find_all("form"):
        inputs = form.find_all(["input", "textarea", "select"])
        given = {str(each["name"]): str(each.get("value") or "") for each in inputs}
        yield Form(path, str(form.get("action") or path), given, [name for name in given if name != "csrf_token"])


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("guest", ["client", "phone", "desk", "administrator"])
def test_no_form_breaks_on_what_is_typed_into_it(
    app: APIFlask, clock: Clock, guest: str, read_database: Callable[[], Contents], request: pytest.FixtureRequest
) -> None:
    browser: FlaskClient = request.getfixturevalue(guest)
    paths = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    filled_in = set()
    before = read_database()
    for form in [form for path in paths for form in forms_on(browser, path)]:
        for field in form.fields:
            if (form.action, field) in filled_in:
                continue
            filled_in.add((form.action, field))
            for value in VALUES:
                clock.turn(seconds=20)
                typed = urlencode(form.given | {field: value})
                response = browser.post(form.action, data=typed, content_type=FORM)
                assert response.status_code < 500, (form.action, field, value)
                assert "<script>alert" not in response.text
                assert not stands_in("1337", response.text)
    expected = {
        "client": {("/login", "pin")},
        "desk": {("/desk", "payload")},
        "administrator": {("/desk/library/people/invite", "email")},
    }
    assert filled_in >= expected.get(guest, set())
    after, at_desk = read_database(), guest in ("desk", "administrator")
    if guest == "administrator":
        # What they may write of their own library is theirs to write, however odd it is.
        for table in WRITTEN_BY_ADMINISTRATORS:
            before.pop(table), after.pop(table)
    assert without_looks(after, at_desk) == without_looks(before, at_desk)


@pytest.mark.parametrize("rule", ROUTES_THAT_WRITE, ids=lambda rule: rule.rule)
def test_nothing_is_changed_without_the_forms_own_token(
    rule: Rule, visitor_for: Callable[[Rule], Visitor], read_database: Callable[[], Contents]
) -> None:
    visitor = visitor_for(rule)
    before = read_database()
    for token in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": "Ij.aaaaaa.bbb"}, {"csrf_token": "\x00"}):
        response = visitor.send(rule, data=token)
        assert response.status_code == (415 if rule.endpoint.startswith("v1.") and token else response.status_code)
        assert 400 <= response.status_code < 500
    assert read_database() == before


@pytest.mark.parametrize("rule", ROUTES_THAT_WRITE, ids=lambda rule: rule.rule)
def test_ten_mebibytes_are_refused_unread(
    rule: Rule, visitor_for: Callable[[Rule], Visitor], read_database: Callable[[], Contents]
) -> None:
    visitor = visitor_for(rule)
    before = read_database()
    for content_type in (FORM, "application/json", "multipart/form-data; boundary=b"):
        response = visitor.send(rule, data=b"x" * (10 * MEBIBYTE), content_type=content_type)
        assert response.status_code == 413, content_type
    assert read_database() == before
