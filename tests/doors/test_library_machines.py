"""A library's administrators connect machines, see how they do, and take them away again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.datastructures import Authorization

from app.register.library.notices import release_queue
from app.register.store.transaction import db
from app.work.calling import make_public_client
from tests.conftest import Clock
from tests.doors.visits import KIOSK_1, NOBODYS_CODE, SCAN, main_text, read_page, submit
from tests.push_service import PushService, serve_push

PAGE, WEBHOOK = "/desk/library/machines", "/desk/library/webhook"


def connect(client: FlaskClient, name: str = "kiosk7", kind: str = "kiosk") -> str:
    """Connect a machine, and return the password that is shown."""
    answer = submit(client, PAGE, name=name, kind=kind)
    assert answer.status_code == 200
    shown = read_page(answer).select_one("code.secret")
    assert shown is not None
    return shown.get_text()


def scan(client: FlaskClient, username: str, password: str) -> int:
    login = Authorization("basic", {"username": username, "password": password})
    return client.post(SCAN, json={"payload": NOBODYS_CODE}, auth=login).status_code


def test_a_machine_is_connected_and_works_with_the_password_that_is_shown_once(
    administrator: FlaskClient, client: FlaskClient
) -> None:
    password = connect(administrator)
    assert scan(client, "2023500-kiosk7", password) == 200
    assert password not in administrator.get(PAGE).text
    assert administrator.get(f"{PAGE}/2023500-kiosk7/password").location == PAGE
    assert "Connected the machine 2023500-kiosk7" in main_text(administrator.get("/desk/library/acts"))


@pytest.mark.parametrize("name", ["", "a-b", "æ", "x" * 31, "a:b", "<b>"])
def test_a_name_that_no_machine_may_have_is_refused_beside_its_field(administrator: FlaskClient, name: str) -> None:
    answer = submit(administrator, PAGE, name=name, kind="kiosk")
    assert answer.status_code == 422
    assert "1 to 30 letters a to z and digits." in main_text(answer)


def test_a_name_is_given_once(administrator: FlaskClient) -> None:
    connect(administrator)
    answer = submit(administrator, PAGE, name="KIOSK7", kind="system")
    assert answer.status_code == 422
    assert "A machine has this name already." in main_text(answer)


def test_a_new_password_works_beside_the_former_one_for_a_week(
    administrator: FlaskClient, client: FlaskClient, clock: Clock
) -> None:
    former = connect(administrator)
    shown = read_page(submit(administrator, f"{PAGE}/2023500-kiosk7/password", page=PAGE)).select_one("code.secret")
    assert shown is not None
    for password in (former, shown.get_text()):
        assert scan(client, "2023500-kiosk7", password) == 200
    assert "Its former password works until" in main_text(administrator.get(PAGE))
    clock.turn(seconds=7 * 86_400 + 1)
    assert scan(client, "2023500-kiosk7", former) == 401
    assert scan(client, "2023500-kiosk7", shown.get_text()) == 200


def test_a_machine_that_is_disconnected_is_refused_at_once(administrator: FlaskClient, client: FlaskClient) -> None:
    password = connect(administrator)
    submit(administrator, f"{PAGE}/2023500-kiosk7/disconnect", page=PAGE)
    assert scan(client, "2023500-kiosk7", password) == 401
    assert "2023500-kiosk7" not in read_page(administrator.get(PAGE)).select_one("main .rows").get_text()  # type: ignore[union-attr]


def test_the_page_says_when_a_machine_was_last_here_and_why_it_was_refused(
    administrator: FlaskClient, client: FlaskClient
) -> None:
    assert "Has not been here yet." in main_text(administrator.get(PAGE))
    client.post(SCAN, json={"payload": NOBODYS_CODE}, auth=KIOSK_1)
    client.post(SCAN, json={"payload": "978820012345"}, auth=KIOSK_1)
    client.post(SCAN, json={"payload": "978820012345"}, auth=KIOSK_1)
    scan(client, "2023500-kiosk1", "wrong")
    row = next(
        each.get_text(" ", strip=True)
        for each in read_page(administrator.get(PAGE)).select("main .rows > li")
        if "2023500-kiosk1" in each.get_text()
    )
    assert "Last here on" in row
    assert "1 × unknown or deleted card" in row
    assert "2 × no library card" in row
    assert "1 × wrong password" in row


def test_another_librarys_machines_are_not_there(administrator: FlaskClient) -> None:
    assert "Mull" not in main_text(administrator.get(PAGE))
    assert administrator.get(f"{PAGE}/Mull-kiosk1/sheet.txt").status_code == 404
    for act in ("password", "disconnect"):
        theirs = submit(administrator, f"{PAGE}/Mull-kiosk1/{act}", page=PAGE)
        nobodys = submit(administrator, f"{PAGE}/no-such-machine/{act}", page=PAGE)
        assert (theirs.status_code, theirs.text) == (404, nobodys.text)


@pytest.mark.parametrize("kind", ["kiosk", "system", "supplier"])
def test_the_set_up_sheet_says_everything_but_the_password(administrator: FlaskClient, kind: str) -> None:
    password = connect(administrator, kind=kind)
    sheet = administrator.get(f"{PAGE}/2023500-kiosk7/sheet.txt")
    assert sheet.mimetype == "text/plain"
    assert "attachment" in sheet.headers["Content-Disposition"]
    assert "2023500-kiosk7" in sheet.text
    assert password not in sheet.text
    assert "/api/v1/" in sheet.text
    assert not any(line != line.rstrip() for line in sheet.text.splitlines())


def test_what_changes_rights_asks_who_it_is_after_ten_minutes(administrator: FlaskClient, clock: Clock) -> None:
    clock.turn(seconds=601)
    for path, fields in (
        (PAGE, {"name": "kiosk7", "kind": "kiosk"}),
        (f"{PAGE}/2023500-kiosk1/password", {}),
        (f"{PAGE}/2023500-kiosk1/disconnect", {}),
        (WEBHOOK, {"url": "https://ils.example.org/"}),
        (f"{WEBHOOK}/stop", {}),
    ):
        answer = submit(administrator, path, page=PAGE, **fields)
        assert read_page(answer).select_one("[name=confirm_password]") is not None, path
    assert "kiosk7" not in main_text(administrator.get(PAGE))


# --- the webhook ---


@pytest.fixture
def service(app: APIFlask, tmp_path: Path) -> Iterator[PushService]:
    """A library's system with TLS on this machine, which this portal takes for one on the internet."""
    with serve_push(tmp_path) as service:
        app.extensions["public_client"] = make_public_client(
            admits=lambda _address: True, tls=service.trusted_by(tmp_path)
        )
        yield service


def flashed(client: FlaskClient) -> str:
    return read_page(client.get(PAGE)).get_text(" ", strip=True)


def test_a_webhook_is_set_and_its_test_says_what_the_system_answered(
    administrator: FlaskClient, service: PushService
) -> None:
    answer = submit(administrator, WEBHOOK, page=PAGE, url=f"{service.address}/notices?a=1")
    shown = read_page(answer).select_one("code.secret")
    assert shown is not None
    assert shown.get_text().startswith("whsec_")
    assert administrator.get(WEBHOOK).location == PAGE
    submit(administrator, f"{WEBHOOK}/test", page=PAGE)
    assert "It answered and took the test." in flashed(administrator)
    (sent,) = service.received
    assert sent.path == "/notices?a=1"
    assert b'"kind": "test"' in sent.body
    assert sent.headers["webhook-signature"].startswith("v1,")
    for status, words in ((401, "the signature is wrong"), (500, "an error of its own"), (410, "refused the test")):
        service.answer = (status, {})
        submit(administrator, f"{WEBHOOK}/test", page=PAGE)
        assert words in flashed(administrator)
    submit(administrator, f"{WEBHOOK}/stop", page=PAGE)
    assert service.address not in main_text(administrator.get(PAGE))


def test_a_new_address_has_taken_nothing_yet(app: APIFlask, administrator: FlaskClient, clock: Clock) -> None:
    submit(administrator, WEBHOOK, page=PAGE, url="https://ils.example.org/")
    with app.app_context():
        release_queue(library_id="2023500", answered=True, now=clock())
        db.session.remove()
    assert "Last taken on" in main_text(administrator.get(PAGE))
    submit(administrator, WEBHOOK, page=PAGE, url="https://other.example.org/")
    assert "Last taken on" not in main_text(administrator.get(PAGE))


def test_tests_of_a_webhook_are_few_in_a_while(administrator: FlaskClient, service: PushService) -> None:
    submit(administrator, WEBHOOK, page=PAGE, url=service.address)
    for _ in range(8):
        submit(administrator, f"{WEBHOOK}/test", page=PAGE)
    assert len(service.received) == 6


@pytest.mark.parametrize(
    "url", ["", "http://127.0.0.1/", "ftp://ils.example.org", "https://user:pw@ils.example.org/", "https://", "x" * 600]
)
def test_an_address_that_is_none_is_refused_beside_its_field(administrator: FlaskClient, url: str) -> None:
    answer = submit(administrator, WEBHOOK, page=PAGE, url=url)
    assert answer.status_code == 422
    assert "must begin with https://" in main_text(answer)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "[::1]", "localhost"])
def test_an_address_that_a_library_set_leads_to_public_addresses_alone(administrator: FlaskClient, host: str) -> None:
    submit(administrator, WEBHOOK, page=PAGE, url=f"https://{host}/notices")
    submit(administrator, f"{WEBHOOK}/test", page=PAGE)
    assert "Is the address right and public" in flashed(administrator)


def test_without_an_address_there_is_nothing_to_test(administrator: FlaskClient, service: PushService) -> None:
    submit(administrator, f"{WEBHOOK}/test", page=PAGE)
    assert "There is no address to send a test to." in flashed(administrator)
    assert service.received == []


def test_nothing_of_it_is_there_for_other_staff(desk: FlaskClient, new_browser: Callable[..., FlaskClient]) -> None:
    for browser in (desk, new_browser()):
        assert browser.get(PAGE).status_code in (302, 404)
