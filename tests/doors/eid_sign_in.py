"""Coming back from the sign-in service, for tests of the doors: the service, the portal that asks it, and the way."""

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.eid.provider import Provider
from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.register.tables.patrons import Patron
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.visits import main_text, read_page, submit
from tests.eid import InventedService, invented_service

RETURN = "/sign-in/return"
EMAIL = "anne@example.org"
DETAILS = {"email": EMAIL, "phone": "99900123", "address": "Storgata 2", "postcode": "2050", "place": "Jessheim"}
AGREED = {"rules": "y", "privacy": "y"}


@pytest.fixture
def service(clock: Clock) -> Iterator[InventedService]:
    with invented_service(clock) as running:
        yield running


@pytest.fixture
def app(app: APIFlask, service: InventedService) -> Iterator[APIFlask]:
    # The service speaks plain HTTP; to read the certificates of all authorities would take as long as the test.
    app.extensions["eid"] = provider = Provider(service.settings(), verify=False)
    yield app
    provider.close()


Come = Callable[..., TestResponse]


def come(
    service: InventedService, browser: FlaskClient, person: dict[str, str], way: str = "login", **changes: str
) -> TestResponse:
    """Go to the service, sign in there as somebody, and send in what one comes back with."""
    answer = service.sign_in(browser.get(f"/sign-in/{way}").location, person) | changes
    page = browser.get(RETURN, query_string=answer)
    if page.status_code != 200:
        return page
    sent = {field["name"]: field["value"] for field in read_page(page).select("#answer input")}
    return browser.post(RETURN, data=sent)


@pytest.fixture
def come_back(service: InventedService) -> Come:
    return partial(come, service)


def assert_leads_on(answer: TestResponse, sentence: str, *, status: int = 400) -> None:
    """Assert that somebody who was not let in is told why, and has a button to press."""
    assert answer.status_code == status, main_text(answer)
    assert sentence in main_text(answer)
    main = read_page(answer).main
    assert main is not None
    assert main.select("a.ds-button")


def is_let_in(browser: FlaskClient) -> bool:
    return browser.get("/my").status_code == 200


@pytest.fixture
def read_code(app: APIFlask, post: Inbox) -> Callable[[], str]:
    """Let the worker send what is due, and read the code in the newest message."""

    def read() -> str:
        with app.app_context():
            while work_once():
                pass
            db.session.remove()
        codes = (re.search(r"^\d{6}$", letter.body, re.MULTILINE) for letter in post.read())
        return next(code.group() for code in codes if code)

    return read


@pytest.fixture
def fill_in(read_code: Callable[[], str], clock: Clock) -> Callable[[FlaskClient], None]:
    """Fill in every page up to the last."""

    def fill(browser: FlaskClient) -> None:
        assert (
            submit(browser, "/register/details", preferred_contact="email", **DETAILS).location == "/register/library"
        )
        assert submit(browser, "/register/library", library_id="2023500").location == "/register/email"
        submit(browser, "/register/email")
        clock.turn(seconds=1)
        submit(browser, "/register/email", code=read_code())

    return fill


def drawn_pin(browser: FlaskClient) -> str:
    field = read_page(browser.get("/register/finish")).find("input", attrs={"name": "drawn_pin"})
    assert field is not None
    return str(field["value"])


def finish(browser: FlaskClient, **changes: str) -> TestResponse:
    fields = {"way": "drawn", "drawn_pin": drawn_pin(browser)} | AGREED | changes
    return submit(browser, "/register/finish", **fields)


def patrons_called(app: APIFlask, name: str) -> list[Patron]:
    with app.app_context():
        return list(db.session.scalars(select(Patron).where(Patron.name == name)))
