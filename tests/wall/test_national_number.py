"""A national number is used in the request that brings it, and afterwards it is nowhere, in any disguise."""

import base64
import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.messages.channels import Inbox
from app.register.store.transaction import db
from app.work.worker import work_once
from tests.conftest import Clock, settings_for
from tests.doors.visits import csrf_token, read_page, submit
from tests.eid import ANNE, GUARDIAN, LARS, LOST, MINA, InventedService, Manners, invented_service
from tests.wall.test_canary import everything_central

CHILD = "03861770027"
NUMBERS = (ANNE["pid"], LARS["pid"], MINA["pid"], GUARDIAN["pid"], LOST["pid"], CHILD)


def disguises(number: str) -> set[bytes]:
    """Return the ways in which a number may lie in a file: as such, grouped, encoded, or under a hash without a key."""
    grouped = {f"{number[:6]} {number[6:]}", f"{number[:6]}-{number[6:]}", number[::-1], number}
    texts = grouped | {f"NO:{number}"}
    found = {text.encode(coding) for text in texts for coding in ("utf-8", "utf-16-le", "utf-16-be")}
    found |= {quote(text, safe="").encode() for text in texts} | {number.encode().hex().encode()}
    for text in (number, f"NO:{number}"):
        for shift in range(3):
            # The outermost letters of base64 mix with the neighbours.
            found.add(base64.b64encode(b"x" * shift + text.encode())[4:-4])
            found.add(base64.urlsafe_b64encode(b"x" * shift + text.encode())[4:-4])
        for kind in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(kind, text.encode())
            found |= {digest.hexdigest().encode(), digest.digest(), base64.b64encode(digest.digest())[:-2]}
    return found


class RecordingClient(FlaskClient):
    """A browser that notes every address it is led to and every page it is shown."""

    seen: list[bytes]

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        response = super().open(*args, **kwargs)
        self.seen.append((response.location or "").encode() + response.data + str(response.headers).encode())
        return response


@pytest.fixture
def service(clock: Clock) -> Iterator[InventedService]:
    with invented_service(clock) as running:
        yield running


@pytest.fixture
def app(database_url: str, clock: Clock, tmp_path: Path, service: InventedService) -> Iterator[APIFlask]:
    settings = replace(settings_for(database_url), eid=service.settings())
    made = create_app(settings, clock=clock, post=Inbox(tmp_path / "inbox"))
    made.testing = True
    made.test_client_class = RecordingClient
    yield made
    made.extensions["eid"].close()
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def come_back(browser: FlaskClient, service: InventedService, person: dict[str, str], way: str) -> TestResponse:
    answer = service.sign_in(browser.get(f"/sign-in/{way}").location, person)
    page = browser.get("/sign-in/return", query_string=answer)
    return browser.post(
        "/sign-in/return", data={field["name"]: field["value"] for field in read_page(page).select("#answer input")}
    )


def fill_in(app: APIFlask, browser: FlaskClient, inbox: Inbox) -> None:
    submit(browser, "/register/details", preferred_contact="email", email="anne@example.org")
    submit(browser, "/register/library", library_id="2023500")
    submit(browser, "/register/email")
    with app.app_context():
        while work_once():
            pass
        db.session.remove()
    code = re.search(r"\b\d{6}\b", inbox.read()[0].body)
    assert code is not None
    submit(browser, "/register/email", code=code.group())


def finish(browser: FlaskClient) -> TestResponse:
    page = read_page(browser.get("/register/finish"))
    (drawn,) = page.find_all("input", attrs={"name": "drawn_pin"})
    return submit(browser, "/register/finish", way="drawn", drawn_pin=str(drawn["value"]), rules="y", privacy="y")


def test_a_national_number_is_nowhere_after_the_request_that_used_it(
    app: APIFlask,
    database_url: str,
    clock: Clock,
    tmp_path: Path,
    service: InventedService,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    inbox = Inbox(tmp_path / "inbox")
    browsers = [app.test_client() for _ in range(6)]
    for browser in browsers:
        browser.seen = []  # type: ignore[attr-defined]
        browser.set_cookie("lang", "en")
    own, parent, young, known, lost, stranger = browsers

    come_back(own, service, ANNE, "card")
    fill_in(app, own, inbox)
    assert finish(own).location == "/card"
    come_back(parent, service, LARS, "child")
    child = {"name": "Emil Dahl", "birth_date": "2017-06-03", "guardian": "y"}
    submit(parent, "/register/child", **child, number=CHILD + "1")
    assert submit(parent, "/register/child", **child, number=f"{CHILD[:6]} {CHILD[6:]}").location == "/register/details"
    clock.turn(seconds=60)
    fill_in(app, parent, inbox)
    assert finish(parent).location == "/register/child-card"
    # In the middle of it, with somebody else's consent.
    come_back(young, service, MINA, "card")
    clock.turn(seconds=60)
    fill_in(app, young, inbox)
    come_back(young, service, LARS, "guardian")
    come_back(known, service, GUARDIAN, "login")
    come_back(known, service, GUARDIAN, "confirm")
    assert come_back(lost, service, LOST, "login").status_code == 403
    for manners in (Manners(changes={"nonce": "x"}), Manners(changes={"pid": CHILD + "9"}), Manners(token_status=500)):
        service.manners = manners
        assert come_back(stranger, service, ANNE, "card").status_code in (400, 503)
    for browser in browsers:
        for page in ("/", "/register", "/my", "/card", "/my/libraries", "/login", "/register/child-card"):
            browser.get(page)

    printed = capfd.readouterr()
    kept = [
        *everything_central(app, database_url, browsers, tmp_path / "inbox"),
        ("the log", (caplog.text + printed.out + printed.err).encode()),
        # The demonstration tells a guardian the number of an invented child to try with: no register told it.
        *(("an address or page", seen.replace(f"{CHILD}.".encode(), b"")) for each in browsers for seen in each.seen),  # type: ignore[attr-defined]
    ]
    assert len(kept) > 100
    found = [where for where, content in kept for number in NUMBERS for each in disguises(number) if each in content]
    assert found == []
    with app.app_context():
        assert csrf_token(own, "/my"), "she is signed in, and it worked without the number"


def test_a_number_that_lay_somewhere_would_be_found(app: APIFlask, database_url: str, tmp_path: Path) -> None:
    number = ANNE["pid"]
    for text in (number, f"id=NO%3A{number}", number.encode().hex(), base64.b64encode(f"ab{number}".encode()).decode()):
        assert any(each in text.encode() for each in disguises(number)), text
    hashed = hashlib.sha256(f"NO:{number}".encode()).hexdigest().encode()
    assert hashed in disguises(number)
