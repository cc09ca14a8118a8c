"""Whoever is refused hears it in the page's title, and gets from the summary to the field that is wrong."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from tests.doors.eid_sign_in import DETAILS, app, come, fill_in, read_code, service
from tests.doors.visits import GUARDIAN, log_in, submit
from tests.eid import ANNE, LARS, InventedService

__all__ = ["app", "fill_in", "read_code", "service"]

FOR_ANYONE = (
    ("/login", {"card_number": "N" * 99, "pin": "0000"}, ["card_number"]),
    ("/login", {"card_number": "N000100001", "pin": "0000"}, ["card_number", "pin"]),
    ("/new-pin", {"card_number": "nobody"}, ["card_number"]),
    ("/new-pin/code", {"code": "7K3M"}, ["code"]),
)
FOR_PATRONS = (
    ("/my/data/edit", {"email": "nobody", "preferred_contact": "email"}, ["email"]),
    ("/my/pin", {"new_pin": "1234"}, ["new_pin"]),
    ("/my/settings", {"guardian_card_number": "nobody"}, ["guardian_card_number"]),
    ("/my/reminders", {"due": "email", "days_before": "x"}, ["days_before"]),
)


def assert_named(text: str, ids: list[str]) -> None:
    """Assert that a page's title begins with the fault, its heading does not, and its alert leads to these fields."""
    page = BeautifulSoup(text, "html.parser")
    assert page.title is not None
    assert page.title.get_text().startswith("Error: ")
    assert not page.select_one("h1").get_text().startswith("Error")
    [alert] = page.select("main [role=alert]")
    assert alert.get("tabindex") == "-1"
    assert alert.has_attr("autofocus")
    led_to = [link["href"].removeprefix("#") for link in alert.select("a")]
    assert set(ids) <= set(led_to)
    assert [each for each in led_to if page.find(id=each) is None] == []


@pytest.fixture
def guardian(client: FlaskClient) -> FlaskClient:
    log_in(client, *GUARDIAN)
    return client


@pytest.mark.parametrize(("path", "fields", "ids"), FOR_ANYONE)
def test_of_anyone(new_browser: Callable[..., FlaskClient], path: str, fields: dict[str, str], ids: list[str]) -> None:
    assert_named(submit(new_browser(), path, **fields).text, ids)


@pytest.mark.parametrize(("path", "fields", "ids"), FOR_PATRONS)
def test_of_a_patron(guardian: FlaskClient, path: str, fields: dict[str, str], ids: list[str]) -> None:
    assert "Error" not in guardian.get(path).text.partition("</title>")[0]
    assert_named(submit(guardian, path, **fields).text, ids)


def test_of_a_pin_that_confirms(guardian: FlaskClient) -> None:
    assert_named(submit(guardian, "/my/data/erase", confirm_pin="0000").text, ["confirm_pin"])


def test_of_each_step_to_a_card(
    service: InventedService, new_browser: Callable[..., FlaskClient], fill_in: Callable[[FlaskClient], None]
) -> None:
    own, parent = new_browser(), new_browser()
    assert come(service, own, ANNE, "card").status_code == 302
    wrong = {"email": "nobody", "preferred_contact": "x"}
    assert_named(submit(own, "/register/details", **wrong).text, ["preferred_contact"])
    submit(own, "/register/details", preferred_contact="email", **DETAILS)
    assert_named(submit(own, "/register/library", library_id="nowhere").text, ["library-1"])
    fill_in(own)
    assert_named(submit(own, "/register/finish", way="own", new_pin="1234").text, ["rules", "privacy"])
    assert come(service, parent, LARS, "child").status_code == 302
    assert_named(submit(parent, "/register/child", name="Jonas Solvang").text, ["birth_date", "number", "guardian"])
