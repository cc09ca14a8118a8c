"""What is around an installation: a mail server, a library's loans system, and people who come in through the door.

Run in the installation's network as `python -m drills.installing.outside`, it prints the ports where it listens as a
line of JSON,
and then does what each line of its input says: a name and JSON, answered by a line of JSON.
"""

import json
import re
import sys
import threading
import time
from contextlib import ExitStack
from importlib import import_module
from typing import Any

import httpx
import pyotp
import pysip2
from bs4 import BeautifulSoup, Tag

from drills.installing.browser import Browser, Refused, expect
from tests.mail import MailServer, running_mail_server

_PATIENCE_SECONDS = 60
_PINS = "8302", "4719", "7346"
# Kiosks and systems as the tests have them; what they are made with has no types.
_KIOSKS, _SYSTEMS = import_module("tests.sip2.kiosks"), import_module("tests.sip2.systems")


def _system() -> Any:  # noqa: ANN401 - a library without types
    """Make a library's system that lends to whoever a kiosk names, and takes any login."""
    lets_in = {"_log_in": lambda _self, _asked, _context: pysip2.LoginResponse(ok="1")}
    return type("AnySystem", (_SYSTEMS.Library,), lets_in)()


def main() -> None:
    """Listen, say where, and do what is asked until the input ends."""
    with ExitStack() as stack:
        mail, system = stack.enter_context(running_mail_server()), _system()
        port = stack.enter_context(_SYSTEMS.lending(system))
        print(json.dumps({"mail": mail.url, "ils": port}), flush=True)
        load: Load | None = None
        for line in sys.stdin:
            name, _, more = line.partition(" ")
            asked = json.loads(more or "{}")
            try:
                if name.strip() == "visit":
                    said: Any = visit(mail, system, **asked)
                elif name.strip() == "begin":
                    load = Load(**asked)
                    said = {}
                else:
                    assert load is not None
                    said = load.end()
            except Exception as error:
                said = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(said), flush=True)


def visit(
    mail: MailServer,
    system: Any,  # noqa: ANN401 - see _system
    *,
    name: str,
    certificate: str,
    staff: list[str],
    kiosk: list[str],
    port: int,
) -> dict[str, Any]:
    """Get a card at the desk, choose a PIN, sign in on a phone, show the code at desk, kiosk and gateway.

    `staff` is a user name, password and key of one-time codes; `kiosk` a user name and password; `port` the gateway's.
    Returns what each answered.
    """
    desk, phone = Browser(name, certificate), Browser(name, certificate)
    username, password, key = staff
    signed_in = desk.send("/desk/login", username=username, password=password, code=pyotp.TOTP(key).now())
    expect(signed_in, 302, "the desk")
    details = desk.send("/desk/enrol", without="1")
    person = {"name": "Ola Nordli", "birth_date": "1991-04-02", "email": "ola@example.org", "rules": "y"}
    expect(
        desk.send_form(BeautifulSoup(details.text, "html.parser"), "/desk/enrol/details", **person), 302, "enrolling"
    )
    number = re.search(r"N ?\d{3} ?\d{3} ?\d{3}", desk.page("/desk/patron").get_text(" "))
    if number is None:
        raise Refused("the desk shows no card number")
    card = number[0].replace(" ", "")

    link = _mailed(mail, rf"https://{re.escape(name)}(/new-pin/\S+)")
    # One that nobody guesses: some have a digit row of the card's number, which is drawn.
    tried = (pin for pin in _PINS if phone.send(link, new_pin=pin).status_code == 302)
    pin = next(tried, "")
    expect(phone.send("/login", card_number=card, pin=pin, remember="y"), 302, "the phone")
    code = _mailed(mail, r"^(\d{6})\r?$")
    expect(phone.send("/login/code", code=code), 302, "the code for the phone")
    if "Ola Nordli" not in phone.page("/card").get_text(" "):
        raise Refused("the card does not show its holder")

    scanned = desk.send("/desk", payload=phone.code())
    at_desk = BeautifulSoup(scanned.text, "html.parser").find(id="result")
    _next_step()
    at_kiosk = phone.ask("POST", "/api/v1/scan", json={"payload": phone.code()}, auth=(kiosk[0], kiosk[1])).json()
    _next_step()
    with _KIOSKS.raw_kiosk(port) as sip2:
        signed_on = sip2.sign_on(kiosk[0], kiosk[1])
        told = sip2.information(phone.code())
    return {
        "card": card,
        "desk": at_desk.get_text(" ", strip=True)[:40] if isinstance(at_desk, Tag) else "nothing",
        "kiosk": at_kiosk.get("result", at_kiosk),
        "gateway": f"{signed_on.decode()} {told.code.decode()}",
        "system": [asked for _message, asked in system.asked],
    }


def _mailed(mail: MailServer, pattern: str) -> str:
    """Wait for a message with something in it, the newest first, and return that."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends:
        for message in reversed(mail.received):
            found = re.search(pattern, message.get_content(), re.MULTILINE)
            if found is not None:
                return found[1]
        time.sleep(0.2)
    raise Refused(f"no message came with {pattern}; {len(mail.received)} came")


def _next_step() -> None:
    """Wait for the next code, which is there at the full and the half minute."""
    time.sleep(30 - time.time() % 30 + 1)


class Load:
    """Scans and pages, one after the other, from a few people at once, until it is ended; notes what failed."""

    def __init__(self, *, name: str, certificate: str, kiosk: list[str]) -> None:
        self._stopping = threading.Event()
        self._slowest, self._count, self._failed, self._lock = 0.0, 0, list[str](), threading.Lock()
        self._threads = [threading.Thread(target=self._go_on, args=(name, certificate, kiosk)) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _go_on(self, name: str, certificate: str, kiosk: list[str]) -> None:
        browser = Browser(name, certificate)
        while not self._stopping.is_set():
            for path in ("/login", "/api/v1/scan"):
                begun = time.monotonic()
                try:
                    if path == "/login":
                        status = browser.ask("GET", path).status_code
                    else:
                        payload = {"payload": "921123456789012294287082"}
                        status = browser.ask("POST", path, json=payload, auth=(kiosk[0], kiosk[1])).status_code
                    failed = "" if status == 200 else f"{path} {status}"
                except httpx.HTTPError as error:
                    failed = f"{path} {type(error).__name__}"
                with self._lock:
                    self._count += 1
                    self._slowest = max(self._slowest, time.monotonic() - begun)
                    self._failed += [failed] if failed else []
            self._stopping.wait(0.1)

    def end(self) -> dict[str, Any]:
        """Stop, and return how many were sent, what failed and the slowest in seconds."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return {"sent": self._count, "failed": self._failed[:20], "slowest": round(self._slowest, 2)}


if __name__ == "__main__":
    main()
