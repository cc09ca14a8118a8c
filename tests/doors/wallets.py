"""Pressing the wallet buttons, and what comes of it."""

import io
import zipfile

from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.register.patron.libraries import change_setting
from app.register.store.transaction import db
from tests.conftest import Clock
from tests.doors.visits import read_page, submit
from tests.wallets import SAVE, fill_in

GOOGLE, APPLE = "/card/wallet/google", "/card/wallet/apple"
BUTTONS = {GOOGLE: "Add to Google Wallet", APPLE: "Add to Apple Wallet"}


def allow(app: APIFlask, *, allowed: bool = True) -> None:
    with app.app_context():
        change_setting(library_id="2023500", name="static_codes", value=allowed)
        db.session.commit()


def buttons(browser: FlaskClient, page: str = "/card") -> set[str]:
    """Return where the page's wallet buttons lead."""
    forms = read_page(browser.get(page)).find_all("form")
    return {str(form["action"]) for form in forms} & set(BUTTONS)


def save_link(browser: FlaskClient) -> str:
    """Press the button, and return the link on the page that follows."""
    answer = submit(browser, GOOGLE, page="/card")
    assert answer.status_code == 200
    return link_on(answer)


def link_on(answer: TestResponse) -> str:
    (link,) = (
        str(link["href"]) for link in read_page(answer).find_all("a") if str(link.get("href", "")).startswith(SAVE)
    )
    return link


def shown(google_object: dict[str, object], clock: Clock) -> str:
    return fill_in(google_object, at=clock().timestamp())


def package(browser: FlaskClient) -> zipfile.ZipFile:
    answer = submit(browser, APPLE, page="/card")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.get_data()))
