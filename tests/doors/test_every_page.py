"""Every page, for whom it is, in every language."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.web.access import Audience
from tests.conftest import Clock
from tests.doors.pages import list_pages
from tests.doors.visits import ADMINISTRATOR, GUARDIAN, desk_log_in, log_in

# Only where the desk's library lends with a system that the portal is connected to.
LENDING = {"/desk/agreements", "/desk/door", "/desk/interlibrary", "/desk/returns"}
LENDING |= {"/desk/library/rules/change", "/desk/library/rules/check", "/desk/library/rules/file"}
# Only while somebody is served; else they lead to the scan.
SERVING = {"/desk/patron", "/desk/patron/contact", "/desk/patron/death"}
# Shown by the POST that draws a key; else it leads back.
SHOWN_ONCE = {"/desk/library/webhook"}


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en", "se"])
def test_every_page_passes_inspection_in_every_language(
    app: APIFlask, new_browser: Callable[..., FlaskClient], lang: str
) -> None:
    patron, staff, administrator = (new_browser(lang=lang) for _ in range(3))
    log_in(patron, *GUARDIAN)
    desk_log_in(staff)
    desk_log_in(administrator, ADMINISTRATOR)
    for browser, audience in (
        (patron, Audience.ANYONE),
        (patron, Audience.PATRON),
        (staff, Audience.STAFF),
        (administrator, Audience.ADMINISTRATOR),
    ):
        for path in list_pages(app, audience):
            response = browser.get(path)
            assert response.status_code == (404 if path in LENDING else 302 if path in SERVING | SHOWN_ONCE else 200), (
                path
            )
            if response.mimetype == "text/html" and path not in SERVING | SHOWN_ONCE:
                assert f'<html lang="{lang}"' in response.text, path


@pytest.mark.parametrize("lang", ["nb", "nn", "sv", "en", "se"])
def test_what_is_asked_on_the_way_to_a_page_passes_inspection_in_every_language(
    clock: Clock, new_browser: Callable[..., FlaskClient], lang: str
) -> None:
    patron = new_browser(lang=lang)
    log_in(patron, *GUARDIAN)
    assert patron.get("/my/confirm").location == "/my"
    clock.turn(seconds=660)
    asked = patron.get("/my/data/edit")
    assert asked.location == "/my/confirm?next=portal.edit"
    question = patron.get(asked.location)
    assert (question.status_code, f'<html lang="{lang}"' in question.text) == (200, True)


@pytest.mark.parametrize("audience", [Audience.PATRON, Audience.STAFF, Audience.ADMINISTRATOR])
def test_a_guest_is_shown_the_way_in(app: APIFlask, client: FlaskClient, audience: Audience) -> None:
    door = "/login" if audience is Audience.PATRON else "/desk/login"
    for path in list_pages(app, audience):
        response = client.get(path)
        assert (response.status_code, response.location) == (302, door), path


def test_a_patron_is_not_let_in_at_the_desk(app: APIFlask, phone: FlaskClient) -> None:
    for path in list_pages(app, Audience.STAFF) + list_pages(app, Audience.ADMINISTRATOR):
        assert phone.get(path).location == "/desk/login", path


def test_staff_are_not_let_in_at_the_patrons_pages(app: APIFlask, desk: FlaskClient) -> None:
    for path in list_pages(app, Audience.PATRON):
        assert desk.get(path).location == "/login", path


def test_static_files_may_be_kept_for_an_hour(client: FlaskClient) -> None:
    response = client.get("/static/favicon.svg")
    assert response.status_code == 200
    assert response.cache_control.max_age == 3600
