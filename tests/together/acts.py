"""What families and staff do on the pages, in words."""

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.doors.visits import main_text, read_page, scan_at_desk, submit


def send_permission(child: FlaskClient, guardian_card_number: str, **fields: str) -> TestResponse:
    return submit(child, "/my/settings", guardian_card_number=guardian_card_number, **fields)


def press(client: FlaskClient, page: str, ending: str) -> TestResponse:
    """Press the first button on a page whose form leads to an address with this ending."""
    for form in read_page(client.get(page)).find_all("form"):
        if str(form.get("action", "")).endswith(ending):
            fields = {field["name"]: field.get("value", "") for field in form.find_all("input") if field.get("name")}
            return client.post(form["action"], data=fields)
    raise AssertionError(f"{page} has no button that leads to …{ending}")


def act(desk: FlaskClient, what: str, **fields: str) -> str:
    """Do something at the counter and return the page that comes after it."""
    answer = submit(desk, f"/desk/counter/{what}", page="/desk", **fields)
    assert answer.status_code == 302
    return main_text(desk.get(answer.location))


def lend(desk: FlaskClient, barcode: str) -> str:
    return main_text(scan_at_desk(desk, barcode))


def take_back(desk: FlaskClient, barcode: str) -> str:
    return main_text(submit(desk, "/desk", payload=barcode, place="return"))


def has_button(client: FlaskClient, page: str, ending: str) -> bool:
    forms = read_page(client.get(page)).find_all("form")
    return any(str(form.get("action", "")).endswith(ending) for form in forms)


def read_loans(client: FlaskClient) -> str:
    return main_text(client.get("/my/loans"))


def flashed(response_page: TestResponse) -> str:
    return main_text(response_page)
