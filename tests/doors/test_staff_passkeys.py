"""A passkey at the desk: added by its owner, enough alone to sign in and to confirm, and gone with its owner."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.register.staff.people import dismiss_colleague, reinstate, suspend
from app.register.staff.staff import employ
from app.register.store.transaction import db, writing
from app.register.tables.library import Staff
from app.rules.library.staff import StaffRole
from tests.authenticator import Authenticator
from tests.conftest import Clock
from tests.doors.passkeys import add, options, sign_in
from tests.doors.visits import ADMINISTRATOR, GUARDIAN, csrf_token, log_in, main_text, submit

OWN, LOGIN = "/desk/sign-in", "/desk/login/passkey"
REMOVE = re.compile(r'action="(/desk/sign-in/passkeys/\d+/remove)"')
Browsers = Callable[..., FlaskClient]


def add_at_desk(browser: FlaskClient, own: Authenticator, *, label: str = "Jobbmobilen") -> TestResponse:
    made = own.create(options(browser, f"{OWN}/passkeys/options", page=OWN))
    return submit(browser, f"{OWN}/passkeys", page=OWN, answer=made, label=label)


def sign_in_at_desk(browser: FlaskClient, own: Authenticator, **said: object) -> TestResponse:
    asked = options(browser, f"{LOGIN}/options", page="/desk/login")
    return submit(browser, LOGIN, page="/desk/login", answer=own.sign(asked, **said))


@pytest.fixture
def with_passkey(administrator: FlaskClient, own: Authenticator) -> FlaskClient:
    assert add_at_desk(administrator, own).location == OWN
    assert "Jobbmobilen" in main_text(administrator.get(OWN))
    return administrator


def test_a_passkey_signs_in_alone(with_passkey: FlaskClient, new_browser: Browsers, own: Authenticator) -> None:
    browser = new_browser()
    assert sign_in_at_desk(browser, own).location == "/desk"
    assert browser.get("/desk/library").status_code == 200


def test_it_confirms_in_place_of_password_and_code(with_passkey: FlaskClient, own: Authenticator, clock: Clock) -> None:
    clock.turn(seconds=600)
    fields = {"name": "Kari", "email": "kari@example.org", "username": "kari", "role": "desk"}
    question = submit(with_passkey, "/desk/library/people/invite", **fields)
    assert "Confirm with face, finger or screen lock" in question.text
    answer = own.sign(options(with_passkey, "/desk/confirm/passkey", page="/desk"))
    sent = submit(with_passkey, "/desk/library/people/invite", confirm_passkey=answer, **fields)
    assert sent.status_code == 302
    again = submit(with_passkey, "/desk/library/people/invite", confirm_passkey=answer, **fields | {"username": "ola"})
    assert again.status_code == 302, "within ten minutes nothing is asked"
    clock.turn(seconds=600)
    again = submit(with_passkey, "/desk/library/people/invite", confirm_passkey=answer, **fields | {"username": "per"})
    assert again.status_code == 422, "an answer counts once"


def test_adding_and_removing_asks_who_it_is(
    with_passkey: FlaskClient, own: Authenticator, new_browser: Browsers, clock: Clock
) -> None:
    (remove,) = REMOVE.findall(with_passkey.get(OWN).text)
    clock.turn(seconds=600)
    assert "Confirm that it is you" in submit(with_passkey, remove, page=OWN).text
    other = Authenticator()
    assert "Confirm that it is you" in add_at_desk(with_passkey, other).text
    answer = own.sign(options(with_passkey, "/desk/confirm/passkey", page="/desk"))
    assert submit(with_passkey, remove, page=OWN, confirm_passkey=answer).location == OWN
    assert sign_in_at_desk(new_browser(), own).status_code == 401
    assert submit(with_passkey, remove, page=OWN).location == OWN
    assert "It was removed before." in main_text(with_passkey.get(OWN))
    noted = main_text(with_passkey.get("/desk/library/acts"))
    for act in ("Added a passkey of admin-2023500", "Removed a passkey of admin-2023500"):
        assert noted.count(act) == 1


def test_what_is_refused_is_one_answer(
    app: APIFlask, with_passkey: FlaskClient, new_browser: Browsers, own: Authenticator
) -> None:
    stranger = Authenticator()
    patron = new_browser()
    log_in(patron, *GUARDIAN, keep=True)
    assert add(patron, stranger).status_code == 302
    answers = [
        sign_in_at_desk(new_browser(), stranger),
        sign_in_at_desk(new_browser(), own, challenge="AAAA"),
        submit(new_browser(), LOGIN, page="/desk/login", answer="{}"),
    ]
    assert {(answer.status_code, main_text(answer)) for answer in answers} == {(401, main_text(answers[0]))}
    # A passkey of the desk is none of a patron's.
    assert sign_in(new_browser(), own).status_code == 401


def test_nobody_removes_a_colleagues(
    with_passkey: FlaskClient, desk: FlaskClient, new_browser: Browsers, own: Authenticator
) -> None:
    (remove,) = REMOVE.findall(with_passkey.get(OWN).text)
    assert submit(desk, remove, page=OWN).location == OWN
    assert sign_in_at_desk(new_browser(), own).location == "/desk"


def test_who_is_suspended_or_dismissed_signs_in_with_none(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, own: Authenticator, clock: Clock
) -> None:
    sign_in = {"library_id": "2023500", "username": "second", "name": "Second", "password": "p" * 20}
    sign_in |= {"totp_secret": ADMINISTRATOR.totp_secret}
    with app.app_context():
        with writing():
            second = employ(**sign_in, role=StaffRole.ADMINISTRATOR).id
        whose = db.session.scalar(select(Staff.id).where(Staff.username == ADMINISTRATOR.username))
        db.session.remove()
    assert whose is not None
    add_at_desk(administrator, own)
    for act, status in ((suspend, 401), (reinstate, 302), (dismiss_colleague, 401)):
        with app.app_context(), writing():
            act(by=second, staff_id=whose, now=clock())
        assert sign_in_at_desk(new_browser(), own).status_code == status


@pytest.mark.parametrize("state", [{"awaits_setup": True}, {"suspended_at": datetime(2026, 11, 22, tzinfo=UTC)}])
def test_who_was_suspended_or_sent_a_new_link_meanwhile_adds_none(
    app: APIFlask, administrator: FlaskClient, new_browser: Browsers, own: Authenticator, state: dict[str, object]
) -> None:
    with app.app_context(), writing():
        db.session.execute(update(Staff).where(Staff.username == ADMINISTRATOR.username).values(**state))
    add_at_desk(administrator, own)
    assert "Nothing was added." in main_text(administrator.get(OWN))
    assert sign_in_at_desk(new_browser(), own).status_code == 401


def test_tries_are_counted_by_network_address(new_browser: Browsers) -> None:
    browser = new_browser()
    token = csrf_token(browser, "/desk/login")
    statuses = []
    for _ in range(61):
        options(browser, f"{LOGIN}/options", page="/desk/login")
        statuses.append(browser.post(LOGIN, data={"csrf_token": token, "answer": "{}"}).status_code)
    assert statuses[:60] == [401] * 60
    assert statuses[60] == 429


def test_the_page_for_signing_in_offers_it_among_the_browsers_suggestions(client: FlaskClient) -> None:
    page = client.get("/desk/login").text
    assert 'autocomplete="username webauthn"' in page
    assert "data-suggests" in page
