"""Where the portal is served over HTTPS: no password is taken in clear, and no cookie from another host."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.register.store.transaction import db
from app.web.access import MACHINES
from tests.conftest import MakeApp
from tests.doors.inspection import InspectingClient
from tests.doors.visits import GUARDIAN, KIOSK_1, desk_log_in, log_in
from tests.wall.callers import routes_of

HTTPS = {"X-Forwarded-Proto": "https"}
SYSTEM = ("2023500", "demo-system-ullensaker")
PATRON = "/api/v1/patrons/N000100001"


@pytest.fixture
def app(make_app: MakeApp) -> APIFlask:
    """The portal behind one proxy, as in production."""
    return make_app(secure_cookies=True, proxies=1)


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return InspectingClient(app, app.response_class)


@pytest.fixture
def statements(app: APIFlask) -> list[str]:
    """What the database is asked."""
    asked: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    return asked


def test_a_password_that_came_in_clear_is_refused_before_it_is_looked_at(
    client: FlaskClient, statements: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for password in (SYSTEM[1], "wrong"):
        answer = client.get(PATRON, auth=(SYSTEM[0], password))
        assert (answer.status_code, answer.json["code"]) == (403, "https-required")
        assert "HTTPS" in answer.json["detail"]
        assert "Location" not in answer.headers
        assert "WWW-Authenticate" not in answer.headers
    assert statements == []
    logged = capsys.readouterr().out
    assert "password in clear" in logged
    assert "/api/v1/patrons/<card:card_number>" in logged or "/api/v1/patrons/<" in logged
    for secret in (SYSTEM[1], "N000100001", SYSTEM[0] + '"'):
        assert secret not in logged


def test_the_same_request_over_https_is_answered(client: FlaskClient) -> None:
    assert client.get(PATRON, auth=SYSTEM, headers=HTTPS).status_code == 200
    assert client.post("/api/v1/scan", json={"payload": "1"}, auth=KIOSK_1, headers=HTTPS).status_code == 200


def test_only_the_proxy_tells_how_a_request_came(make_app: MakeApp) -> None:
    app = make_app(secure_cookies=True, proxies=0)
    assert app.test_client().get(PATRON, auth=SYSTEM, headers=HTTPS).status_code == 403
    app = make_app(secure_cookies=True, proxies=2)
    said = {"X-Forwarded-Proto": "https, http"}
    assert app.test_client().get(PATRON, auth=SYSTEM, headers=said).status_code == 200
    said = {"X-Forwarded-Proto": "https, http, https"}
    assert app.test_client().get(PATRON, auth=SYSTEM, headers=said).status_code == 403


def test_no_route_takes_a_password_in_clear_and_none_for_machines_asks_for_one(
    app: APIFlask, client: FlaskClient
) -> None:
    for route in routes_of(app):
        address = route.path.replace("<", "").replace(">", "")
        answer = client.open(address, method=route.method, auth=SYSTEM)
        assert answer.status_code == 403, route
        assert answer.mimetype == "application/problem+json", route
        if route.audience in MACHINES:
            assert client.open(address, method=route.method).status_code == 403, route


@pytest.mark.parametrize("shown", ["basic eDp5", "BASIC", " Basic \xff", "Basic"])
def test_a_password_is_known_however_it_is_written(client: FlaskClient, shown: str) -> None:
    for path in (PATRON, "/api/v1/nothing", "/api/openapi.json", "/", "/healthz"):
        assert client.get(path, headers={"Authorization": shown}).status_code == 403, path


def test_probes_and_pages_need_no_https(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/login"):
        assert client.get(path).status_code == 200


def test_the_demonstration_takes_passwords_on_ones_own_machine(make_app: MakeApp) -> None:
    app = make_app()
    assert app.test_client().get(PATRON, auth=SYSTEM).status_code == 200


def test_each_cookie_is_bound_to_this_host(app: APIFlask, client: FlaskClient) -> None:
    app.config["PREFERRED_URL_SCHEME"] = "https"
    answers = [
        log_in(client, *GUARDIAN, keep=True),
        client.get("/my?lang=en"),
        desk_log_in(client),
        client.get("/desk"),
    ]
    assert [answer.status_code for answer in answers] == [302, 200, 302, 200]
    given = [line for answer in answers for line in answer.headers.getlist("Set-Cookie")]
    names = {"__Host-lanekort", "__Host-lanekort_device", "__Host-lanekort_desk", "__Host-lang"}
    assert {line.partition("=")[0] for line in given} >= names
    for line in given:
        assert line.startswith("__Host-"), line
        attributes = [part.strip() for part in line.split(";")]
        assert {"Secure", "Path=/"} <= set(attributes)
        assert not any(part.startswith("Domain") for part in attributes)


def test_a_cookie_that_another_host_may_have_planted_is_not_read(app: APIFlask, client: FlaskClient) -> None:
    app.config["PREFERRED_URL_SCHEME"] = "https"
    log_in(client, *GUARDIAN, keep=True)
    desk_log_in(client)
    taken = {name: client.get_cookie(f"__Host-{name}") for name in ("lanekort", "lanekort_desk", "lanekort_device")}
    other = InspectingClient(app, app.response_class)
    for name, cookie in taken.items():
        other.set_cookie(name, cookie.value)
    other.set_cookie("lanekort_left", "1")
    assert other.get("/my").location == "/login"
    assert other.get("/desk").location == "/desk/login"
    log_in(other, *GUARDIAN, keep=True)
    assert other.get_cookie("__Host-lanekort_device").value != taken["lanekort_device"].value
    assert other.get("/my").status_code == 200, "the planted mark of a browser that was left counts for nothing"


def test_each_door_reads_its_own_cookie_alone(app: APIFlask, client: FlaskClient) -> None:
    app.config["PREFERRED_URL_SCHEME"] = "https"
    log_in(client, *GUARDIAN)
    desk_log_in(client)
    assert (client.get("/my").status_code, client.get("/desk").status_code) == (200, 200)
    patron, desk = client.get_cookie("__Host-lanekort"), client.get_cookie("__Host-lanekort_desk")
    swapped = InspectingClient(app, app.response_class)
    swapped.set_cookie("__Host-lanekort", desk.value)
    swapped.set_cookie("__Host-lanekort_desk", patron.value)
    assert swapped.get("/my").location == "/login"
    assert swapped.get("/desk").location == "/desk/login"


def test_a_browser_that_was_left_without_a_network_is_known_by_the_name_that_its_script_sets(
    app: APIFlask, client: FlaskClient
) -> None:
    app.config["PREFERRED_URL_SCHEME"] = "https"
    log_in(client, *GUARDIAN, keep=True)
    client.set_cookie("__Host-lanekort_left", "1")
    assert client.get("/my").location == "/login"
    token = client.get("/card/app.json").json["csrf_token"]
    assert client.post("/logout", data={"csrf_token": token}).status_code == 302
    assert client.get_cookie("__Host-lanekort_left") is None
