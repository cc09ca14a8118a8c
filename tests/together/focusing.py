"""A patron's act on a page, and what has the focus after it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from apiflask import APIFlask
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.register.store.transaction import db
from tests.authenticator import Authenticator
from tests.conftest import Clock
from tests.doors.reminding import Browser
from tests.doors.visits import CHILD, GUARDIAN, log_in, read_page, submit
from tests.together.acts import send_permission
from tests.town import Town

SETTINGS, ULLENSAKER = "/my/settings", "2023500"
BARCODE, TITLE = "990088", "Ærfuglens sjuogsøtti sokkelost"


@dataclass
class Home:
    """The child and the guardian, each with a phone, and their libraries."""

    app: APIFlask
    town: Town
    clock: Clock
    child: FlaskClient
    guardian: FlaskClient
    new_browser: Callable[..., FlaskClient]
    key: Authenticator
    browser: Browser

    def set(self, table: type, **values: object) -> None:
        with self.app.app_context():
            db.session.execute(update(table).values(**values))
            db.session.commit()

    def other_phone(self) -> FlaskClient:
        other = self.new_browser()
        log_in(other, *GUARDIAN, keep=True)
        return other

    def permit(self) -> None:
        send_permission(self.child, GUARDIAN[0])

    def permit_and_switch_on(self) -> None:
        self.permit()
        submit(self.guardian, f"{SETTINGS}/permissions/1/on", page=SETTINGS)

    def reserve(self) -> None:
        """Have the guardian wait for what somebody else has."""
        lending = self.town.systems.lending(ULLENSAKER)
        self.town.put_on_shelf(ULLENSAKER, barcode=BARCODE, title=TITLE)
        lending.check_out(card_number=CHILD[0], barcode=BARCODE)
        lending.reserve(card_number=GUARDIAN[0], barcode=BARCODE)

    def reserve_and_get(self) -> None:
        self.reserve()
        self.town.systems.lending(ULLENSAKER).return_item(barcode=BARCODE, staff="desk-1")


@dataclass
class Shown:
    """The page after an act, and the fragment of its address."""

    page: BeautifulSoup
    fragment: str

    @property
    def focused(self) -> Tag:
        """What has the focus: what the address names, and else what asks for it (HTML, the autofocus attribute)."""
        found = self.page.find(id=self.fragment) if self.fragment else None
        asking = self.page.select("main [autofocus]")
        assert found or asking, "nothing has the focus"
        return found or asking[0]

    @property
    def said(self) -> str:
        return " ".join(self.page.select_one("main").select_one(".said, h1").get_text(" ").split())


def send(client: FlaskClient, form: Tag, **fields: str) -> Shown:
    """Send a form, and follow where it leads as a browser does: a fragment stays until another one comes."""
    filled = {field["name"]: field.get("value", "") for field in form.select("input[type=hidden], input[checked]")}
    address = urlsplit(str(form.get("action") or ""))
    answer: TestResponse = client.post(address.path, data=filled | fields)
    fragment = address.fragment
    if answer.status_code in (302, 303):
        there = urlsplit(answer.location)
        answer, fragment = client.get(there.path), there.fragment or fragment
    assert answer.status_code in (200, 409, 422), answer.status_code
    return Shown(read_page(answer), fragment)


def press(client: FlaskClient, page: str, ending: str, *holding: str, **fields: str) -> Shown:
    """Fill in and send the first form of a page that leads to such an address, and has these words in it."""
    for form in read_page(client.get(page)).find_all("form"):
        path = urlsplit(str(form.get("action") or page)).path
        if path.endswith(ending) and all(words in str(form) for words in holding):
            form["action"] = form.get("action") or page
            return send(client, form, **fields)
    raise AssertionError(f"{page} has no form that leads to …{ending}")


Act = Callable[[Home], Shown]


def presses(
    who: str, page: str, ending: str, *holding: str, first: Callable[[Home], object] | None = None, **fields: str
) -> Act:
    """Return the act of pressing a button on a page; `first` is what must have happened before."""

    def act(home: Home) -> Shown:
        if first is not None:
            first(home)
        return press(getattr(home, who), page, ending, *holding, **fields)

    return act
