"""What waits at the desk's pages: neither a page nor a scan asks the library's system, and a silent one delays none."""

from collections.abc import Callable
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from app.ils.circulation.system import CirculationSystem
from app.ils.json_call import make_client
from app.ils.systems import Systems
from tests.conftest import Clock
from tests.contract.silent import Silent
from tests.doors.visits import MULLSJO, csrf_token, desk_log_in, read_page
from tests.together.acts import press
from tests.town import Town

LIST = ("Mull", "interlibrary/list")
# What the silent library is given: long enough to be called on a machine that is busy with other tests.
SECONDS = 2


@pytest.fixture
def mullsjo(new_browser: Callable[..., FlaskClient]) -> FlaskClient:
    browser = new_browser()
    desk_log_in(browser, MULLSJO)
    return browser


def badge(desk: FlaskClient) -> str:
    link = read_page(desk.get("/desk/numbers")).find("a", href="/desk/interlibrary")
    assert link is not None
    return str(link.get("aria-label", ""))


def is_asked_for(desk: FlaskClient) -> bool:
    """Whether the page's script will ask."""
    nav = read_page(desk.get("/desk/numbers")).find("nav", attrs={"data-badges": "/desk/badges"})
    assert nav is not None
    return not nav.has_attr("data-fresh")


def test_the_pages_script_asks_once_a_minute_and_the_pages_show_what_came(
    mullsjo: FlaskClient, town: Town, clock: Clock
):
    assert (badge(mullsjo), is_asked_for(mullsjo)) == ("", True)
    assert LIST not in town.calls
    for _ in range(2):
        assert mullsjo.get("/desk/badges").json["/desk/interlibrary"] == {"shown": "1", "words": "1 waits"}
    assert town.calls.count(LIST) == 1
    assert (badge(mullsjo), is_asked_for(mullsjo)) == ("Interlibrary loans, 1 waits", False)
    clock.turn(seconds=61)
    assert is_asked_for(mullsjo)
    mullsjo.get("/desk/badges")
    assert town.calls.count(LIST) == 2


def test_what_was_ordered_does_not_wait_at_the_desk(mullsjo: FlaskClient, town: Town):
    system = town.systems.lending("Mull")
    assert system is not None
    (request,) = system.list_interlibrary(staff="desk").requests
    system.handle_interlibrary(request_id=request.request_id, action="order", staff="desk")
    assert "/desk/interlibrary" not in mullsjo.get("/desk/badges").json


def test_the_page_of_interlibrary_loans_itself_keeps_the_count_true(mullsjo: FlaskClient, town: Town):
    mullsjo.get("/desk/interlibrary")
    assert (badge(mullsjo), is_asked_for(mullsjo)) == ("Interlibrary loans, 1 waits", False)
    press(mullsjo, "/desk/interlibrary", "/desk/interlibrary")
    mullsjo.get("/desk/interlibrary")
    assert badge(mullsjo) == ""


def test_no_scan_asks_for_what_waits(mullsjo: FlaskClient, town: Town):
    before = len(town.calls)
    mullsjo.post("/desk/scans", data={"csrf_token": csrf_token(mullsjo, "/desk"), "payload": "1002"})
    assert town.calls[before:] == [("Mull", "items/show")]


def test_a_silent_library_is_asked_once_and_every_page_stands(mullsjo: FlaskClient, clock: Clock):
    with closing(Silent()) as silent:
        system = CirculationSystem(
            client=make_client(),
            url=f"http://127.0.0.1:{silent.port}",
            library_id="Mull",
            user="p",
            password="p",
            seconds=SECONDS,
        )
        mullsjo.application.extensions["ils"] = Systems({"Mull": system})
        for path in ("/desk", "/desk/post", "/desk/notices", "/desk/numbers", "/desk/find", "/desk/enrol"):
            assert mullsjo.get(path).status_code == 200
            assert silent.new_calls() == 0, path
        for _ in range(3):
            assert mullsjo.get("/desk/badges").status_code == 200
        assert silent.new_calls() == 1


def test_a_library_with_a_system_of_its_own_has_no_such_badge(mullsjo: FlaskClient):
    mullsjo.application.extensions["ils"] = Systems({})
    assert "/desk/interlibrary" not in mullsjo.get("/desk/badges").json
    nav = read_page(mullsjo.get("/desk/numbers")).find("nav", attrs={"data-badges": "/desk/badges"})
    assert nav is not None
    assert nav.has_attr("data-fresh")


def test_a_late_answer_to_the_script_does_not_bring_back_the_visit_before(mullsjo: FlaskClient, clock: Clock):
    mullsjo.get("/desk")
    clock.turn(seconds=61)
    looks = {"Sec-Fetch-Dest": "empty"}
    for path in ("/desk/badges", "/desk"):
        assert "Set-Cookie" not in mullsjo.get(path, headers=looks).headers
    assert "Set-Cookie" in mullsjo.get("/desk", headers={"Sec-Fetch-Dest": "document"}).headers
