"""What an administrator and a colleague who was invited do at the doors, in words."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyotp
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.demo.accounts import DemoDesk
from app.register.staff.acts import list_library_acts
from app.register.store.transaction import db
from app.register.tables.library import Staff
from app.work.worker import work_once
from tests.conftest import Clock
from tests.doors.visits import read_page, submit
from tests.mail import MailServer

PEOPLE, INVITE = "/desk/library/people", "/desk/library/people/invite"
GOOD = "frosken hopper i dammen"
Browsers = Callable[..., FlaskClient]


def invited(administrator: FlaskClient, username: str = "kari", role: str = "desk", **other: str) -> TestResponse:
    fields = {"name": "Kari Nordmann", "email": f"{username}@example.org", "username": username, "role": role} | other
    return submit(administrator, INVITE, **fields)


def work(app: APIFlask) -> None:
    with app.app_context():
        while work_once():
            pass
        db.session.remove()


def link_in(mail: MailServer) -> str:
    found = re.search(r"https://card\.example\.org(/desk/join/\S+)", mail.received[-1].get_content())
    assert found is not None
    return found[1]


def id_of(app: APIFlask, username: str) -> int:
    with app.app_context():
        found = db.session.scalar(select(Staff.id).where(Staff.username == username))
        db.session.remove()
    assert found is not None, username
    return found


@dataclass
class Joined:
    """A colleague who has set up their sign-in."""

    staff_id: int
    sign_in: DemoDesk
    browser: FlaskClient


def key_on(page: TestResponse) -> str:
    code = read_page(page).select_one("main code")
    assert code is not None
    return code.get_text().replace(" ", "")


def join(browser: FlaskClient, link: str, clock: Clock, *, password: str = GOOD, code: str = "") -> TestResponse:
    key = key_on(browser.get(link))
    return submit(browser, link, new_password=password, code=code or pyotp.TOTP(key).at(clock()))


def act(browser: FlaskClient, colleague: int, what: str, **fields: str) -> TestResponse:
    page = f"{PEOPLE}/{colleague}"
    return submit(browser, f"{page}/{what}", page="/desk", **fields)


def acts(app: APIFlask) -> list[tuple[str | None, str, str]]:
    with app.app_context():
        found = list_library_acts(library_id="2023500")
        db.session.remove()
    return [(each.username, each.kind, each.subject) for each in found]
