"""Every page is rendered here once at least, and inspected as every answer is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from jinja2 import Environment
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import app as package
from app.web.access import Audience, audience_of
from tests.doors.visits import GUARDIAN, desk_log_in, log_in, scan_at_desk, shown_code, submit


def pages(app: APIFlask, audience: Audience) -> list[str]:
    """Return the address of every page without a parameter."""
    return [rule.rule for rule in app.url_map.iter_rules() if _is_page(app, rule, audience)]


def _is_page(app: APIFlask, rule: Rule, audience: Audience) -> bool:
    return audience_of(app, rule.endpoint) is audience and "GET" in (rule.methods or ()) and not rule.arguments


def assert_let_in(response: TestResponse) -> None:
    """A page is served, or leads on to another; never back to the door."""
    assert response.status_code in (200, 302), response.request.path
    assert not str(response.location or "").endswith("/login"), response.request.path


def templates() -> set[str]:
    folder = Path(package.__file__).parent
    return {path.as_posix().split("/templates/", 1)[1] for path in folder.glob("*/templates/**/*.html")}


@pytest.fixture
def loaded(app: APIFlask, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The templates that were used, those included, imported and extended among them."""
    names: set[str] = set()
    loader = app.jinja_env.loader
    assert loader is not None
    get_source = loader.get_source

    def note(environment: Environment, template: str) -> object:
        names.add(template)
        return get_source(environment, template)

    monkeypatch.setattr(loader, "get_source", note)
    return names


def test_a_walk_through_all_pages_renders_every_template(
    app: APIFlask, loaded: set[str], new_browser: Callable[..., FlaskClient]
) -> None:
    stranger, patron, staff = new_browser(), new_browser(), new_browser()
    log_in(patron, *GUARDIAN)
    desk_log_in(staff)
    for browser, audience in ((stranger, Audience.ANYONE), (patron, Audience.PATRON), (staff, Audience.STAFF)):
        for path in [*pages(app, Audience.ANYONE), *pages(app, audience)]:
            assert_let_in(browser.get(path))
    assert stranger.get("/nowhere").status_code == 404
    assert staff.get("/desk/nowhere").status_code == 404
    assert stranger.post("/login").status_code == 400
    assert stranger.post("/").status_code == 405
    assert submit(stranger, "/login", card_number="N000100001", pin="x" * 99_000).status_code == 413
    assert submit(stranger, "/login", card_number="N" * 99, pin="0000").status_code == 200
    assert log_in(stranger, "N000100001", "0000").status_code == 401
    assert submit(staff, "/desk/login", username="x" * 99).status_code == 200
    assert "Solvang" in scan_at_desk(staff, shown_code(patron)).text
    assert "NOT_OURS" in scan_at_desk(staff, "9788202123456").text
    assert templates() - loaded == set()


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en"])
def test_every_page_passes_inspection_in_every_language(
    app: APIFlask, new_browser: Callable[..., FlaskClient], lang: str
) -> None:
    patron, staff = new_browser(lang=lang), new_browser(lang=lang)
    log_in(patron, *GUARDIAN)
    desk_log_in(staff)
    for browser, audience in ((patron, Audience.ANYONE), (patron, Audience.PATRON), (staff, Audience.STAFF)):
        for path in pages(app, audience):
            response = browser.get(path)
            assert_let_in(response)
            if response.mimetype == "text/html" and response.status_code == 200:
                assert f'<html lang="{lang}"' in response.text, path


@pytest.mark.parametrize("audience", [Audience.PATRON, Audience.STAFF])
def test_whoever_is_not_signed_in_is_shown_the_way_in(app: APIFlask, client: FlaskClient, audience: Audience) -> None:
    door = {Audience.PATRON: "/login", Audience.STAFF: "/desk/login"}[audience]
    for path in pages(app, audience):
        response = client.get(path)
        assert (response.status_code, response.location) == (302, door), path


def test_a_patron_is_not_let_in_at_the_desk(app: APIFlask, phone: FlaskClient) -> None:
    for path in pages(app, Audience.STAFF):
        assert phone.get(path).location == "/desk/login", path


def test_staff_are_not_let_in_at_the_patrons_pages(app: APIFlask, desk: FlaskClient) -> None:
    for path in pages(app, Audience.PATRON):
        assert desk.get(path).location == "/login", path


def test_static_files_may_be_kept_for_an_hour(client: FlaskClient) -> None:
    response = client.get("/static/favicon.svg")
    assert response.status_code == 200
    assert response.cache_control.max_age == 3600
