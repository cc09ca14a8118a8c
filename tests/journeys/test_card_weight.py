"""What the card page costs whoever pays for what comes over the line."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests.journeys.people import Visitor
from tests.journeys.server import RunningPortal
from tests.journeys.test_offline_card import KEPT, Phone

FIRST_VISIT, LATER_VISITS = 100_000, 5_000


class Line:
    """A line to the portal that counts what comes over it, whoever asked: page, worker or the browser itself."""

    def __init__(self, portal: RunningPortal) -> None:
        self._to = ("127.0.0.1", urlsplit(portal.url).port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.received = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                browser, _address = self._door.accept()
                portal = socket.create_connection(self._to)
                threading.Thread(target=self._carry, args=(browser, portal, False), daemon=True).start()
                threading.Thread(target=self._carry, args=(portal, browser, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, count: bool) -> None:
        with suppress(OSError), source, target:
            while data := source.recv(65536):
                self.received += len(data) if count else 0
                target.sendall(data)

    def close(self) -> None:
        self._door.close()


def test_the_card_page_is_light(browser: Browser, portal: RunningPortal, tmp_path: Path) -> None:
    line = Line(portal)
    phone = Phone(browser, tmp_path / "phone", line.url)
    Visitor(phone.page).signs_in()
    phone.page.wait_for_load_state()  # what still comes of that page is no part of the card's
    phone.page.goto("about:blank")
    phone.context.new_cdp_session(phone.page).send("Network.clearBrowserCache")
    line.received = 0
    phone.page.goto("/card")
    expect(phone.page.get_by_text(KEPT)).to_be_visible(timeout=90_000)
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    first = line.received
    phone.page.goto("about:blank")
    line.received = 0
    phone.page.goto("/card")
    expect(phone.page.get_by_text(KEPT)).to_be_visible(timeout=90_000)
    phone.page.wait_for_timeout(3_000)  # the browser looks for a new worker by itself
    later = line.received
    phone.context.close()
    line.close()
    assert first < FIRST_VISIT
    assert later < LATER_VISITS
