"""The demonstration imitates the phone's wallets, and says so. Its passes are scanned like any other."""

import base64

import pytest
from apiflask import APIFlask
from bs4 import Tag
from flask.testing import FlaskClient
from pyotp import TOTP

from tests.conftest import Clock
from tests.doors.visits import main_text, read_page, scan_at_desk, submit
from tests.doors.wallets import allow

NAME = "Ingrid Solvang"


def make(browser: FlaskClient, maker: str) -> Tag:
    page = read_page(submit(browser, f"/demo/wallet/{maker}", page="/demo/wallet"))
    assert "imitation" in page.get_text()
    (shown,) = page.select("#wallet-pass")
    return shown


def test_the_page_without_wallets_leads_to_the_imitation(phone: FlaskClient) -> None:
    assert read_page(phone.get("/card/wallet")).select_one('a[href="/demo/wallet"]')
    assert "has no agreement with Google or Apple" in main_text(phone.get("/demo/wallet"))


def test_the_imitated_google_wallet_shows_a_rotating_code_that_is_accepted(
    phone: FlaskClient, desk: FlaskClient, clock: Clock
) -> None:
    shown = make(phone, "google")
    secret = base64.b32encode(bytes.fromhex(str(shown["data-key"]))).decode()
    assert NAME in main_text(scan_at_desk(desk, f"{shown['data-head']}{TOTP(secret, digits=8).at(clock())}"))
    assert "Google Wallet" in main_text(phone.get("/card/devices"))


def test_the_imitated_apple_wallet_shows_a_code_that_stands_still_where_the_home_library_takes_it(
    app: APIFlask, phone: FlaskClient, desk: FlaskClient
) -> None:
    assert "your home library does not take them" in main_text(phone.get("/demo/wallet"))
    allow(app)
    shown = make(phone, "apple")
    assert "data-key" not in shown.attrs
    assert NAME in main_text(scan_at_desk(desk, str(shown["data-head"])))


@pytest.mark.usefixtures("both_wallets")
def test_beside_real_wallets_there_is_no_imitation(phone: FlaskClient) -> None:
    assert phone.get("/demo/wallet").status_code == 404
    assert submit(phone, "/demo/wallet/google", page="/card").status_code == 404
