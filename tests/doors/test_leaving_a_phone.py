"""A browser that somebody left without a network: it opens nothing of theirs, and their sign-in ends behind it."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.register.store.transaction import db
from app.register.tables.devices import Credential
from app.register.tables.patrons import Patron, Session
from tests.doors.test_phone import agree
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page, scan_at_kiosk, shown_code


def leave_without_network(browser: FlaskClient) -> None:
    """Leave the mark that the page's script leaves."""
    browser.set_cookie("lanekort_left", "1")


@pytest.mark.parametrize("keep", [True, False])
def test_a_browser_that_was_left_without_a_network_opens_nothing_and_logs_out_behind(
    client: FlaskClient, keep: bool
) -> None:
    log_in(client, *GUARDIAN, keep=keep)
    code = shown_code(client)
    kept = agree(client).json.get("head") if keep else None
    leave_without_network(client)
    for path in ("/my", "/card", "/my/data", "/card/codes.json"):
        assert client.get(path).location == "/login", path
    told = client.get("/card/app.json").json
    assert (told["signed_in"], told["keeps"], told["cards"]) == (False, False, [])
    answer = client.post("/logout", data={"csrf_token": told["csrf_token"]})
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get_cookie("lanekort_left") is None
    assert client.get("/my").location == "/login"
    if keep:
        log_in(client, *GUARDIAN, keep=True)
        assert kept not in [key["head"] for key in client.get("/card/app.json").json["cards"][0]["keys"]]
    else:
        assert scan_at_kiosk(client, code).json["reason"] == "REVOKED"


def test_somebody_who_logs_in_where_somebody_left_without_a_network_ends_that_sign_in(
    app: APIFlask, phone: FlaskClient
) -> None:
    agree(phone)
    leave_without_network(phone)
    log_in(phone, *CHILD)
    assert phone.get_cookie("lanekort_left") is None
    assert "Jonas" in main_text(phone.get("/my"))
    with app.app_context():
        names = db.session.scalars(db.select(Patron.name).join(Session, Session.patron_id == Patron.id)).all()
        live = db.select(Credential.id).where(Credential.key_on_phone.is_(True), Credential.revoked_at.is_(None))
        assert names == ["Jonas Solvang"]
        assert db.session.scalars(live).all() == []


def test_a_form_that_is_open_stays_good_while_the_script_logs_out_behind_it(phone: FlaskClient) -> None:
    leave_without_network(phone)
    token = read_page(phone.get("/login")).find("input", attrs={"name": "csrf_token"})
    assert token is not None
    behind = phone.get("/card/app.json").json["csrf_token"]
    assert phone.post("/logout", data={"csrf_token": behind}).status_code == 302
    sent = {"csrf_token": str(token["value"]), "card_number": CHILD[0], "pin": CHILD[1]}
    assert phone.post("/login", data=sent).location == "/my"
