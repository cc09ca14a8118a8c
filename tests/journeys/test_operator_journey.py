"""The operator finds a library, lets its first administrator in, and sees at a glance which library fails."""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app.ils.port import Account, Unavailable
from app.ils.systems import Systems
from app.messages.channels import Channels
from app.messages.smtp import Smtp
from app.operator.serving import HERE, open_operators_page
from app.operator.watch import EVERY
from app.register.patron.libraries import add_library
from app.register.store.transaction import writing
from app.work.worker import work_once
from tests.conftest import Clock, MakeApp
from tests.journeys.conftest import COMPUTER, PHONE
from tests.mail import running_mail_server
from tests.ports import own_port


class Library:
    """A library's system that can be switched off."""

    def __init__(self, version: str) -> None:
        self.told, self.is_off = version, False

    def accounts(self, *, card_numbers: Sequence[str]) -> list[Account]:
        if self.is_off:
            raise Unavailable("no_answer")
        return []

    def version(self) -> str:
        return self.told


@dataclass(frozen=True)
class OperatorsPage:
    """A page that is served: the app behind it, the link that opens it, and the two libraries' systems."""

    app: Flask
    link: str
    ullensaker: Library
    mullsjo: Library


@pytest.fixture
def served(make_app: MakeApp) -> Iterator[OperatorsPage]:
    app, ullensaker, mullsjo = make_app(own=True), Library("SIP2 2.00"), Library("Koha 25.05.01.000")
    app.extensions["ils"] = Systems({"2023500": ullensaker, "Mull": mullsjo})  # type: ignore[dict-item]
    with app.app_context(), writing():
        add_library(library_id="2099900", name="Fjellvika folkebibliotek", kind="folkebib")
    port = own_port()
    page, entry = open_operators_page(app, port=port)
    server = make_server(HERE, port, page, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield OperatorsPage(app, f"http://{HERE}:{port}/operator/enter/{entry.draw_link()}", ullensaker, mullsjo)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def come_in(browser: Browser, served: OperatorsPage, **options: object) -> Page:
    context = browser.new_context(locale="nb-NO", reduced_motion="reduce", **options)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(served.link)
    page.get_by_role("button", name="Åpne siden").click()
    return page


def test_the_first_administrator_of_a_library_gets_a_link(browser: Browser, served: OperatorsPage) -> None:
    page = come_in(browser, served, viewport=COMPUTER)
    page.get_by_label("Finn et bibliotek").fill("fjellvika")
    page.keyboard.press("Enter")
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_text("Biblioteket har ingen administrator")).to_be_visible()
    page.get_by_label("Navn", exact=True).fill("Mari Moe")
    page.get_by_label("E-post", exact=True).fill("mari@example.org")
    page.get_by_label("Brukernavn").fill("mari")
    page.get_by_role("button", name="Send invitasjonen").click()
    expect(page.get_by_text("mari får en e-post")).to_be_visible()
    expect(page.get_by_text("mari, Administrator")).to_be_visible()
    with running_mail_server() as mail, served.app.app_context():
        served.app.extensions["post"] = Channels({"email": Smtp(mail.url, "lanekort@example.org")})
        while work_once():
            pass
        (letter,) = mail.received
    assert letter["To"] == "mari@example.org"
    assert re.search(r"/desk/join/\S+", letter.get_content())
    page.context.close()


def test_a_library_that_begins_to_fail_comes_first_by_itself(
    browser: Browser, served: OperatorsPage, clock: Clock
) -> None:
    page = come_in(browser, served, viewport=PHONE)
    rows = page.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Svarer")
    expect(page.get_by_role("table")).to_contain_text("Koha 25.05.01.000")
    served.mullsjo.is_off = True
    clock.turn(seconds=EVERY.total_seconds())
    page.reload()
    expect(rows.nth(1)).to_contain_text("Mullsjö")
    expect(rows.nth(1)).to_contain_text("Feiler")
    expect(rows.nth(1)).to_contain_text("Ingen forbindelse")
    rows.nth(1).get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text("Ingen forbindelse")
    page.context.close()
