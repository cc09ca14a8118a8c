"""What a patron, somebody at a desk and a kiosk do at the doors, in words."""

import re
from datetime import datetime

import pyotp
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization
from werkzeug.test import TestResponse

from app.demo.accounts import ADMINISTRATORS, DESKS
from app.web.clock import now

GUARDIAN = ("N000100001", "4719")
CHILD = ("N000100002", "8302")
LOST = ("N000100004", "6184")
AT_MULLSJO_ONLY = ("N000100005", "2957")

ULLENSAKER, MULLSJO = DESKS
(ADMINISTRATOR,) = ADMINISTRATORS
SCAN = "/api/v1/scan"
_TOKEN = re.compile(r'<input[^>]* name="csrf_token"[^>]* value="([^"]+)"')
NOBODYS_CODE = "921123456789012294287082"
SYSTEM = Authorization("basic", {"username": "2023500", "password": "demo-system-ullensaker"})
KIOSK_1 = Authorization("basic", {"username": "2023500-kiosk1", "password": "demo-kiosk"})
KIOSK_2 = Authorization("basic", {"username": "2023500-kiosk2", "password": "demo-kiosk"})


def read_page(response: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(response.text, "html.parser")


def main_text(response: TestResponse) -> str:
    main = read_page(response).main
    assert main is not None
    return " ".join(main.get_text(" ").split())


def csrf_token(client: FlaskClient, path: str) -> str:
    """Read the token from a form on the page, as a browser sends it."""
    # To read the whole page as a tree for it would be a large part of a form's time.
    field = _TOKEN.search(client.get(path).text)
    assert field is not None, f"{path} has no form"
    return field[1]


def submit(client: FlaskClient, path: str, *, page: str = "", **fields: str) -> TestResponse:
    """Fill in the form on a page, which is the address itself unless another is named, and send it."""
    return client.post(path, data={"csrf_token": csrf_token(client, page or path), **fields})


def log_in(client: FlaskClient, card_number: str, pin: str, *, keep: bool = False) -> TestResponse:
    remember = {"remember": "y"} if keep else {}
    return submit(client, "/login", card_number=card_number, pin=pin, **remember)


def log_out(client: FlaskClient) -> TestResponse:
    return submit(client, "/logout", page="/my")


def desk_log_in(client: FlaskClient, desk=ULLENSAKER, *, at: datetime | None = None) -> TestResponse:
    with client.application.app_context():
        code = pyotp.TOTP(desk.totp_secret).at(at or now())
    return submit(client, "/desk/login", username=desk.username, password=desk.password, code=code)


def scan_at_desk(client: FlaskClient, payload: str) -> TestResponse:
    return submit(client, "/desk", payload=payload)


def scan_at_kiosk(client: FlaskClient, payload: str, *, kiosk: Authorization = KIOSK_1) -> TestResponse:
    return client.post(SCAN, json={"payload": payload}, auth=kiosk)


def shown_code(client: FlaskClient) -> str:
    """Return the 24 digits that the patron's phone shows now."""
    digits = client.get("/card/codes.json").json["codes"][0]["digits"]
    return digits.replace(" ", "")


def other_digit(payload: str, place: int) -> str:
    """Return the payload with one digit read wrongly."""
    return payload[:place] + str((int(payload[place]) + 1) % 10) + payload[place + 1 :]


def result_of(response: TestResponse) -> tuple[str, str]:
    """Return the reason on the desk page, empty if the card was accepted, and its headline."""
    result = read_page(response).find(id="result")
    assert result is not None, "the desk page shows no result"
    assert result.h1 is not None
    return str(result.get("data-reason", "")), result.h1.get_text()
