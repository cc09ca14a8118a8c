"""Scans that the desk's page sends again, with a library that answers, and one that has stopped."""

from typing import Any

import httpx
import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.ils.circulation.system import CirculationSystem
from app.ils.systems import Systems
from tests.doors.visits import CHILD, GUARDIAN, csrf_token, main_text
from tests.ports import own_port
from tests.town import Town

KEYS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")


class Desk:
    """The page's script, as the server sees it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client, self.token, self.visit = client, csrf_token(client, "/desk"), ""

    def scans(self, payload: str, *, key: str = "", place: str = "", visit: str | None = None) -> dict[str, Any]:
        form = {"csrf_token": self.token, "payload": payload, "key": key, "place": place}
        answer = self.client.post("/desk/scans", data={**form, "visit": self.visit if visit is None else visit})
        assert answer.status_code == 200, answer.status_code
        told: dict[str, Any] = answer.get_json()
        self.visit = told["visit"]
        return told


@pytest.fixture
def script(desk: FlaskClient) -> Desk:
    return Desk(desk)


def test_a_check_out_that_is_sent_again_says_until_when_it_is_lent(script: Desk, town: Town) -> None:
    script.scans(GUARDIAN[0])
    first, again = (script.scans("2002", key=KEYS[0]) for _ in range(2))
    assert first["state"] == again["state"] == "done"
    assert "Lent until" in first["line"]
    assert "Lent until" in again["line"]


def test_a_check_out_that_is_sent_again_after_the_return_lends_nothing(script: Desk) -> None:
    script.scans(GUARDIAN[0])
    script.scans("2002", key=KEYS[0])
    script.scans("2002", key=KEYS[1], place="return")
    assert "It was lent, and has come back since." in script.scans("2002", key=KEYS[0])["line"]
    assert "Peer Gynt" not in main_text(script.client.get("/desk"))


def test_a_return_that_is_sent_again_leaves_the_next_patrons_loan(script: Desk) -> None:
    script.scans(GUARDIAN[0])
    script.scans("2002")
    script.scans("2002", key=KEYS[0], place="return")
    assert "It was returned already." in script.scans("2002", key=KEYS[0], place="return")["line"]
    script.scans(CHILD[0])
    script.scans("2002")
    told = script.scans("2002", key=KEYS[0], place="return")
    assert "It was returned, and has been lent again since." in told["line"]
    assert "Jonas" not in told["line"]
    assert "Peer Gynt" in main_text(script.client.get("/desk"))


@pytest.mark.parametrize("was_lent", [True, False])
def test_of_an_item_whose_visit_is_over_it_is_told_whether_it_was_lent(script: Desk, was_lent: bool) -> None:
    visit = script.scans(GUARDIAN[0])["visit"]
    if was_lent:
        script.scans("2002", key=KEYS[0])
    script.scans(CHILD[0])
    told = script.scans("2002", key=KEYS[0], visit=visit)
    assert "Peer Gynt" in told["line"]
    assert ("It was lent to that patron." if was_lent else "The visit is over.") in told["line"]
    assert told["state"] == ("done" if was_lent else "refused")
    assert "Peer Gynt" not in main_text(script.client.get("/desk"))


def test_an_item_that_was_scanned_while_nobody_was_served_is_not_lent_to_who_came_since(script: Desk) -> None:
    script.scans(GUARDIAN[0])
    assert "In, and free." in script.scans("2002", visit="")["line"]


def test_cards_open_while_the_librarys_system_is_down(app: APIFlask, script: Desk) -> None:
    dead = CirculationSystem(
        client=httpx.Client(), url=f"http://127.0.0.1:{own_port()}", library_id="2023500", user="a", password="b"
    )
    app.extensions["ils"] = Systems({"2023500": dead})
    card = script.scans(GUARDIAN[0])
    assert (card["state"], card["who"]) == ("done", "Ingrid Solvang")
    form = {"csrf_token": script.token, "payload": "2002", "visit": script.visit, "key": KEYS[0]}
    assert script.client.post("/desk/scans", data=form).status_code == 503
    assert script.scans(CHILD[0])["who"] == "Jonas Solvang"


def test_what_is_owed_comes_with_the_card(script: Desk) -> None:
    assert script.scans(CHILD[0])["owed"].startswith("Owes")
