"""A patron's devices: all that can show the card are listed, and each can be cut off alone."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.doors.conftest import Contents
from tests.doors.visits import CHILD, GUARDIAN, log_in, main_text, read_page, scan_at_kiosk, shown_code, submit

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Mobile Safari/537.36"


def devices_of(browser: FlaskClient) -> list[tuple[str, str]]:
    """Return label and revoking address of each device on the page, in the page's order."""
    page = read_page(browser.get("/card/devices"))
    return [
        (item.h2.get_text(strip=True), str(item.form["action"]))
        for item in page.find_all("li", class_="ds-card")
        if item.h2 is not None and item.form is not None
    ]


def sign_in_with(browser: FlaskClient, agent: str) -> None:
    browser.environ_base["HTTP_USER_AGENT"] = agent
    assert log_in(browser, *GUARDIAN, keep=True).status_code == 302


def test_every_device_that_can_show_the_card_is_listed_newest_first(new_browser: Callable[..., FlaskClient]) -> None:
    iphone, android = new_browser(), new_browser()
    sign_in_with(iphone, IPHONE)
    sign_in_with(android, ANDROID)
    assert [label for label, _revoke in devices_of(iphone)] == ["Chrome, Android", "Safari, iPhone"]


def test_the_device_in_use_is_marked(phone: FlaskClient) -> None:
    assert main_text(phone.get("/card/devices")).count("This device") == 1


def test_a_lost_phone_is_cut_off_at_once_and_the_others_stay(new_browser: Callable[..., FlaskClient]) -> None:
    lost, kept = new_browser(), new_browser()
    sign_in_with(lost, ANDROID)
    sign_in_with(kept, IPHONE)
    code = shown_code(lost)
    revoke = dict(devices_of(kept))["Chrome, Android"]
    response = submit(kept, revoke, page="/card/devices")
    assert (response.status_code, response.location) == (302, "/card/devices")
    assert "The card no longer works on Chrome, Android." in main_text(kept.get("/card/devices"))
    assert scan_at_kiosk(kept, code).json["reason"] == "REVOKED"
    assert lost.get("/card").location == "/login"
    assert [label for label, _revoke in devices_of(kept)] == ["Safari, iPhone"]
    assert scan_at_kiosk(kept, shown_code(kept)).json["result"] == "accepted"


def test_somebody_who_revokes_the_device_in_use_is_signed_out(phone: FlaskClient) -> None:
    ((_label, revoke),) = devices_of(phone)
    assert submit(phone, revoke, page="/card/devices").location == "/"
    assert phone.get("/card").location == "/login"


def test_a_revoked_phone_is_a_new_device_when_it_signs_in_again(phone: FlaskClient) -> None:
    code = shown_code(phone)
    ((_label, revoke),) = devices_of(phone)
    submit(phone, revoke, page="/card/devices")
    log_in(phone, *GUARDIAN, keep=True)
    assert shown_code(phone)[:16] != code[:16]
    ((_label, anew),) = devices_of(phone)
    assert anew != revoke


def test_nobody_revokes_another_patrons_device(
    phone: FlaskClient, client: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    ((_label, revoke),) = devices_of(phone)
    log_in(client, *CHILD)
    before = read_database()
    response = submit(client, revoke, page="/card/devices")
    assert response.status_code == 409
    assert "Nothing was changed." in main_text(response)
    assert read_database() == before


def test_revoking_a_device_that_never_was_changes_nothing(
    phone: FlaskClient, read_database: Callable[[], Contents]
) -> None:
    before = read_database()
    assert submit(phone, "/card/devices/4711/revoke", page="/card/devices").status_code == 409
    for number in (10**30, 2**63, -1, "١", "１", "1.0", "1e0", "1%00", "", "%20", "../1"):
        assert submit(phone, f"/card/devices/{number}/revoke", page="/card/devices").status_code == 404, number
    assert read_database() == before


def test_a_device_is_not_revoked_by_a_link(phone: FlaskClient) -> None:
    ((_label, revoke),) = devices_of(phone)
    assert phone.get(revoke).status_code == 405
    assert phone.get("/card").status_code == 200
