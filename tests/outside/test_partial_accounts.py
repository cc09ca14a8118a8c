"""The page of loans, where a library's answer could be read in part."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from app.ils.overview import ask_libraries, ask_what_is_kept
from app.ils.systems import Systems
from tests.contract.world import listening
from tests.doors.conftest import new_browser  # noqa: F401 - a fixture
from tests.doors.visits import GUARDIAN, log_in, main_text
from tests.outside.test_sip2_accounts import DUE, Server, open_system

COUNTS = "0001" + "0001" + "0003" + "0000" * 2 + "0002"
ITEMS = {"B1": f"AJSult|AH{DUE}|", "B2": "AJ|"}
ODD = Server(ITEMS, patron="BLY|BVtwelve|", counts=COUNTS, lists={"0": "ASPan|", "1": "ATB2|"}, card=GUARDIAN[0])


def loans_page(app: APIFlask, browser: FlaskClient, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(ask_libraries.__kwdefaults__, "timeout", 60)
    log_in(browser, *GUARDIAN)
    with listening(server.talk) as port:
        app.extensions["ils"] = Systems({"2023500": open_system(server, port)})
        return main_text(browser.get("/my/loans?lang=en"))


def test_the_page_shows_what_was_read_and_marks_the_rest(
    app: APIFlask,
    new_browser: Callable[..., FlaskClient],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = loans_page(app, new_browser(), ODD, monkeypatch)
    assert "2 loans" in text
    assert "Sult" in text
    assert "Item B2" in text
    assert "Overdue" in text
    assert "We could not fetch 1 more loan. Ask Ullensaker" in text
    assert "We could not fetch 2 reservations. Ask Ullensaker" in text
    assert "Ready for you: Pan" in text
    assert "Owed Ask Ullensaker" in " ".join(text.split())


def test_the_page_of_one_who_has_everything_marks_nothing(
    app: APIFlask,
    new_browser: Callable[..., FlaskClient],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server({"B1": f"AJSult|AH{DUE}|"}, patron="BLY|BV7.00|", card=GUARDIAN[0])
    text = loans_page(app, new_browser(), server, monkeypatch)
    assert "Sult" in text
    assert "could not be read" not in text
    assert "Ask Ullensaker" not in text


@pytest.mark.parametrize(("patron", "is_known"), [("BLY|BV7.00|", True), ("BLY|BVtwelve|", False)])
def test_what_a_library_keeps_is_unknown_where_its_answer_is_read_in_part(patron: str, is_known: bool) -> None:
    server = Server({"B1": f"AJSult|AH{DUE}|"}, patron=patron, card=GUARDIAN[0])
    with listening(server.talk) as port:
        systems = Systems({"Nba": open_system(server, port)})
        kept = ask_what_is_kept(systems=systems, library_ids=["Nba"], card_number=GUARDIAN[0], timeout=60)
    assert set(kept) == ({"Nba"} if is_known else set())
